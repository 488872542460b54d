/** Does what a rule asks stand in the facts? Where nobody can know, it does. */
import { type Catalogue, isTemporary } from '../../protocol/pg/catalogue.ts'
import type { ColumnOrigin, StatementClass, StatementFacts } from '../../protocol/pg/statement.ts'
import type { TableName } from './columns.ts'
import type { Condition } from './policy.ts'

/** Null facts: the text could not be read. */
export function matches(
  facts: StatementFacts | null,
  when: Condition,
  catalogue: Catalogue,
): boolean {
  if (facts === null || facts.opaque) return mayBe(facts?.class ?? 'unknown', when)
  const { reads, writes } = facts
  return (
    (when.class === null || when.class.includes(facts.class)) &&
    (when.ddl === null || (facts.ddl !== null && when.ddl.includes(facts.ddl))) &&
    (when.without === null || facts.unbounded) &&
    (when.calls === null || calls(facts, when.calls)) &&
    touches(
      when.reads,
      { names: reads, rows: facts.rowsRead, columns: facts.columnsRead },
      catalogue,
    ) &&
    touches(
      when.writes,
      { names: writes, rows: facts.rowsWritten, columns: facts.columnsWritten },
      catalogue,
    )
  )
}

/** What hoop cannot read may do everything that changes something. */
function mayBe(own: StatementClass, when: Condition): boolean {
  const ones = when.class
  return ones === null || ones.includes(own) || ones.some((one) => CHANGES.has(one))
}

const CHANGES: ReadonlySet<StatementClass> = new Set(['write', 'ddl', 'admin', 'unknown'])

function calls({ functions, callsWithin }: StatementFacts, wanted: readonly TableName[]): boolean {
  const called = [...functions.map((one) => one.name), ...callsWithin]
  return wanted.some((name) => called.some((one) => isNamed(one, name)))
}

/**
 * Is all that it writes in these tables? Views count as what is behind them; what writes to nothing
 * that has a name is in none.
 */
export function writesWithin(
  { writes, rowsWritten }: StatementFacts,
  tables: readonly TableName[],
  catalogue: Catalogue,
): boolean {
  const meant = tables.map((name) => meaning(name, catalogue).tables)
  const strangers = writes.filter((one) => !isKnown(one, catalogue))
  const rows = rowsWritten.filter((oid) => catalogue.relations.get(oid)?.kind !== 'view')
  return (
    rows.length + strangers.length > 0 &&
    strangers.every((one) => tables.some((name) => isNamed(one, name))) &&
    rows.every((oid) => meant.some((oids) => oids.has(oid)))
  )
}

interface Touched {
  readonly names: readonly string[]
  readonly rows: readonly number[]
  readonly columns: readonly ColumnOrigin[]
}

function touches(
  wanted: readonly TableName[] | null,
  { names, rows, columns }: Touched,
  catalogue: Catalogue,
): boolean {
  if (wanted === null) return true
  return wanted.some((name) => {
    const meant = meaning(name, catalogue)
    // What the catalogue does not know is known by its name alone.
    if (names.some((one) => isNamed(one, name) && !isKnown(one, catalogue))) return true
    if (!rows.some((oid) => meant.tables.has(oid))) return false
    return (
      name.columns === null ||
      columns.some(({ table, column }) =>
        column === 0 ? meant.tables.has(table) : meant.columns.has(`${table} ${column}`),
      )
    )
  })
}

function isKnown(full: string, { relations, relationsByName }: Catalogue): boolean {
  const schema = full.slice(0, Math.max(0, full.indexOf('.')))
  const oids = relationsByName.get(full.slice(schema.length + 1)) ?? []
  return oids.some((oid) => relations.get(oid)?.schema === schema)
}

/** `full` is qualified where the object was found. */
function isNamed(full: string, { schema, table }: TableName): boolean {
  if (table === null) return full.startsWith(`${schema}.`)
  if (schema === null) return full === table || full.endsWith(`.${table}`)
  return full === `${schema}.${table}` || full === table
}

interface Meaning {
  readonly tables: ReadonlySet<number>
  readonly columns: ReadonlySet<string>
}

const known = new WeakMap<Catalogue, Map<TableName, Meaning>>()

function meaning(name: TableName, catalogue: Catalogue): Meaning {
  const all = known.get(catalogue) ?? new Map<TableName, Meaning>()
  known.set(catalogue, all)
  const found = all.get(name) ?? find(name, catalogue)
  all.set(name, found)
  return found
}

/** The tables of that name and what inherits from them, whose rows are theirs. */
function find({ schema, table, columns }: TableName, catalogue: Catalogue): Meaning {
  const tables = new Set<number>()
  for (const { oid, name, schema: own } of catalogue.relations.values()) {
    if ((table === null || table === name) && (schema === null || isIn(own, schema)))
      tables.add(oid)
  }
  while (addRelatives(tables, catalogue, 'children'));
  if (columns === null) return { tables, columns: new Set() }
  // A statement that names the parent's column means the child's.
  const named = new Set(tables)
  while (addRelatives(named, catalogue, 'parents'));
  return { tables, columns: columnsOf(named, columns, catalogue) }
}

/** `pg_temp` is the temporary schema of whatever session. */
function isIn(own: string, schema: string): boolean {
  return own === schema || (schema === 'pg_temp' && isTemporary(own))
}

function addRelatives(
  tables: Set<number>,
  { relations }: Catalogue,
  which: 'children' | 'parents',
): boolean {
  const before = tables.size
  for (const { oid, parents } of relations.values()) {
    for (const parent of parents) {
      if (which === 'children' && tables.has(parent)) tables.add(oid)
      if (which === 'parents' && tables.has(oid)) tables.add(parent)
    }
  }
  return tables.size > before
}

function columnsOf(
  tables: ReadonlySet<number>,
  names: readonly string[],
  { relations }: Catalogue,
): ReadonlySet<string> {
  const found = new Set<string>()
  for (const oid of tables) {
    for (const { name, number } of relations.get(oid)?.columns ?? []) {
      if (names.includes(name)) found.add(`${oid} ${number}`)
    }
  }
  return found
}
