/** FROM: what each item brings into sight (parse_clause.c, parse_relation.c). */
import { callName, callShapes, inputsOf, madeOf, resultColumns } from './call-values.ts'
import { condition } from './conditions.ts'
import { failing } from './failures.ts'
import {
  type Column,
  combine,
  either,
  type FromItem,
  innerScope,
  named,
  type Range,
  type Scope,
  UNPROVED,
  type Value,
} from './lineage-types.ts'
import { findRelations } from './names.ts'
import { findCte } from './scope.ts'
import type { State } from './state.ts'
import { tableColumns } from './tables.ts'
import { as, child, flag, list, node, strings, type Tree, text } from './tree.ts'

export function from(state: State, item: unknown, scope: Scope): FromItem {
  const found = node(item)
  if (found === null) return unknownItem('')
  const { type, body } = found
  switch (type) {
    case 'RangeVar':
      return relation(state, body, scope)
    case 'RangeSubselect':
      return subselect(state, body, scope)
    case 'RangeFunction':
      return functions(state, body, scope)
    case 'JoinExpr':
      return join(state, body, scope)
    case 'RangeTableSample':
      state.decide('filter', state.value(list(body, 'args'), scope))
      state.value(body['repeatable'], scope)
      return state.from(body['relation'], scope)
    case 'RangeTableFunc':
    case 'JsonTable':
      return tableFunction(state, type, body, scope)
    default:
      return unknownItem('')
  }
}

function unknownItem(name: string): FromItem {
  return itemOf({ name, schema: '', columns: null, rest: UNPROVED, relation: false })
}

export function itemOf(range: Range): FromItem {
  const { columns, rest } = range
  return { ranges: [range], columns: columns ?? [], rest: columns === null ? rest : null }
}

/** `AS name(column, …)`: the first columns get new names. */
function aliased(body: Tree, range: Range): FromItem {
  const alias = child(body, 'alias')
  if (alias === null) return itemOf(range)
  const names = strings(list(alias, 'colnames')) ?? []
  const columns = rename(range.columns, names)
  return itemOf({ ...range, name: text(alias, 'aliasname'), schema: '', columns })
}

function rename(
  columns: readonly Column[] | null,
  names: readonly string[],
): readonly Column[] | null {
  if (columns === null || names.length === 0) return columns
  return columns.map((column, index) => named(names[index] ?? column.name, column))
}

export function relation(state: State, body: Tree, scope: Scope): FromItem {
  const name = text(body, 'relname')
  const schema = text(body, 'schemaname')
  const cte = schema === '' ? findCte(scope, name) : undefined
  if (cte !== undefined) {
    return aliased(body, { name, schema: '', columns: cte, rest: UNPROVED, relation: false })
  }
  const found = findRelations(state.gathering.scene, schema, name)
  const known = found[0]?.schema ?? schema
  const all = found.map((one) => tableColumns(state.gathering, one))
  const columns = all.length === 1 ? all[0]! : null
  const rest = all.length === 0 ? UNPROVED : combine(all.flat())
  return aliased(body, { name, schema: known, columns, rest, relation: true })
}

/** Without LATERAL a subquery sees the outer levels, and the names of WITH. */
function outside(scope: Scope): Scope {
  return { ...innerScope(scope.parent), ctes: scope.ctes, parameters: scope.parameters }
}

function subselect(state: State, body: Tree, scope: Scope): FromItem {
  const inner = node(body['subquery'])
  if (inner === null) return unknownItem('')
  const around = flag(body, 'lateral') ? scope : outside(scope)
  const { columns } = state.query(inner.type, inner.body, around)
  return aliased(body, { name: '', schema: '', columns, rest: UNPROVED, relation: false })
}

