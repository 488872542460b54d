import {
  type MaskRule,
  type ProtectedColumns,
  protectColumns,
} from '../../../broker/masking/protect.ts'
import type { FieldDescription } from '../../../protocol/pg/backend.ts'
import { buildCatalogue, type CatalogueRelation } from '../../../protocol/pg/catalogue.ts'
import type { OutputColumn, StatementFacts } from '../../../protocol/pg/statement.ts'

/** A target with one table of each kind that matters, and the policy of the demo. */

export const PEOPLE = 16401
export const ORDERS = 16402
export const VIEW = 16403
export const EVENTS = 16404
export const EVENTS_2024 = 16405
export const TOAST = 16406
export const STATS = 12290
export const AUTHID = 1260
export const CITEXT = 16500

type Columns = readonly (string | readonly [string, string])[]

export function relation(
  oid: number,
  name: string,
  columns: Columns,
  more: Partial<CatalogueRelation> = {},
): CatalogueRelation {
  return {
    ...{ oid, schema: 'public', name, kind: 'table', builtin: false, type: oid + 10_000 },
    ...{ definition: null, policies: [], parents: [], touches: [], wrapper: null, owner: null },
    columns: columns.map((column, index) => {
      const [called, generated] = typeof column === 'string' ? [column, null] : column
      const plain = { number: index + 1, name: called, type: 25 }
      return generated === null ? plain : { ...plain, generated }
    }),
    ...more,
  }
}

const SYSTEM = { schema: 'pg_catalog', builtin: true, kind: 'view' } as const

export const CATALOGUE = buildCatalogue({
  ...{ version: 1, server: 180000, database: 'app', user: 'hoop' },
  ...{ builtinOperators: new Set<string>(), operators: [], casts: [], functions: [] },
  types: [
    {
      ...{ oid: CITEXT, schema: 'public', name: 'citext', kind: 'base', relation: 0, element: 0 },
      ...{ checks: [], runs: [] },
    },
  ],
  relations: [
    relation(PEOPLE, 'people', ['id', 'name', 'ssn', 'card_number', ['tail', 'right(ssn, 4)']]),
    relation(ORDERS, 'orders', ['id', 'person_id', 'ssn']),
    relation(VIEW, 'v_people', ['id', 'tax_ref'], { kind: 'view', definition: 'SELECT …' }),
    relation(EVENTS, 'events', ['id', 'ssn'], { kind: 'partitioned' }),
    relation(EVENTS_2024, 'events_2024', ['ssn', 'id'], { parents: [EVENTS] }),
    relation(TOAST, 'pg_toast_16401', ['chunk_id', 'chunk_data'], {
      ...{ schema: 'pg_toast', kind: 'toast', owner: PEOPLE },
    }),
    relation(STATS, 'pg_stats', ['tablename', 'most_common_vals'], SYSTEM),
    relation(AUTHID, 'pg_authid', ['rolname', 'rolpassword'], SYSTEM),
  ],
})

export const RULES: readonly MaskRule[] = [
  { column: 'people.ssn', how: 'redact' },
  { column: 'public.people.card_number', how: 'partial', last: 4 },
]

export function protectedBy(rules: readonly MaskRule[]): ProtectedColumns {
  return protectColumns(rules, CATALOGUE, Buffer.from('key'))
}

export function field(
  table: number,
  column: number,
  more: Partial<FieldDescription> = {},
): FieldDescription {
  return { name: 'x', table, column, type: 25, format: 0, ...more }
}

export function output(more: Partial<OutputColumn> = {}): OutputColumn {
  return { name: 'x', origins: [], proved: true, plain: false, ...more }
}

export function factsOf(more: Partial<StatementFacts> = {}): StatementFacts {
  return {
    ...{ class: 'read', node: 'SelectStmt', verb: 'SELECT', span: { offset: 0, length: 1 } },
    ...{ command: { type: 'query' }, reads: [], writes: [], tables: [], functions: [] },
    ...{
      unbounded: false,
      opaque: false,
      understood: true,
      callsWithin: [],
      fills: null,
      rowsRead: [],
      rowsWritten: [],
      columnsRead: [],
      columnsWritten: [],
      ddl: null,
      output: null,
      predicates: [],
      why: '',
      refusal: null,
    },
    ...more,
  }
}
