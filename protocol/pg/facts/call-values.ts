/** What the result of a function is made of. */
import type { CatalogueFunction } from '../catalogue.ts'
import type { ColumnOrigin, PredicateUse } from '../statement.ts'
import { functionBody } from './bodies.ts'
import { argument, callOf } from './calls.ts'
import { condition } from './conditions.ts'
import { called, failing } from './failures.ts'
import { EXTENSION_CLASS, OPAQUE } from './function-table.ts'
import { byArity } from './functions.ts'
import {
  CONSTANT,
  type Column,
  combine,
  either,
  named,
  OPAQUE_VALUE,
  type Scope,
  UNPROVED,
  type Value,
} from './lineage-types.ts'
import { findFunctions } from './names.ts'
import { toColumns } from './origins.ts'
import type { State } from './state.ts'
import { child, constant, flag, isTree, list, node, strings, type Tree, text } from './tree.ts'
import { isConstructor, isTrusted } from './trusted.ts'

export function callValue(state: State, body: Tree, scope: Scope): Value {
  const inputs = inputsOf(state, body, scope)
  const call = callOf(body)
  if (call === null) return combine([...inputs, UNPROVED])
  const candidates = byArity(findFunctions(state.gathering.scene, call.names), call.given)
  if (isCount(body, candidates)) return countValue(state, inputs)
  // No function of that name: a cast written as a call.
  if (candidates.length === 0) return failing(state, inputs, combine(inputs))
  const made = candidates.map((fn) => resultOf(state, fn, body, inputs)).reduce(either)
  return called(state, candidates, body, inputs, made)
}

/** Arguments, and what FILTER, ORDER BY and OVER look at. */
export function inputsOf(state: State, body: Tree, scope: Scope): Value[] {
  const window = child(body, 'over')
  const given = list(body, 'args').map((one) => state.value(one, scope))
  const sorted = list(body, 'agg_order').map((one) => state.value(one, scope))
  // Other aggregates of the query get their rows in the order that this one needs.
  if (!flag(body, 'agg_within_group')) state.decide('order', combine(sorted))
  if (flag(body, 'agg_distinct')) state.decide('group', combine(given))
  return [
    ...given,
    ...sorted,
    condition(state, body['agg_filter'], scope),
    ...(window === null ? [] : [windowValue(state, window, scope)]),
  ]
}

/** `OVER w`, `OVER (w ORDER BY x)`: the named one's columns and its own. */
export function windowValue(state: State, window: Tree, scope: Scope): Value {
  const base = [text(window, 'name'), text(window, 'refname')].flatMap((name) =>
    name === '' ? [] : [scope.windows.get(name) ?? CONSTANT],
  )
  const parts = WINDOW_USES.map(([part, use]) =>
    state.decide(use, state.value(window[part], scope)),
  )
  return combine([...base, ...parts])
}

/** Rows come in the order in which windows need them. */
const WINDOW_USES = [
  ['partitionClause', 'group'],
  ['orderClause', 'order'],
  ['startOffset', 'filter'],
  ['endOffset', 'filter'],
] as const satisfies readonly (readonly [string, PredicateUse])[]

/** May this expression make several rows of one, or none? */
export function returnsRows(state: State, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((one) => returnsRows(state, one))
  if (!isTree(value)) return false
  for (const key in value) {
    if (key === 'SubLink') continue
    const inner = value[key]
    if (key === 'FuncCall' && isTree(inner) && callShapes(state, inner).some((fn) => fn.returnsSet))
      return true
    if (typeof inner === 'object' && returnsRows(state, inner)) return true
  }
  return false
}

/** count(*) and count(x) tell how many rows, not what is in them; that is a predicate's matter. */
function isCount(body: Tree, candidates: readonly CatalogueFunction[]): boolean {
  if (!candidates.every((fn) => fn.builtin && fn.name === 'count') || candidates.length === 0)
    return false
  const args = list(body, 'args')
  if (
    flag(body, 'agg_distinct') ||
    body['over'] !== undefined ||
    body['agg_filter'] !== undefined
  ) {
    return false
  }
  return args.length === 0 || node(args[0])?.type === 'ColumnRef'
}

function countValue(state: State, inputs: readonly Value[]): Value {
  state.decide('presence', combine(inputs))
  return CONSTANT
}

function resultOf(
  state: State,
  fn: CatalogueFunction,
  body: Tree,
  inputs: readonly Value[],
): Value {
  const args = combine(inputs)
  const base = combine([args, ...hidden(state, fn, body, inputs)])
  const known = resultColumns(state, fn, { args, base })
  return { ...base, row: known ?? polymorphicRow(state, fn, base, inputs) }
}

