/** Lineage of one statement under way: its parts call each other through this. */
import type { PredicateUse } from '../statement.ts'
import { spend } from './budget.ts'
import type { Gathering } from './context.ts'
import type { FromItem, Rows, Scope, Value } from './lineage-types.ts'
import type { Tree } from './tree.ts'

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

  constructor(gathering: Gathering, engine: Engine) {
    this.gathering = gathering
    this.engine = engine
  }

  query(type: string, body: Tree, scope: Scope): Rows {
    this.spend(1)
    return this.engine.query(this, type, body, scope)
  }

  from(item: unknown, scope: Scope): FromItem {
    return this.engine.from(this, item, scope)
  }

  value(expression: unknown, scope: Scope): Value {
    this.spend(1)
    return this.engine.value(this, expression, scope)
  }

  /** This value decides something that shows. */
  decide(use: PredicateUse, made: Value): Value {
    this.gathering.reach.decide(use, made)
    return made
  }

  spend(steps: number): void {
    spend(this.gathering.scene.budget, steps)
  }

  /** A part of the tree that no one may forget: what is not seen makes all of it unproved. */
  saw(reference: Tree): void {
    this.gathering.seen.add(reference)
  }
}
