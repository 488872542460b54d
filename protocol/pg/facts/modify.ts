/** INSERT, UPDATE, DELETE and MERGE: what RETURNING shows, and what decides about the rows. */
import { condition } from './conditions.ts'
import { itemOf, relation } from './from.ts'
import {
  type Column,
  combine,
  innerScope,
  named,
  type Range,
  type Rows,
  type Scope,
  UNPROVED,
  type Value,
} from './lineage-types.ts'
import { columnOf } from './scope.ts'
import { targets } from './select.ts'
import type { State } from './state.ts'
import { as, child, list, node, type Tree, text } from './tree.ts'
import { addCtes } from './with.ts'

export function modify(state: State, type: string, body: Tree, outer: Scope): Rows {
  const scope = innerScope(outer)
  addCtes(state, body, scope)
  const range = child(body, 'relation')
  // Names of WITH cannot be written to: the target is looked for without them.
  const target = range === null ? null : relation(state, range, innerScope(null)).ranges[0]!
  if (target === null) return { columns: null, decided: UNPROVED }
  const written = new Map<string, Value>()
  const decided = bodyOf(state, type, body, scope, target, written)
  const columns = returning(state, body, scope, target, written)
  return { columns, decided }
}

function bodyOf(
  state: State,
  type: string,
  body: Tree,
  scope: Scope,
  target: Range,
  written: Map<string, Value>,
): Value {
  if (type === 'InsertStmt') return insert(state, body, scope, target, written)
  scope.items.push(itemOf(target))
  if (type === 'MergeStmt') return merge(state, body, scope, target, written)
  for (const one of [...list(body, 'fromClause'), ...list(body, 'usingClause')]) {
    scope.items.push(state.from(one, scope))
  }
  if (type === 'DeleteStmt') state.gathering.reach.writesRows()
  assign(state, list(body, 'targetList'), scope, written, target)
  return condition(state, body['whereClause'], scope)
}

/** `SET column = value`: the column holds the value from now on. */
function assign(
  state: State,
  items: readonly unknown[],
  scope: Scope,
  written: Map<string, Value>,
  target: Range,
): void {
  for (const one of items) {
    const item = as(one, 'ResTarget') ?? {}
    const made = state.value(item['val'], scope)
    // Checks, keys and lengths may fail.
    state.decide('compute', made)
    note(written, text(item, 'name'), made)
    writes(state, text(item, 'name'), target)
    state.value(item['indirection'], scope)
  }
}

function writes(state: State, name: string, target: Range): void {
  const { reach } = state.gathering
  const column = columnOf(target, name)
  if (column === null) reach.writesRows()
  else reach.writes(column)
}

function note(written: Map<string, Value>, name: string, made: Value): void {
  const before = written.get(name)
  written.set(name, before === undefined ? made : combine([before, made]))
}

function insert(
  state: State,
  body: Tree,
  scope: Scope,
  target: Range,
  written: Map<string, Value>,
): Value {
  const source = node(body['selectStmt'])
  const rows = source === null ? null : state.query(source.type, source.body, scope)
  const names = list(body, 'cols').map((one) => text(as(one, 'ResTarget') ?? {}, 'name'))
  if (names.length === 0) state.gathering.reach.writesRows()
  for (const name of names) writes(state, name, target)
  noteRows(rows?.columns ?? null, names, target, written, rows !== null)
  const conflict = child(body, 'onConflictClause')
  const decided = [rows?.decided ?? combine([])]
  scope.items.push(itemOf(target))
  if (conflict !== null) decided.push(...onConflict(state, conflict, scope, target, written))
  return combine(decided)
}

/** Values by position: into the named columns, or into all in their order. */
function noteRows(
  columns: readonly Column[] | null,
  names: readonly string[],
  target: Range,
  written: Map<string, Value>,
  hasRows: boolean,
): void {
  const into = names.length > 0 ? names : (target.columns?.map((column) => column.name) ?? [])
  if (!hasRows) return
  for (const [index, name] of into.entries()) {
    const one = columns === null ? UNPROVED : columns[index]
    if (one !== undefined) note(written, name, one)
  }
}

function onConflict(
  state: State,
  clause: Tree,
  scope: Scope,
  target: Range,
  written: Map<string, Value>,
): Value[] {
  const excluded = target.columns?.map((column) =>
    named(column.name, combine([column, written.get(column.name) ?? combine([])])),
  )
  const proposed: Range = { ...target, name: 'excluded', schema: '', columns: excluded ?? null }
  scope.items.push({ ranges: [proposed], columns: [], rest: null })
  assign(state, list(clause, 'targetList'), scope, written, target)
  const infer = state.decide('filter', state.value(clause['infer'], scope))
  const decided = [infer, condition(state, clause['whereClause'], scope)]
  scope.items.pop()
  return decided
}

function merge(
  state: State,
  body: Tree,
  scope: Scope,
  target: Range,
  written: Map<string, Value>,
): Value {
  scope.items.push(state.from(body['sourceRelation'], scope))
  const decided = [condition(state, body['joinCondition'], scope, 'join')]
  for (const one of list(body, 'mergeWhenClauses')) {
    const clause = as(one, 'MergeWhenClause')
    if (clause === null) continue
    decided.push(condition(state, clause['condition'], scope))
    if (text(clause, 'commandType') !== 'CMD_UPDATE') state.gathering.reach.writesRows()
    const values = list(clause, 'values')
    if (values.length > 0) mergeInsert(state, clause, values, scope, target, written)
    else assign(state, list(clause, 'targetList'), scope, written, target)
  }
  return combine(decided)
}

function mergeInsert(
  state: State,
  clause: Tree,
  values: readonly unknown[],
  scope: Scope,
  target: Range,
  written: Map<string, Value>,
): void {
  const names = list(clause, 'targetList').map((one) => text(as(one, 'ResTarget') ?? {}, 'name'))
  const columns = values.map((one) => named('', state.value(one, scope)))
  noteRows(columns, names, target, written, true)
}

/** The rows as they are afterwards, and OLD and NEW by their names (PostgreSQL 18). */
function returning(
  state: State,
  body: Tree,
  scope: Scope,
  target: Range,
  written: ReadonlyMap<string, Value>,
): readonly Column[] | null {
  const clause = child(body, 'returningClause')
  const items = clause === null ? list(body, 'returningList') : list(clause, 'exprs')
  if (items.length === 0) return []
  const columns = target.columns?.map((column) => afterwards(column, written)) ?? null
  const after: Range = { ...target, columns }
  const others = scope.items.filter((one) => one.ranges[0] !== target)
  const place = scope.items.findIndex((one) => one.ranges[0] === target)
  const images = imageNames(clause).map((name): Range => ({ ...after, name, schema: '' }))
  const shown = [...others]
  shown.splice(Math.max(place, 0), 0, itemOf(after))
  shown.push({ ranges: images, columns: [], rest: null })
  return targets(state, items, { ...scope, items: shown })
}

function afterwards(column: Column, written: ReadonlyMap<string, Value>): Column {
  const value = written.get(column.name)
  if (value === undefined) return column
  const made = combine([column, value])
  return named(column.name, { ...made, plain: column.plain && value.origins.length === 0 })
}

function imageNames(clause: Tree | null): string[] {
  const names = new Map([
    ['RETURNING_OPTION_OLD', 'old'],
    ['RETURNING_OPTION_NEW', 'new'],
  ])
  for (const one of clause === null ? [] : list(clause, 'options')) {
    const option = as(one, 'ReturningOption')
    if (option !== null) names.set(text(option, 'option'), text(option, 'value'))
  }
  return [...names.values()]
}
