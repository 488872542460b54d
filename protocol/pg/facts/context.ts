/** What is being gathered about one statement, and what is remembered for each catalogue. */
import type { Catalogue, CatalogueOperator } from '../catalogue.ts'
import type { FunctionUse, Refusal, StatementClass } from '../statement.ts'
import type { Budget } from './budget.ts'
import type { Column } from './lineage-types.ts'
import { type Reach, Reaching } from './reach.ts'
import type { Tree } from './tree.ts'

/** A pure function from SQL to its parse tree; throws where there is none. */
export type Parse = (sql: string) => unknown

export interface Scene {
  readonly catalogue: Catalogue
  /** Schemas in which names without one are looked for, pg_catalog among them. */
  readonly path: readonly string[]
  /** The same of the session: bodies of functions are read with it, wherever they are called. */
  readonly session: readonly string[]
  readonly parse: Parse | null
  readonly memo: Memo
  /** How many bodies (views, functions, queries in strings) we are inside of. */
  readonly depth: number
  /** Shared by all that is looked at for one text. */
  readonly budget: Budget
}

/** What the body of a view, a function or a query in a string does. */
export interface BodyFacts {
  readonly class: StatementClass
  readonly why: string
  readonly tables: ReadonlySet<number>
  readonly columns: readonly Column[] | null
  readonly reach: Reach
  /** It may fail, by what it reads or by its parameters. */
  readonly fails: boolean
}

export interface Memo {
  readonly operators: ReadonlyMap<string, readonly CatalogueOperator[]>
  readonly bodies: Map<string, BodyFacts | null>
  readonly types: Map<string, Effect | null>
  readonly columns: Map<string, readonly Column[]>
}

export interface Effect {
  readonly class: StatementClass
  readonly why: string
}

const memos = new WeakMap<Catalogue, Memo>()

export function memoOf(catalogue: Catalogue): Memo {
  const known = memos.get(catalogue)
  if (known !== undefined) return known
  const operators = Map.groupBy(catalogue.operators, (operator) => operator.name)
  const memo = { operators, bodies: new Map(), types: new Map(), columns: new Map() }
  memos.set(catalogue, memo)
  return memo
}

/** From harmless to grave; the gravest of its parts is the class of a statement. */
/** Within one statement: a write with an unknown part is a write; `understood` says that there is one. */
const RANK: Record<StatementClass, number> = {
  read: 0,
  transaction: 1,
  session: 2,
  unknown: 3,
  write: 4,
  ddl: 5,
  admin: 6,
}

export function graver(left: StatementClass, right: StatementClass): StatementClass {
  return RANK[right] > RANK[left] ? right : left
}

export class Gathering {
  readonly scene: Scene
  class: StatementClass = 'read'
  why = ''
  refusal: Refusal | null = null
  readonly functions = new Map<string, FunctionUse>()
  readonly reads = new Set<string>()
  readonly writes = new Set<string>()
  readonly tables = new Set<number>()
  readonly reach = new Reaching()
  /** A part of it fails for some values. */
  fails = false
  /** Every reference to a column that stands in the tree, and those that lineage came by. */
  readonly columnRefs: Tree[] = []
  readonly seen = new Set<Tree>()
  /** The outermost SELECT, where the statement is one. */
  root: Tree | null = null

  constructor(scene: Scene) {
    this.scene = scene
  }

  add(effect: Effect | null): void {
    if (effect?.class === 'unknown') this.reach.understood = false
    if (effect === null || graver(this.class, effect.class) === this.class) return
    this.class = effect.class
    this.why = effect.why
  }

  /** Code that runs unnamed, in a cast or a check: nobody can say what it reaches. */
  code(effect: Effect | null): void {
    if (effect !== null) this.reach.opaque = true
    this.add(effect)
  }

  refuse(refusal: Refusal | null): void {
    this.refusal ??= refusal
  }
}
