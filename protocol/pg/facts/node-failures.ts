/** Which nodes of an expression may fail because of a value, and which never do. */
import type { CatalogueType } from '../catalogue.ts'
import { callShapes, returnsRows } from './call-values.ts'
import { choosing, failing } from './failures.ts'
import { combine, type Scope, type Value } from './lineage-types.ts'
import type { State } from './state.ts'
import {
  BOOLEAN,
  isNumber,
  isPrintable,
  isSingle,
  isText,
  isTotalCast,
  NUMERIC,
  type Operand,
  totalOperator,
} from './totals.ts'
import { as, child, constant, flag, list, type Node, strings, type Tree, text } from './tree.ts'

/** The value of a node that is none of the kinds with a rule of their own. */
export function computed(
  state: State,
  { type, body }: Node,
  scope: Scope,
  parts: () => readonly Value[],
): Value {
  const items = ITEMS[type]?.(body)
  if (items !== undefined) return ofItems(state, type, body, items, scope)
  const values = parts()
  const made = combine(values)
  if (TOTAL.has(type)) return made
  if (type === 'BoolExpr') return { ...choosing(state, values, made), type: BOOLEAN }
  if (type === 'CaseExpr') return choosing(state, values, made)
  return isTotalJson(type, body) ? made : failing(state, values, made)
}

/** Nodes of which the type of each part counts. */
const ITEMS: Readonly<Record<string, (body: Tree) => readonly unknown[]>> = {
  CoalesceExpr: (body) => list(body, 'args'),
  MinMaxExpr: (body) => list(body, 'args'),
  A_ArrayExpr: (body) => list(body, 'elements'),
  XmlExpr: (body) => [...targetValues(body), ...list(body, 'args')],
}

function ofItems(
  state: State,
  type: string,
  body: Tree,
  items: readonly unknown[],
  scope: Scope,
): Value {
  const operands = items.map((one) => ({
    value: state.value(one, scope),
    constant: constant(one),
  }))
  const values = operands.map((one) => one.value)
  const made = combine(values)
  if (type === 'CoalesceExpr') return choosing(state, values, typedAs(made, operands))
  if (type === 'MinMaxExpr') return typedAs(made, operands)
  const { types } = state.gathering.scene.catalogue
  const isGood = (value: Value): boolean =>
    type === 'A_ArrayExpr' ? isSingle(value, types) : isPrintable(value)
  const total =
    operands.every((one) => one.constant !== undefined || isGood(one.value)) &&
    (type === 'A_ArrayExpr' || XML.has(text(body, 'op')))
  return total ? made : failing(state, values, made)
}

/** Dates have no end there. */
const XML: ReadonlySet<string> = new Set(['IS_XMLELEMENT', 'IS_XMLFOREST'])

/** They give a value whatever is in them, and look at all of it. */
const TOTAL: ReadonlySet<string> = new Set(
  `List NullTest BooleanTest CaseWhen CollateClause A_Indices ResTarget SortBy WindowDef
  NamedArgExpr GroupingFunc CurrentOfExpr MultiAssignRef MergeSupportFunc String Integer Float
  Boolean BitString JsonIsPredicate JsonValueExpr JsonKeyValue JsonOutput JsonReturning JsonFormat
  JsonAggConstructor`.split(/\s+/),
)

function isTotalJson(type: string, body: Tree): boolean {
  if (type === 'JsonArrayConstructor' || type === 'JsonArrayAgg') return !readsJson(body)
  if (type !== 'JsonObjectConstructor' || readsJson(body) || flag(body, 'unique')) return false
  return list(body, 'exprs').every(hasFixedKey)
}

function targetValues(body: Tree): readonly unknown[] {
  return list(body, 'named_args').map((one) => as(one, 'ResTarget')?.['val'])
}

/** A text that says FORMAT JSON is read as such. */
function readsJson(body: Tree): boolean {
  return JSON.stringify(body).includes('JS_FORMAT_JSON')
}

function hasFixedKey(pair: unknown): boolean {
  return typeof constant(as(pair, 'JsonKeyValue')?.['key']) === 'string'
}

/** The type that all have, literals aside. */
function typedAs(made: Value, operands: readonly Operand[]): Value {
  const types = new Set(
    operands.flatMap(({ value, constant: text }) => (text === undefined ? [value.type] : [])),
  )
  const [only] = types
  return types.size === 1 && only !== undefined ? { ...made, type: only } : made
}

