/** Lineage of one statement under way: its parts call each other through this. */
import type { Gathering } from './context.ts'
import type { FromItem, Rows, Scope, Value } from './lineage-types.ts'
import type { Tree } from './tree.ts'

/** More nodes than this are no statement of a person; recursion could make it endless. */
const MOST_STEPS = 2_000_000

export interface Engine {
  /** SELECT, VALUES, set operations; INSERT, UPDATE, DELETE and MERGE with RETURNING. */
  query(state: State, type: string, body: Tree, scope: Scope): Rows
  /** One item of FROM; it may look at what `scope` holds so far if it is lateral. */
  from(state: State, item: unknown, scope: Scope): FromItem
  value(state: State, expression: unknown, scope: Scope): Value
}

export class State {
  readonly gathering: Gathering
  private readonly engine: Engine
  private steps = 0

  constructor(gathering: Gathering, engine: Engine) {
    this.gathering = gathering
    this.engine = engine
  }

  query(type: string, body: Tree, scope: Scope): Rows {
    return this.engine.query(this, type, body, scope)
  }

  from(item: unknown, scope: Scope): FromItem {
    return this.engine.from(this, item, scope)
  }

  value(expression: unknown, scope: Scope): Value {
    if (++this.steps > MOST_STEPS) throw new RangeError('too many steps')
    return this.engine.value(this, expression, scope)
  }

  /** A part of the tree that no one may forget: what is not seen makes all of it unproved. */
  saw(reference: Tree): void {
    this.gathering.seen.add(reference)
  }
}
