/** A column by name, as the policy writes it: `people.ssn`, `hr.people.ssn`, `"My Table".ssn`. */
export interface ColumnName {
  readonly schema: string | null
  readonly table: string
  readonly column: string
}

/** PostgreSQL's identifiers: bare ones are folded to lower case, quoted ones are kept (section 4.1.1). */
const IDENTIFIER = /(?:"((?:[^"\0]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))(\.|$)/uy

/** Null: not a column's name. */
export function parseColumn(text: string): ColumnName | null {
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
  if (open || parts.length < 2 || parts.length > 3) return null
  const [column, table, schema] = parts.toReversed()
  return { schema: schema ?? null, table: table!, column: column! }
}

/** The one spelling of a column's name: quoted only where it must be. */
export function showColumn(name: ColumnName): string {
  const parts = name.schema === null ? [] : [name.schema]
  return [...parts, name.table, name.column].map(quoteIdentifier).join('.')
}

function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
