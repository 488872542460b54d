import type { Catalogue, CatalogueColumn, CatalogueRelation } from '../../protocol/pg/catalogue.ts'
import type { ColumnOrigin, StatementFacts } from '../../protocol/pg/statement.ts'
import type { How, Wanted } from './cell.ts'

/** One line of `mask:` in the policy. */
export interface MaskRule {
  /** `people.ssn` (in whatever schema), `public.people.ssn`, `people.*`; quotes as in SQL. */
  readonly column: string
  readonly how: How
  readonly last?: number
}

/** What masking asks of the target's catalogue. */
export type MaskCatalogue = Pick<Catalogue, 'relations' | 'types'>

/** The protected columns of one target by catalogue identity, for one version of its catalogue. */
export interface ProtectedColumns {
  readonly empty: boolean
  readonly textTypes: ReadonlySet<number>
  /** Rules that name no column of the target: worth a warning. */
  readonly unresolved: readonly string[]
  /** How a column is masked, null = not at all. Column 0 is the whole row. */
  wanted(table: number, column: number): Wanted | null
  /** All of them, table by table. */
  readonly columns: ReadonlyMap<number, ReadonlyMap<number, Wanted>>
  /** False: made since the catalogue was read; nothing is known of it. */
  knows(table: number): boolean
  /** Does a column that is not protected itself show nothing but its own values? A view's does not. */
  isBase(table: number): boolean
  /** May protected values be in what this statement computes, prints or complains about? */
  touches(facts: StatementFacts | null): boolean
  readonly redact: Wanted
}

/** What views of the system say of a column's values: samples, widths, how often and in what order. */
const STATISTICS = `avg_width n_distinct most_common_vals most_common_val_nulls most_common_freqs
  most_common_base_freqs histogram_bounds correlation most_common_elems most_common_elem_freqs
  elem_count_histogram range_length_histogram range_empty_frac range_bounds_histogram
  dependencies`.split(/\s+/)

/**
 * Columns of the system that show other tables' values or other persons' statements. They follow
 * the policy: where nothing is protected they are as PostgreSQL made them.
 */
const TELLTALES: readonly string[] = [
  ...['1', '2', '3', '4', '5'].flatMap((n) =>
    ['kind', 'op', 'coll', 'numbers', 'values'].map((of) => `pg_catalog.pg_statistic.sta${of}${n}`),
  ),
  'pg_catalog.pg_statistic.stawidth',
  'pg_catalog.pg_statistic.stadistinct',
  'pg_catalog.pg_statistic_ext_data.*',
  ...STATISTICS.flatMap((name) => [
    `pg_catalog.pg_stats.${name}`,
    `pg_catalog.pg_stats_ext.${name}`,
    `pg_catalog.pg_stats_ext_exprs.${name}`,
  ]),
  'pg_catalog.pg_stat_activity.query',
  'pg_catalog.pg_prepared_statements.statement',
  'pg_catalog.pg_cursors.statement',
  'pg_catalog.pg_largeobject.data',
  'pg_stat_statements.query',
]

/** Passwords, of roles and of other servers: never shown, whatever the policy says of masks. */
const CREDENTIALS: readonly string[] = [
  'pg_catalog.pg_authid.rolpassword',
  'pg_catalog.pg_user_mapping.umoptions',
  'pg_catalog.pg_subscription.subconninfo',
]

/** What the rules do not say: columns that were protected under another name, or copies of such. */
export interface More {
  readonly columns: ProtectedColumns['columns']
  /** Columns of tables; column 0 = all of them. */
  readonly copies: readonly ColumnOrigin[]
}

const NO_MORE: More = { columns: new Map(), copies: [] }

