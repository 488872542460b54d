import type { FieldDescription } from '../../protocol/pg/backend.ts'
import type { OutputColumn, StatementFacts } from '../../protocol/pg/statement.ts'
import { type CellMask, cellMask, type Wanted } from './cell.ts'
import type { ProtectedColumns } from './protect.ts'

/** What happens to each column of a result; made before its first row. */
export interface RowPlan {
  /** True: nothing is masked, the rows need not be opened. */
  readonly clear: boolean
  /** null = stays as it is. */
  readonly columns: readonly (CellMask | null)[]
  /** The same for people and for the record. */
  readonly masked: readonly boolean[]
}

/**
 * Decides by where values come from: the server's word (table OID and attnum in RowDescription)
 * and the parse tree's (facts). Either one is enough to mask. Without the server's word a column
 * is clear only if the facts prove it, or if the statement has nothing to do with what is protected.
 * `facts` are those of the statement whose rows these are (the inner one of EXECUTE and FETCH);
 * null = not known.
 */
export function planRows(
  fields: readonly FieldDescription[],
  facts: StatementFacts | null,
  protect: ProtectedColumns,
): RowPlan {
  if (protect.empty) return clearPlan(fields.length)
  const output = facts?.output?.length === fields.length ? facts.output : null
  const doubt = protect.touches(facts)
  const columns = fields.map((field, index) => {
    const column = output?.[index] ?? null
    const wanted = wantedFor(field, column, doubt, protect)
    return wanted && cellMask(wanted, field, protect.textTypes, !isPlain(field, column, protect))
  })
  const masked = columns.map((mask) => mask !== null)
  return { clear: !masked.includes(true), columns, masked }
}

/** For COPY … TO STDOUT: the fields of the query it stands for, in the format of the COPY. */
export function planCopy(
  fields: readonly FieldDescription[],
  facts: StatementFacts | null,
  protect: ProtectedColumns,
): RowPlan {
  const command = facts?.command.type === 'copy-out' ? facts.command : null
  const format = command?.options.format === 'binary' ? 1 : 0
  return planRows(
    fields.map((field) => ({ ...field, format })),
    facts,
    protect,
  )
}

export function clearPlan(columns: number): RowPlan {
  return {
    clear: true,
    columns: new Array<null>(columns).fill(null),
    masked: new Array<boolean>(columns).fill(false),
  }
}

function wantedFor(
  field: FieldDescription,
  output: OutputColumn | null,
  doubt: boolean,
  protect: ProtectedColumns,
): Wanted | null {
  const byFacts = output && fromFacts(output, protect)
  const byServer = field.table === 0 ? null : protect.wanted(field.table, field.column)
  if (byServer !== null || byFacts !== null) return byServer ?? byFacts
  if (field.table !== 0 && protect.isBase(field.table)) return null
  // Then the facts are of another table of that name.
  if (isUnknown(field, protect) && protect.touches(null)) return protect.redact
  return output?.proved !== true && (doubt || isUnknown(field, protect)) ? protect.redact : null
}

/** One column as it is: its NULLs are its own. */
function isPlain(
  field: FieldDescription,
  output: OutputColumn | null,
  protect: ProtectedColumns,
): boolean {
  return output?.plain === true || (field.table !== 0 && protect.isBase(field.table))
}

/** A table that was made since the catalogue was read. */
function isUnknown(field: FieldDescription, protect: ProtectedColumns): boolean {
  return field.table !== 0 && !protect.knows(field.table)
}

/**
 * A view's plain column names itself and what it shows: the rule is that of the value. What is
 * computed is hidden as a whole; NULL hides it too, and is a value wherever a program expects one.
 */
function fromFacts(output: OutputColumn, protect: ProtectedColumns): Wanted | null {
  const found = output.origins.flatMap(({ table, column }) => protect.wanted(table, column) ?? [])
  const [first, ...others] = found
  if (first === undefined) return null
  const agree = others.every((other) => other.how === first.how)
  if (first.how === 'null' && agree) return first
  return output.plain && others.every((other) => other === first) ? first : protect.redact
}
