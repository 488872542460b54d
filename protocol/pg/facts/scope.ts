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

/**
 * A name alone: a column, the innermost level first; else a whole row; else a parameter. Columns that
 * nobody knows may have this name; if they do not, it means what it means without them.
 */
export function findColumn(scope: Scope, name: string): Value {
  let maybe: Value | null = null
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const found = inItems(level.items, name)
    if (found !== null) return eitherOf(maybe, found)
    if (level.parameters.has(name)) return eitherOf(maybe, parameter(level, name))
    for (const { rest } of level.items) maybe = rest === null ? maybe : eitherOf(maybe, rest)
  }
  const range = findRange(scope, '', name)
  if (range !== null) return eitherOf(maybe, wholeRow(range))
  return maybe ?? UNPROVED
}

function eitherOf(maybe: Value | null, found: Value): Value {
  return maybe === null ? found : either(maybe, found)
}

/** What is given for it is looked at where the function is called. */
function parameter({ parameters }: Scope, name: string): Value {
  const type = parameters.get(name)
  return type === undefined ? CONSTANT : { ...CONSTANT, type }
}

/** Null: no column is known to have this name. */
function inItems(items: readonly FromItem[], name: string): Value | null {
  const named = items.flatMap((item) => item.columns.filter((column) => column.name === name))
  if (named.length > 0) {
    const others = items.flatMap((item) => item.rest ?? [])
    return [...named.slice(1), ...others].reduce<Value>(either, named[0]!)
  }
  if (!SYSTEM.has(name)) return null
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
    if (level.parameters.has(names.at(-1)!)) return parameter(level, names.at(-1)!)
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
