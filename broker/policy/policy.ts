import type { StatementClass } from '../../protocol/pg/statement.ts'
import type { ColumnName } from './columns.ts'

/** So many different persons of this group must agree. */
export interface Need {
  readonly group: string
  readonly count: number
}

/** What a connection says to one class of statement. */
export type Rule =
  | { readonly decision: 'allow' }
  | { readonly decision: 'hold'; readonly needs: readonly Need[] }
  | { readonly decision: 'deny'; readonly reason: string | null }

export interface MaskRule {
  /** In one spelling: `people.ssn` or `hr.people.ssn`. Without a schema: the table in any schema. */
  readonly column: string
  readonly name: ColumnName
  readonly how: 'redact' | 'partial' | 'hash' | 'null'
  /** For partial: so many characters at the end stay. */
  readonly last?: number
}

export interface ConnectionPolicy {
  readonly connection: string
  /** Groups whose members may use it. */
  readonly request: readonly string[]
  /** Groups that see it in their list without using it. */
  readonly see: readonly string[]
  readonly rules: Readonly<Record<StatementClass, Rule>>
  readonly mask: readonly MaskRule[]
}

export interface Policy {
  readonly connections: ReadonlyMap<string, ConnectionPolicy>
}

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
