/** SELECT, VALUES and set operations. */
import type { PredicateUse } from '../statement.ts'
import { returnsRows, windowValue } from './call-values.ts'
import { columnName } from './column-names.ts'
import { condition } from './conditions.ts'
import {
  CONSTANT,
  type Column,
  combine,
  either,
  innerScope,
  named,
  type Rows,
  type Scope,
  UNPROVED,
  type Value,
} from './lineage-types.ts'
import { findRange, star, wholeRow } from './scope.ts'
import type { State } from './state.ts'
import { as, child, list, literal, node, strings, type Tree, text } from './tree.ts'
import { addCtes } from './with.ts'

export function select(state: State, body: Tree, outer: Scope): Rows {
  const scope = innerScope(outer)
  addCtes(state, body, scope)
  const decided: Value[] = []
  const columns = rowsOf(state, body, scope, decided)
  decided.push(...limits(state, body, scope))
  return { columns, decided: combine(decided) }
}

function rowsOf(
  state: State,
  body: Tree,
  scope: Scope,
  decided: Value[],
): readonly Column[] | null {
  const operation = text(body, 'op')
  if (operation !== '' && operation !== 'SETOP_NONE') {
    return setOperation(state, operation, body, scope, decided)
  }
  const values = list(body, 'valuesLists')
  if (values.length > 0) return valuesColumns(state, values, scope, decided, body)
  return plainSelect(state, body, scope, decided)
}

function plainSelect(
  state: State,
  body: Tree,
  scope: Scope,
  decided: Value[],
): readonly Column[] | null {
  for (const item of list(body, 'fromClause')) scope.items.push(state.from(item, scope))
  addWindows(state, body, scope)
  const columns = targets(state, list(body, 'targetList'), scope)
  for (const part of ['whereClause', 'havingClause']) {
    decided.push(condition(state, body[part], scope))
  }
  decided.push(...keys(state, 'group', list(body, 'groupClause'), scope, columns))
  decided.push(...keys(state, 'group', list(body, 'distinctClause'), scope, columns))
  // The order of the rows of ARRAY(…) shows in the array alone.
  const sorted = scope.parent?.gathered === undefined ? 'order' : 'compute'
  decided.push(...keys(state, sorted, list(body, 'sortClause'), scope, columns))
  if (list(body, 'distinctClause').length > 0) decided.push(...grouped(state, columns))
  return columns
}

/** Rows that are equal become one. */
function grouped(state: State, columns: readonly Column[] | null): readonly Value[] {
  return (columns ?? [UNPROVED]).map((column) => state.decide('group', column))
}

function addWindows(state: State, body: Tree, scope: Scope): void {
  for (const one of list(body, 'windowClause')) {
    const window = as(one, 'WindowDef')
    if (window !== null) scope.windows.set(text(window, 'name'), windowValue(state, window, scope))
  }
}

/** The output columns of a target list; null = their number is not known. */
export function targets(
  state: State,
  items: readonly unknown[],
  scope: Scope,
): readonly Column[] | null {
  const out: Column[] = []
  let known = true
  for (const item of items) {
    const columns = target(state, as(item, 'ResTarget') ?? {}, scope)
    if (columns === null) known = false
    else {
      state.spend(columns.length)
      for (const column of columns) out.push(column)
    }
  }
  return known ? out : null
}

function target(state: State, item: Tree, scope: Scope): readonly Column[] | null {
  const expression = node(item['val'])
  if (expression === null) return []
  const { type, body } = expression
  const last = list(body, type === 'ColumnRef' ? 'fields' : 'indirection').at(-1)
  if (as(last, 'A_Star') !== null) return starTarget(state, type, body, scope)
  if (returnsRows(state, item['val'])) state.decide('filter', state.value(item['val'], scope))
  const name = text(item, 'name')
  const made = state.value(item['val'], scope)
  return [named(name === '' ? columnName(item['val']) : name, made)]
}

function starTarget(
  state: State,
  type: string,
  body: Tree,
  scope: Scope,
): readonly Column[] | null {
  if (type !== 'ColumnRef') return state.value({ [type]: body }, scope).row
  state.saw(body)
  const columns = starColumns(body, scope)
  state.gathering.reach.reads(combine(columns ?? [UNPROVED]))
  return columns
}

function starColumns(body: Tree, scope: Scope): readonly Column[] | null {
  const names = strings(list(body, 'fields').slice(0, -1)) ?? []
  if (names.length === 0) return star(scope.items)
  const range = findRange(scope, names.at(-2) ?? '', names.at(-1)!)
  return range === null ? null : wholeRow(range).row
}

/** GROUP BY, ORDER BY, DISTINCT ON: expressions, numbers and names of output columns. */
function keys(
  state: State,
  use: PredicateUse,
  items: readonly unknown[],
  scope: Scope,
  columns: readonly Column[] | null,
): Value[] {
  return items.flatMap((item) => {
    const expression = as(item, 'SortBy')?.['node'] ?? item
    const constant = as(expression, 'A_Const')
    const ordinal = Number(literal(constant ?? {}))
    if (constant !== null) return state.decide(use, columns?.[ordinal - 1] ?? CONSTANT)
    const output = outputNamed(expression, columns)
    const made = state.value(expression, scope)
    // The name of an output column need not be a column of FROM.
    const found = output.length > 0 && !made.proved ? output : [made, ...output]
    return found.map((one) => state.decide(use, one))
  })
}

function outputNamed(expression: unknown, columns: readonly Column[] | null): Column[] {
  const names = strings(list(as(expression, 'ColumnRef') ?? {}, 'fields'))
  if (names?.length !== 1) return []
  return columns?.filter((column) => column.name === names[0]) ?? []
}

function limits(state: State, body: Tree, scope: Scope): Value[] {
  return ['limitCount', 'limitOffset'].map((part) =>
    state.decide('filter', state.value(body[part], scope)),
  )
}

function valuesColumns(
  state: State,
  rows: readonly unknown[],
  scope: Scope,
  decided: Value[],
  body: Tree,
): readonly Column[] {
  const columns: Column[] = []
  for (const row of rows) {
    for (const [index, item] of list(as(row, 'List') ?? {}, 'items').entries()) {
      const made = state.value(item, scope)
      const before = columns[index]
      const name = `column${index + 1}`
      columns[index] = named(name, before === undefined ? made : either(before, made))
    }
  }
  decided.push(...keys(state, 'order', list(body, 'sortClause'), scope, columns))
  return columns
}

/** Rows of both sides. EXCEPT shows the left side's; the right side decides which. */
function setOperation(
  state: State,
  operation: string,
  body: Tree,
  scope: Scope,
  decided: Value[],
): readonly Column[] | null {
  const left = state.query('SelectStmt', child(body, 'larg') ?? {}, scope)
  const right = state.query('SelectStmt', child(body, 'rarg') ?? {}, scope)
  decided.push(left.decided, right.decided)
  if (body['all'] !== true || operation !== 'SETOP_UNION') {
    decided.push(...grouped(state, left.columns), ...grouped(state, right.columns))
  }
  const columns = bothSides(operation, left.columns, right.columns)
  decided.push(...keys(state, 'order', list(body, 'sortClause'), scope, columns))
  return columns
}

function bothSides(
  operation: string,
  left: readonly Column[] | null,
  right: readonly Column[] | null,
): readonly Column[] | null {
  if (left === null || operation === 'SETOP_EXCEPT') return left
  return left.map((column, index) => named(column.name, either(column, right?.[index] ?? UNPROVED)))
}