function functions(state: State, body: Tree, scope: Scope): FromItem {
  const alias = child(body, 'alias')
  const calls = list(body, 'functions').map((one) => as(one, 'List'))
  const single = calls.length === 1
  const name = alias === null ? null : text(alias, 'aliasname')
  const made = calls.map((call) =>
    functionItem(
      state,
      call === null ? [] : list(call, 'items'),
      body,
      scope,
      single ? name : null,
    ),
  )
  const unknown = made.some(({ columns }) => columns === null)
  const columns = unknown ? null : made.flatMap((one) => one.columns ?? [])
  if (flag(body, 'ordinality')) columns?.push(named('ordinality', combine([])))
  const rest = combine(made.map((one) => one.rest))
  const own = name ?? made[0]?.name ?? ''
  return aliased(body, { name: own, schema: '', columns, rest, relation: false })
}

interface FunctionItem {
  readonly name: string
  readonly columns: readonly Column[] | null
  readonly rest: Value
}

/** `items`: the call, and column definitions where they are given for this one alone. */
function functionItem(
  state: State,
  items: readonly unknown[],
  range: Tree,
  scope: Scope,
  alias: string | null,
): FunctionItem {
  const call = as(items[0], 'FuncCall')
  // CURRENT_DATE, COALESCE and the like may stand in FROM too.
  if (call === null) {
    const only = state.value(items[0], scope)
    return { name: alias ?? '', columns: [named(alias ?? '', only)], rest: only }
  }
  const inputs = inputsOf(state, call, scope)
  decideRows(state, combine(inputs), scope)
  const definitions = as(items[1], 'List')
  const defined = definitions === null ? list(range, 'coldeflist') : list(definitions, 'items')
  const name = callName(call)
  const made = callShapes(state, call).map((fn) => {
    const parts = madeOf(state, fn, call, inputs)
    return { fn, base: parts.base, columns: resultColumns(state, fn, parts) }
  })
  const rest =
    made.length === 0 ? combine([...inputs, UNPROVED]) : combine(made.map((one) => one.base))
  if (defined.length > 0) return { name, columns: definedColumns(defined, rest), rest }
  const shapes = made.map(
    ({ fn, columns, base }) => columns ?? scalar(state, fn, alias ?? name, base, inputs),
  )
  return { name, columns: sameShape(shapes), rest }
}

/** How many rows a function returns shows in the rows of its query, or in the array around it. */
function decideRows(state: State, inputs: Value, { parent }: Scope): void {
  const gathered = parent?.gathered
  if (gathered === undefined) state.decide('filter', inputs)
  else gathered.push(failing(state, [inputs], inputs))
}

function definedColumns(definitions: readonly unknown[], value: Value): readonly Column[] {
  return definitions.map((one) => named(text(as(one, 'ColumnDef') ?? {}, 'colname'), value))
}

/** Results of pseudo-types can be rows; then nobody knows how many columns there are. */
function scalar(
  state: State,
  fn: { result: number },
  name: string,
  value: Value,
  inputs: readonly Value[],
): readonly Column[] | null {
  const kind = state.gathering.scene.catalogue.types.get(fn.result)?.kind
  if (kind !== undefined && kind !== 'pseudo') return [named(name, value)]
  if (inputs.every((input) => input.scalar === true)) return [named(name, value)]
  const shape = inputs.find((input) => input.row !== null)?.row
  return shape?.map((column) => named(column.name, value)) ?? null
}

/** Several overloads: good if they agree on the names. */
function sameShape(shapes: readonly (readonly Column[] | null)[]): readonly Column[] | null {
  const first = shapes[0]
  if (first === undefined || first === null) return null
  const names = (columns: readonly Column[]): string => columns.map((one) => one.name).join('\0')
  let merged = first
  for (const shape of shapes.slice(1)) {
    if (shape === null || names(shape) !== names(first)) return null
    merged = merged.map((column, index) => named(column.name, either(column, shape[index]!)))
  }
  return merged
}

/** XMLTABLE and JSON_TABLE: every column may hold every part of the document. */
function tableFunction(state: State, type: string, body: Tree, scope: Scope): FromItem {
  const all = state.decide('filter', combine([state.value(stripped(body), scope)]))
  const names =
    type === 'JsonTable' ? jsonColumns(list(body, 'columns')) : xmlColumns(list(body, 'columns'))
  const columns = names.map((name) => named(name, all))
  const name = type === 'JsonTable' ? 'json_table' : 'xmltable'
  return aliased(body, { name, schema: '', columns, rest: all, relation: false })
}