export function protectColumns(
  rules: readonly MaskRule[],
  catalogue: MaskCatalogue,
  key: Buffer,
  more: More = NO_MORE,
): ProtectedColumns {
  const redact: Wanted = { how: 'redact', last: 0, key }
  const found = new Found(redact)
  const unresolved = rules.flatMap((rule) => {
    const hit = found.add(rule.column, { how: rule.how, last: rule.last ?? 0, key }, catalogue)
    if (!hit) found.addTable(rule.column, catalogue)
    return hit ? [] : [rule.column]
  })
  if (rules.length > 0) for (const column of TELLTALES) found.add(column, redact, catalogue)
  const hide: Wanted = { how: 'null', last: 0, key }
  for (const column of CREDENTIALS) found.add(column, hide, catalogue)
  for (const [table, columns] of more.columns)
    for (const [column, wanted] of columns) found.set(table, column, wanted)
  for (const copy of more.copies) {
    const relation = catalogue.relations.get(copy.table)
    if (relation === undefined) continue
    coverAll(found, relation, ({ number }) => copy.column === 0 || copy.column === number)
  }
  while (spread(found, catalogue));
  const hasRules = rules.length > 0
  return {
    empty: !hasRules && found.tables.size === 0,
    textTypes: textTypes(catalogue),
    unresolved,
    redact,
    columns: found.tables,
    // Table 0: facts say that the value may be any value of the database.
    wanted: (table, column) => (table === 0 && hasRules ? redact : found.wanted(table, column)),
    knows: (table) => catalogue.relations.has(table),
    isBase: (table) => isBase(catalogue.relations.get(table)),
    touches: (facts) =>
      hasRules
        ? facts === null || touches(facts, found, catalogue)
        : facts?.tables.some((table) => found.tables.has(table)) === true,
  }
}

/** Types of extensions whose values are text as it is, whatever OID they got. */
const TEXT_TYPES: readonly string[] = ['citext']

function textTypes(catalogue: MaskCatalogue): ReadonlySet<number> {
  const types = [...catalogue.types.values()]
  const isText = (name: string): boolean => TEXT_TYPES.includes(name)
  return new Set(
    types.filter(({ kind, name }) => kind === 'base' && isText(name)).map((t) => t.oid),
  )
}

function isBase(relation: CatalogueRelation | undefined): boolean {
  return relation !== undefined && relation.kind !== 'view' && relation.kind !== 'materialized'
}

class Found {
  readonly tables = new Map<number, Map<number, Wanted>>()
  readonly redact: Wanted

  constructor(redact: Wanted) {
    this.redact = redact
  }

  add(column: string, wanted: Wanted, catalogue: MaskCatalogue): boolean {
    const names = split(column)
    let hit = false
    for (const relation of catalogue.relations.values()) {
      if (!names || !isNamed(relation, names)) continue
      for (const { name, number } of relation.columns) {
        if (names.column !== '*' && names.column !== name) continue
        hit = true
        this.set(relation.oid, number, wanted)
      }
    }
    return hit
  }

  /** The column was renamed, or misspelt: it may be any of its table, so it is all of them. */
  addTable(column: string, catalogue: MaskCatalogue): void {
    const names = split(column)
    for (const relation of catalogue.relations.values()) {
      if (names && isNamed(relation, names)) coverAll(this, relation, () => true)
    }
  }

  /** Two rules that differ make the strictest. True: something changed. */
  set(table: number, column: number, wanted: Wanted): boolean {
    const columns = this.tables.get(table) ?? new Map<number, Wanted>()
    this.tables.set(table, columns)
    const before = columns.get(column)
    const after = before === undefined || same(before, wanted) ? wanted : this.redact
    if (before !== undefined && same(before, after)) return false
    columns.set(column, after)
    return true
  }

  wanted(table: number, column: number): Wanted | null {
    const columns = this.tables.get(table)
    if (columns === undefined) return null
    return column === 0 ? this.redact : (columns.get(column) ?? null)
  }
}

function same(a: Wanted, b: Wanted): boolean {
  return a.how === b.how && a.last === b.last
}

interface ColumnName {
  readonly schema: string | null
  readonly table: string
  readonly column: string
}

/** PostgreSQL's identifiers: bare ones are folded to lower case, quoted ones are kept. */
const PART = /^(?:"((?:[^"]|"")+)"|([^".]+))(?:\.(?=.)|$)/u

