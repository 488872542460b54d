/** Names of columns to values, by the rules of parse_relation.c and parse_expr.c. */
import {
  CONSTANT,
  type Column,
  either,
  type FromItem,
  type Range,
  rowOf,
  type Scope,
  UNPROVED,
  type Value,
} from './lineage-types.ts'

const SYSTEM = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'oid'])

/** A name alone: a column, the innermost level first; else a whole row; else a parameter. */
export function findColumn(scope: Scope, name: string): Value {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const found = inItems(level.items, name)
    if (found !== null) return found
    if (level.parameters.has(name)) return CONSTANT
  }
  const range = findRange(scope, '', name)
  return range === null ? UNPROVED : wholeRow(range)
}

function inItems(items: readonly FromItem[], name: string): Value | null {
  let found: Value | null = null
  for (const item of items) {
    for (const column of item.columns) {
      if (column.name === name) found = found === null ? column : either(found, column)
    }
    // Columns that nobody knows may have this name.
    if (item.rest !== null) found = found === null ? item.rest : either(found, item.rest)
  }
  if (found !== null || !SYSTEM.has(name)) return found
  return items.some((item) => item.ranges.some((range) => range.relation)) ? CONSTANT : null
}

/** `table.column`, `schema.table.column`; undefined = the table is not in sight. */
export function findQualified(scope: Scope, names: readonly string[]): Value | undefined {
  const range = findRange(scope, names.at(-3) ?? '', names.at(-2)!)
  if (range === null) return parameterOf(scope, names)
  return columnOf(range, names.at(-1)!) ?? undefined
}

/** `function.parameter` in the body of a function. */
function parameterOf(scope: Scope, names: readonly string[]): Value | undefined {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    if (level.parameters.has(names.at(-1)!)) return CONSTANT
  }
  return undefined
}

export function columnOf(range: Range, name: string): Value | null {
  const columns = range.columns?.filter((column) => column.name === name) ?? []
  if (columns.length > 0) return columns.reduce<Value>(either, columns[0]!)
  if (range.columns === null) return range.rest
  return range.relation && SYSTEM.has(name) ? CONSTANT : null
}

export function findRange(scope: Scope, schema: string, name: string): Range | null {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    for (const item of level.items) {
      const range = item.ranges.find(
        (one) => one.name === name && (schema === '' || one.schema === schema),
      )
      if (range !== undefined) return range
    }
  }
  return null
}

export function wholeRow(range: Range): Value {
  return range.columns === null ? { ...range.rest, plain: false } : rowOf(range.columns)
}

/** What `*` stands for; null = not known. */
export function star(items: readonly FromItem[]): readonly Column[] | null {
  const out: Column[] = []
  for (const item of items) {
    if (item.rest !== null) return null
    for (const column of item.columns) out.push(column)
  }
  return out
}

/** undefined = the name is not known; null = what it means is not. */
export function findCte(scope: Scope, name: string): readonly Column[] | null | undefined {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const found = level.ctes.get(name)
    if (found !== undefined) return found
  }
  return undefined
}