function stripped(body: Tree): Tree {
  const { alias: _, ...rest } = body as Record<string, unknown>
  return rest
}

function xmlColumns(columns: readonly unknown[]): string[] {
  return columns.map((one) => text(as(one, 'RangeTableFuncCol') ?? {}, 'colname'))
}

/** NESTED PATH columns stand where the NESTED stands. */
function jsonColumns(columns: readonly unknown[]): string[] {
  return columns.flatMap((one) => {
    const column = as(one, 'JsonTableColumn') ?? {}
    const nested = list(column, 'columns')
    return nested.length > 0 ? jsonColumns(nested) : [text(column, 'name')]
  })
}

function join(state: State, body: Tree, scope: Scope): FromItem {
  const left = state.from(body['larg'], scope)
  scope.items.push(left)
  const right = state.from(body['rarg'], scope)
  scope.items.pop()
  const shared = sharedNames(body, left, right)
  const width = left.columns.length + right.columns.length
  // Each shared name is looked for among all columns.
  state.spend(width + ((width * (shared?.length ?? 0)) >> 6))
  const columns = joinedColumns(left, right, shared ?? [])
  const merged = shared === null ? [] : mergedColumns(left, right, shared)
  state.gathering.reach.reads(state.decide('join', combine(shared === null ? [UNPROVED] : merged)))
  const rest = restOf(left, right)
  const both: FromItem = { ranges: [...left.ranges, ...right.ranges], columns, rest }
  decideOn(state, body, scope, both)
  return aliasedJoin(body, both, merged)
}

function decideOn(state: State, body: Tree, scope: Scope, both: FromItem): void {
  scope.items.push(both)
  condition(state, body['quals'], scope, 'join')
  scope.items.pop()
}

/** Names of USING, or of NATURAL; null = not known. */
function sharedNames(body: Tree, left: FromItem, right: FromItem): readonly string[] | null {
  const using = strings(list(body, 'usingClause'))
  if (using !== null && using.length > 0) return using
  if (!flag(body, 'isNatural')) return []
  if (left.rest !== null || right.rest !== null) return null
  const others = new Set(right.columns.map((column) => column.name))
  return left.columns.flatMap(({ name }) => (others.has(name) ? [name] : []))
}

function mergedColumns(left: FromItem, right: FromItem, shared: readonly string[]): Column[] {
  return shared.map((name) => {
    const mine = left.columns.find((column) => column.name === name) ?? left.rest ?? UNPROVED
    const other = right.columns.find((column) => column.name === name) ?? right.rest ?? UNPROVED
    return named(name, combine([mine, other]))
  })
}

function joinedColumns(left: FromItem, right: FromItem, shared: readonly string[]): Column[] {
  const all = [...left.columns, ...right.columns]
  const own = all.filter((column) => !shared.includes(column.name))
  return [...mergedColumns(left, right, shared), ...own]
}

function restOf(left: FromItem, right: FromItem): Value | null {
  if (left.rest === null) return right.rest
  return right.rest === null ? left.rest : combine([left.rest, right.rest])
}

/** An alias over a join hides what is in it; one over USING names the merged columns besides. */
function aliasedJoin(body: Tree, both: FromItem, merged: readonly Column[]): FromItem {
  const using = child(body, 'join_using_alias')
  const rest = combine([...both.columns, both.rest ?? combine([])])
  const range = { schema: '', rest, relation: false }
  if (child(body, 'alias') !== null) {
    return aliased(body, { ...range, name: '', columns: both.rest === null ? both.columns : null })
  }
  if (using === null) return both
  const extra = { ...range, name: text(using, 'aliasname'), columns: merged }
  return { ...both, ranges: [...both.ranges, extra] }
}