/** The value of an operator; `made` is what it is made of. */
export function operated(
  state: State,
  body: Tree,
  operands: readonly [left: Value, right: Value],
  made: Value,
): Value {
  const kind = text(body, 'kind')
  const [left, right] = operands
  const chosen = kind === 'AEXPR_OP' && as(body['lexpr'], 'RowExpr') === null ? [] : operands
  const name = NAMED.has(kind) ? (strings(list(body, 'name')) ?? []).at(-1) : '='
  const isFixed = (side: string): boolean =>
    body[side] === undefined || constant(body[side]) !== undefined
  const result = totalOperator(
    name ?? '',
    body['lexpr'] === undefined ? null : { value: left, constant: constant(body['lexpr']) },
    { value: right, constant: constant(body['rexpr']) },
  )
  if (result === null && !(isFixed('lexpr') && isFixed('rexpr'))) {
    return failing(state, operands, made)
  }
  const type = kind === 'AEXPR_NULLIF' ? left.type : result?.type
  return choosing(state, chosen, type === undefined ? made : { ...made, type })
}

/** Kinds that run the operator of their name; the others compare. */
const NAMED: ReadonlySet<string> = new Set([
  ...['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_OP_ALL', 'AEXPR_LIKE', 'AEXPR_ILIKE', 'AEXPR_SIMILAR'],
])

/** The value of a cast to a type that is not the client's own. */
export function casted(
  state: State,
  body: Tree,
  argument: Value,
  types: readonly CatalogueType[],
  made: Value,
): Value {
  const name = child(body, 'typeName') ?? {}
  const [type] = types
  const isOne = types.length === 1 && type !== undefined && list(name, 'arrayBounds').length === 0
  if (isReadAtOnce(body, types)) return isOne ? { ...made, type: type.oid } : made
  const sized = list(name, 'typmods').length > 0
  if (!isOne || type.kind === 'domain') return failing(state, [argument], made)
  const total =
    isTotalCast(argument.type, type.oid) && (!sized || isText({ ...made, type: type.oid }))
  const typed = { ...made, type: type.oid }
  return total ? typed : failing(state, [argument], typed)
}

/**
 * A literal becomes its type before any row is looked at: it fails for all rows or for none. Not so
 * what is cast again, or checked by a domain: that is done when a row comes to it.
 */
function isReadAtOnce(body: Tree, types: readonly CatalogueType[]): boolean {
  const found = as(body['arg'], 'A_Const')
  if (found === null || types.some((type) => type.kind === 'domain')) return false
  const isWritten = found['sval'] !== undefined || flag(found, 'isnull')
  return isWritten || types.every((type) => isTotalCast(NUMERIC, type.oid) || isNumber(type.oid))
}

/** The value of a subquery in an expression. */
export function nested(state: State, body: Tree, parts: readonly Value[], made: Value): Value {
  const type = text(body, 'subLinkType')
  if (type === 'ANY_SUBLINK' || type === 'ALL_SUBLINK') return choosing(state, parts, made)
  if (type !== 'EXPR_SUBLINK' || isOneRow(state, as(body['subselect'], 'SelectStmt'))) return made
  // More than one row is an error; rows are decided by other uses.
  state.gathering.fails = true
  return { ...made, fails: true }
}

function isOneRow(state: State, query: Tree | null): boolean {
  if (query === null || !['', 'SETOP_NONE'].includes(text(query, 'op'))) return false
  if (/^[01]$/.test(constant(query['limitCount']) ?? '')) return true
  if (list(query, 'valuesLists').length === 1) return true
  const targets = list(query, 'targetList')
  if (targets.length === 0) return false
  if (list(query, 'fromClause').length === 0) return !returnsRows(state, targets)
  return list(query, 'groupClause').length === 0 && targets.some((one) => isAggregate(state, one))
}

function isAggregate(state: State, target: unknown): boolean {
  const call = as(as(target, 'ResTarget')?.['val'], 'FuncCall')
  if (call === null || call['over'] !== undefined) return false
  const found = callShapes(state, call)
  return found.length > 0 && found.every((fn) => fn.kind === 'aggregate')
}