/** What it can return beside its arguments. */
function hidden(
  state: State,
  fn: CatalogueFunction,
  body: Tree | null,
  inputs: readonly Value[],
): readonly Value[] {
  if (fn.builtin) return builtinHidden(state, fn, body, inputs)
  if (isTrusted(fn)) {
    const harmless = (EXTENSION_CLASS.get(fn.name) ?? 'harmless') === 'harmless'
    return harmless && !fn.name.startsWith('dblink') ? [] : [OPAQUE_VALUE]
  }
  if (isConstructor(fn)) return []
  return functionBody(state.gathering.scene, fn)?.columns ?? [OPAQUE_VALUE]
}

function builtinHidden(
  state: State,
  fn: CatalogueFunction,
  body: Tree | null,
  inputs: readonly Value[],
): readonly Value[] {
  if (fn.name === 'current_setting') {
    return isPlainSetting(body) || isListedSetting(state, inputs[0]) ? [] : [OPAQUE_VALUE]
  }
  return OPAQUE.get(fn.name) === null ? [OPAQUE_VALUE] : []
}

/** Settings of the server hold no data; those with a dot hold what a session put there. */
function isPlainSetting(body: Tree | null): boolean {
  const name = body === null ? null : constant(argument(body, 0, 'setting_name'))
  return typeof name === 'string' && !name.includes('.')
}

/** `pg_settings.name` as it is: that view leaves out what a session made up. */
function isListedSetting({ gathering }: State, name: Value | undefined): boolean {
  if (name?.plain !== true || !name.proved || name.origins.length !== 1) return false
  const [{ table, column }] = toColumns(name.origins) as [ColumnOrigin]
  const view = gathering.scene.catalogue.relations.get(table)
  const found = view?.columns.find((one) => one.number === column)
  return view?.builtin === true && view.name === 'pg_settings' && found?.name === 'name'
}

/** A result of the type of an argument has the columns of that argument, each made of all. */
function polymorphicRow(
  state: State,
  fn: CatalogueFunction,
  base: Value,
  inputs: readonly Value[],
): readonly Column[] | null {
  if (state.gathering.scene.catalogue.types.get(fn.result)?.kind !== 'pseudo') return null
  const shape = inputs.find((input) => input.row !== null)?.row ?? null
  return shape?.map(({ name }) => named(name, base)) ?? null
}

export interface Made {
  readonly args: Value
  /** The arguments, and whatever else the result can be made of. */
  readonly base: Value
}

/** What a call in FROM with this function is made of. */
export function madeOf(
  state: State,
  fn: CatalogueFunction,
  body: Tree,
  inputs: readonly Value[],
): Made {
  const args = combine(inputs)
  return { args, base: combine([args, ...hidden(state, fn, body, inputs)]) }
}

/** Columns that the catalogue gives the result: OUT parameters, or a composite type. */
export function resultColumns(
  state: State,
  fn: CatalogueFunction,
  made: Made,
): readonly Column[] | null {
  if (fn.columns.length > 0) return outColumns(state, fn, made)
  const { types, relations } = state.gathering.scene.catalogue
  const relation = relations.get(types.get(fn.result)?.relation ?? 0)
  if (relation === undefined) return null
  const names = relation.columns.map(({ name }) => name)
  return columnsOf(state, fn, names, made)
}

function outColumns(state: State, fn: CatalogueFunction, made: Made): readonly Column[] {
  const opaque = fn.builtin ? OPAQUE.get(fn.name) : undefined
  const secret = fn.extension === 'pg_stat_statements' ? ['query'] : opaque
  const names = fn.columns.map(({ name }) => name)
  return columnsOf(state, fn, names, made).map((column) =>
    secret?.includes(column.name) === true ? named(column.name, OPAQUE_VALUE) : column,
  )
}

/** Where the body returns as many columns, each is made of its own one and of the arguments. */
function columnsOf(
  state: State,
  fn: CatalogueFunction,
  names: readonly string[],
  { args, base }: Made,
): readonly Column[] {
  const body = fn.builtin ? null : (functionBody(state.gathering.scene, fn)?.columns ?? null)
  const own = body?.length === names.length ? body : null
  return names.map((name, index) => named(name, own === null ? base : combine([args, own[index]!])))
}

/** `(x).f`: a field that is not known, or f(x). */
export function notationValue(state: State, name: string, base: Value): Value {
  const candidates = findFunctions(state.gathering.scene, [name]).filter((fn) => fn.arguments >= 1)
  const results = candidates.map((fn) => combine([base, ...hidden(state, fn, null, [base])]))
  const made = combine(results.length === 0 ? [base] : results)
  return candidates.length > 0 ? failing(state, [base], made) : made
}

/** The functions that a call in FROM may mean, and what each returns. */
export function callShapes(state: State, body: Tree): readonly CatalogueFunction[] {
  const call = callOf(body)
  return call === null ? [] : byArity(findFunctions(state.gathering.scene, call.names), call.given)
}

export function callName(body: Tree): string {
  return strings(list(body, 'funcname'))?.at(-1) ?? '?column?'
}
