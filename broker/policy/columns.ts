/** A column by name, as the policy writes it: `people.ssn`, `hr.people.ssn`, `"My Table".ssn`. */
export interface ColumnName {
  readonly schema: string | null
  readonly table: string
  readonly column: string
}

/** A table, or some of its columns: `orders`, `hr.people(salary, ssn)`, `scratch.*`. */
export interface TableName {
  readonly schema: string | null
  /** Null: every table of the schema. */
  readonly table: string | null
  readonly columns: readonly string[] | null
}

/** PostgreSQL's identifiers: bare ones are folded to lower case, quoted ones are kept (section 4.1.1). */
const IDENTIFIER = /(?:"((?:[^"\0]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))(\.|$)/uy

/** Null: not a column's name. */
export function parseColumn(text: string): ColumnName | null {
  const parts = identifiers(text)
  if (parts === null || parts.length < 2 || parts.length > 3) return null
  const [column, table, schema] = parts.toReversed()
  return { schema: schema ?? null, table: table!, column: column! }
}

/** The columns at the end of it. */
const COLUMNS = /^(.*?)\s*\(([^()]*)\)$/su

/** Null: not a table's name. */
export function parseTable(text: string): TableName | null {
  const [, own, list] = COLUMNS.exec(text) ?? [null, text, null]
  const columns = list === null ? null : list!.split(',').map((one) => identifiers(one.trim()))
  if (columns?.some((one) => one?.length !== 1)) return null
  const names = columns?.map((one) => one![0]!) ?? null
  if (own!.endsWith('.*')) {
    const schema = identifiers(own!.slice(0, -2))
    if (schema?.length !== 1 || names !== null) return null
    return { schema: schema[0]!, table: null, columns: null }
  }
  const parts = identifiers(own!)
  if (parts === null || parts.length > 2) return null
  const [table, schema] = parts.toReversed()
  return { schema: schema ?? null, table: table!, columns: names }
}

/** Names between dots; null = something else stands there. */
function identifiers(text: string): string[] | null {
  const parts: string[] = []
  let at = 0
  let open = true
  while (at < text.length) {
    IDENTIFIER.lastIndex = at
    const found = IDENTIFIER.exec(text)
    if (!found) return null
    parts.push(found[1] !== undefined ? found[1].replaceAll('""', '"') : found[2]!.toLowerCase())
    at = IDENTIFIER.lastIndex
    open = found[3] === '.'
  }
  return open ? null : parts
}

/** The one spelling of a column's name: quoted only where it must be. */
export function showColumn(name: ColumnName): string {
  const parts = name.schema === null ? [] : [name.schema]
  return [...parts, name.table, name.column].map(quoteIdentifier).join('.')
}

export function showTable({ schema, table, columns }: TableName): string {
  const parts = [...(schema === null ? [] : [quoteIdentifier(schema)])]
  parts.push(table === null ? '*' : quoteIdentifier(table))
  const list = columns === null ? '' : `(${columns.map(quoteIdentifier).join(', ')})`
  return parts.join('.') + list
}

function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
