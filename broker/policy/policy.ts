import type { PredicateUse, StatementClass } from '../../protocol/pg/statement.ts'
import type { ColumnName, TableName } from './columns.ts'
import type { OnCall } from './on-call.ts'

/** So many different persons of this group must agree. */
export interface Need {
  readonly group: string
  readonly count: number
}

/** Whose approval is needed. */
export interface Asked {
  readonly needs: readonly Need[]
  /** All ways to approve it, `needs` first, each enough by itself; empty: there is that one. */
  readonly alternatives: readonly (readonly Need[])[]
}

/** Who is in two of these groups approves nothing, or nothing of their members. */
export interface Separation {
  readonly groups: readonly string[]
  readonly mayNot: 'approve' | 'approve-each-other'
}

/** What a connection says to one class of statement. */
export type Rule =
  | { readonly decision: 'allow' }
  | ({ readonly decision: 'hold' } & Asked)
  | { readonly decision: 'deny'; readonly reason: string | null }

/** What the facts of a statement must say; all of it, and of each list one. Null: not asked. */
export interface Condition {
  readonly class: readonly StatementClass[] | null
  readonly ddl: readonly string[] | null
  readonly reads: readonly TableName[] | null
  readonly writes: readonly TableName[] | null
  /** Functions, as names of tables are written. */
  readonly calls: readonly TableName[] | null
  readonly without: 'where' | null
}

/** One line of `statements`: it makes what its class says stricter, never milder. */
export interface StatementRule {
  /** `pg-prod.statements[0]` */
  readonly label: string
  readonly when: Condition
  readonly rule: Exclude<Rule, { decision: 'allow' }>
}

/** What happens to a predicate over a protected column. */
export type PredicateRule =
  | { readonly decision: 'allow'; readonly perSession: number | null }
  | Exclude<Rule, { decision: 'allow' }>

export interface MaskRule {
  /** In one spelling: `people.ssn` or `hr.people.ssn`. Without a schema: the table in any schema. */
  readonly column: string
  readonly name: ColumnName
  readonly how: 'redact' | 'partial' | 'hash' | 'null'
  /** For partial: so many characters at the end stay. */
  readonly last?: number
}

/** What is looked for in values that no mask is about. */
export const DETECTORS = [
  'card',
  'ssn',
  'iban',
  'email',
  'phone',
  'jwt',
  'private_key',
  'cloud_key',
] as const

export interface DetectRule {
  readonly what: (typeof DETECTORS)[number]
  readonly how: 'redact' | 'partial' | 'hash'
  readonly last?: number
}

/** What windows may be asked for. */
export interface WindowRule {
  /** Milliseconds; of one that comes back, each time. */
  readonly atMost: number
  readonly classes: readonly ('read' | 'write' | 'ddl' | 'admin')[]
  /** Null: whoever approves the statements. */
  readonly by: readonly Need[] | null
}

/** Who may go in without waiting, for how long, and who looks at it afterwards. */
export interface BreakGlassRule {
  readonly groups: readonly string[]
  readonly lasts: number
  readonly classes: WindowRule['classes']
  readonly review: readonly Need[]
}

/** After so long without a decision these may decide, too. */
export interface Escalation {
  readonly after: number
  readonly to: string
}

export interface ConnectionPolicy {
  readonly connection: string
  /** Groups whose members may use it. */
  readonly request: readonly string[]
  /** Groups that see it in their list without using it. */
  readonly see: readonly string[]
  /** Groups that never hold together. */
  readonly separate: readonly Separation[]
  readonly rules: Readonly<Record<StatementClass, Rule>>
  readonly statements: readonly StatementRule[]
  readonly predicates: Readonly<Record<PredicateUse, PredicateRule>>
  /** Null: there are none. */
  readonly windows: WindowRule | null
  /** Null: nobody may. */
  readonly breakGlass: BreakGlassRule | null
  /** After so long without a decision those who are asked are reminded; null: never. */
  readonly remindAfter: number | null
  /** The earliest first. */
  readonly escalate: readonly Escalation[]
  readonly mask: readonly MaskRule[]
  /** Where each rule stands that has a place: `pg-prod.rules.read` → `policy.yaml:5`. */
  readonly places: ReadonlyMap<string, string>
  readonly detect: readonly DetectRule[]
}

export interface Policy {
  readonly onCall: OnCall
  readonly connections: ReadonlyMap<string, ConnectionPolicy>
}

/** Every use of a column that can tell its values, in the order in which people read them. */
export const USES = [
  'equality',
  'presence',
  'filter',
  'join',
  'order',
  'group',
  'compute',
] as const satisfies readonly PredicateUse[]

/** Every class, in the order in which people read them. */
export const CLASSES = [
  'read',
  'write',
  'ddl',
  'admin',
  'session',
  'transaction',
  'unknown',
] as const satisfies readonly StatementClass[]