/** `people.ssn`, `public.people.ssn`, `"Odd.Schema".people."SSN"`; null = not a column's name. */
function split(column: string): ColumnName | null {
  const parts: string[] = []
  for (let rest = column; rest !== ''; ) {
    const match = PART.exec(rest)
    if (match === null) return null
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2]!.toLowerCase())
    rest = rest.slice(match[0].length)
  }
  if (parts.length < 2 || parts.length > 3) return null
  const [name, table, schema] = parts.reverse()
  return { schema: schema ?? null, table: table!, column: name! }
}

function isNamed(relation: CatalogueRelation, names: ColumnName): boolean {
  return relation.name === names.table && (names.schema ?? relation.schema) === relation.schema
}

/**
 * One step from tables to what shows the same values: children and parents, TOAST tables, generated
 * columns. (Views are the facts' business.) True: something changed.
 */
function spread(found: Found, catalogue: MaskCatalogue): boolean {
  let changed = false
  for (const relation of catalogue.relations.values()) {
    for (const oid of relation.parents) {
      const parent = catalogue.relations.get(oid)
      if (parent === undefined) continue
      // A query of the parent shows the child's rows under the parent's OID: so both ways.
      if (inherit(found, parent, relation)) changed = true
      if (inherit(found, relation, parent)) changed = true
    }
    if (coverToast(found, relation)) changed = true
    if (coverGenerated(found, relation)) changed = true
  }
  return changed
}

/** Attribute numbers of parents and children differ; names do not. */
function inherit(found: Found, from: CatalogueRelation, to: CatalogueRelation): boolean {
  const columns = found.tables.get(from.oid)
  if (columns === undefined) return false
  let changed = false
  for (const { name, number } of from.columns) {
    const wanted = columns.get(number)
    const target = wanted && to.columns.find((column) => column.name === name)
    if (target && found.set(to.oid, target.number, wanted)) changed = true
  }
  return changed
}

/** The pieces of long values, which do not say of which column they are. */
function coverToast(found: Found, relation: CatalogueRelation): boolean {
  if (relation.owner === null || !found.tables.has(relation.owner)) return false
  return coverAll(found, relation, () => true)
}

/** A column that is computed from a protected one; that a name occurs in it is enough. */
function coverGenerated(found: Found, relation: CatalogueRelation): boolean {
  const columns = found.tables.get(relation.oid)
  if (columns === undefined) return false
  const names = relation.columns.flatMap(({ name, number }) => (columns.has(number) ? [name] : []))
  return coverAll(found, relation, ({ generated }) =>
    names.some((name) => generated?.includes(name) ?? false),
  )
}

function coverAll(
  found: Found,
  relation: CatalogueRelation,
  isMeant: (column: CatalogueColumn) => boolean,
): boolean {
  let changed = false
  for (const column of relation.columns) {
    if (isMeant(column) && found.set(relation.oid, column.number, found.redact)) changed = true
  }
  return changed
}

/** Functions of the system that read whatever their arguments say. */
const READ_BY_NAME: ReadonlySet<string> = new Set(
  [
    ...['table_to_xml', 'table_to_xml_and_xmlschema', 'query_to_xml', 'query_to_xml_and_xmlschema'],
    ...['cursor_to_xml', 'schema_to_xml', 'schema_to_xml_and_xmlschema'],
    ...['database_to_xml', 'database_to_xml_and_xmlschema', 'ts_stat', 'ts_rewrite'],
  ].map((name) => `pg_catalog.${name}`),
)

/** Statements that run code of which the facts know nothing. */
const RUN_CODE: ReadonlySet<string> = new Set(['DoStmt', 'CallStmt'])

function touches(facts: StatementFacts, found: Found, catalogue: MaskCatalogue): boolean {
  if (facts.class === 'unknown' || RUN_CODE.has(facts.node)) return true
  if (facts.tables.some((table) => found.tables.has(table))) return true
  if (facts.functions.some((use) => !use.harmless || READ_BY_NAME.has(use.name))) return true
  if (facts.writes.length === 0) return false
  for (const oid of found.tables.keys()) {
    const relation = catalogue.relations.get(oid)
    if (relation && facts.writes.includes(`${relation.schema}.${relation.name}`)) return true
  }
  return false
}
