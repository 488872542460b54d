/** What an expression's value is made of. Nodes without a rule of their own: all that is in them. */
import { callValue, notationValue } from './call-values.ts'
import { failing } from './failures.ts'
import {
  CONSTANT,
  type Column,
  combine,
  innerScope,
  named,
  OPAQUE_VALUE,
  rowOf,
  type Scope,
  UNPROVED,
  type Value,
} from './lineage-types.ts'
import { findTypes } from './names.ts'
import { casted, computed, nested, operated } from './node-failures.ts'
import { judgedOperators } from './operators.ts'
import { findColumn, findQualified, findRange, wholeRow } from './scope.ts'
import type { State } from './state.ts'
import { isScalar, tableColumns } from './tables.ts'
import {
  as,
  child,
  isTag,
  isTree,
  list,
  type Node,
  node,
  strings,
  type Tree,
  text,
} from './tree.ts'
import { isTrusted } from './trusted.ts'

export function value(state: State, expression: unknown, scope: Scope): Value {
  const found = node(expression)
  if (found === null) return combine(parts(state, expression, scope))
  const { type, body } = found
  switch (type) {
    case 'A_Const':
    case 'ParamRef':
    case 'SQLValueFunction':
    case 'SetToDefault':
    case 'TypeName':
    case 'A_Star':
      return CONSTANT
    case 'ColumnRef':
      return columnRef(state, body, scope)
    case 'FuncCall':
      return callValue(state, body, scope)
    case 'SubLink':
      return subLink(state, body, scope)
    case 'RowExpr':
      return rowExpression(state, body, scope)
    case 'A_Indirection':
      return indirection(state, body, scope)
    case 'TypeCast':
      return cast(state, body, scope)
    case 'A_Expr':
      return operation(state, body, scope)
    case 'SelectStmt':
      return subquery(state, body, scope)
    default:
      return computed(state, found, scope, () => parts(state, body, scope))
  }
}

/** Values of everything below, whatever it is. */
function parts(state: State, body: unknown, scope: Scope): Value[] {
  if (Array.isArray(body)) return body.map((item) => state.value(item, scope))
  if (!isTree(body)) return []
  const out: Value[] = []
  for (const key in body) {
    const inner = body[key]
    if (typeof inner !== 'object' || inner === null || key === 'typeName') continue
    out.push(isTag(key) ? state.value({ [key]: inner }, scope) : state.value(inner, scope))
  }
  return out
}

function columnRef(state: State, body: Tree, scope: Scope): Value {
  const found = reference(state, body, scope)
  state.gathering.reach.reads(found)
  state.spend(found.row?.length ?? 0)
  return found
}

function reference(state: State, body: Tree, scope: Scope): Value {
  state.saw(body)
  const fields = list(body, 'fields')
  const names = strings(fields)
  if (names === null) return starRow(scope, fields)
  if (names.length === 1) return findColumn(scope, names[0]!)
  const found = findQualified(scope, names)
  if (found !== undefined) return found
  // table.f where f is no column calls f(table); so does a.b where a is a column and no table.
  const range = findRange(scope, names.at(-3) ?? '', names.at(-2)!)
  const base = range === null ? findColumn(scope, names[0]!) : wholeRow(range)
  return notationValue(state, names.at(-1)!, base)
}

/** `p.*` as one value: row_to_json(p.*), ROW(p.*), count(p.*). */
function starRow(scope: Scope, fields: readonly unknown[]): Value {
  const names = strings(fields.slice(0, -1))
  if (names === null || names.length === 0) return CONSTANT
  const range = findRange(scope, names.at(-2) ?? '', names.at(-1)!)
  return range === null ? UNPROVED : wholeRow(range)
}

function subLink(state: State, body: Tree, scope: Scope): Value {
  const inner = node(body['subselect'])
  if (inner === null) return UNPROVED
  const type = text(body, 'subLinkType')
  if (type === 'ARRAY_SUBLINK') return gathered(state, body, inner, scope)
  const { columns, decided } = state.query(inner.type, inner.body, scope)
  const test = state.value(body['testexpr'], scope)
  if (type === 'EXISTS_SUBLINK') return combine([decided])
  const values = [...(columns ?? [UNPROVED]), decided, test]
  const all = nested(state, body, values, combine(values))
  if (columns === null) return all
  if (type !== 'EXPR_SUBLINK' || columns.length !== 1) return all
  const [only] = columns
  const { plain, row, type: own } = only!
  const one = { ...all, plain: plain && decided.origins.length === 0, row }
  return own === undefined ? one : { ...one, type: own }
}

/** `ARRAY(SELECT …)`: one value, whatever rows there are. */
function gathered(state: State, body: Tree, inner: Node, scope: Scope): Value {
  const rows: Value[] = []
  const around = { ...innerScope(scope), gathered: rows }
  const { columns, decided } = state.query(inner.type, inner.body, around)
  const values = [...(columns ?? [UNPROVED]), decided, ...rows]
  return nested(state, body, values, combine(values))
}

function subquery(state: State, body: Tree, scope: Scope): Value {
  const { columns, decided } = state.query('SelectStmt', body, scope)
  return combine([...(columns ?? [UNPROVED]), decided])
}

function rowExpression(state: State, body: Tree, scope: Scope): Value {
  const columns: Column[] = []
  for (const argument of list(body, 'args')) {
    const item = state.value(argument, scope)
    const spread = isStar(argument) ? item.row : null
    for (const one of spread ?? [item]) columns.push(named(`f${columns.length + 1}`, one))
  }
  return rowOf(columns)
}

function isStar(expression: unknown): boolean {
  const reference = as(expression, 'ColumnRef')
  return reference !== null && as(list(reference, 'fields').at(-1), 'A_Star') !== null
}

/** Fields and subscripts after a value: `(p).ssn`, `a[i]`, `(f(x)).*`. */
function indirection(state: State, body: Tree, scope: Scope): Value {
  let current = state.value(body['arg'], scope)
  for (const step of list(body, 'indirection')) {
    const name = as(step, 'String')
    if (name !== null) current = field(state, current, text(name, 'sval'))
    else if (as(step, 'A_Indices') !== null) {
      current = combine([current, state.value(step, scope)])
    }
  }
  return current
}

function field(state: State, base: Value, name: string): Value {
  const column = base.row?.find((one) => one.name === name)
  if (column !== undefined) return column
  const { types, relations } = state.gathering.scene.catalogue
  const known = relations.get(types.get(base.type ?? 0)?.relation ?? 0)?.columns
  const type = known?.find((one) => one.name === name)?.type
  return type === undefined ? notationValue(state, name, base) : { ...combine([base]), type }
}

/** A cast to a composite type has its columns, each made of all that is cast. */
function cast(state: State, body: Tree, scope: Scope): Value {
  const argument = state.value(body['arg'], scope)
  const base = combine([argument])
  const names = strings(list(child(body, 'typeName') ?? {}, 'names'))
  if (names === null) return base
  const types = findTypes(state.gathering.scene, names)
  const { casts, functions, relations } = state.gathering.scene.catalogue
  const own = casts.some((one) => {
    const fn = functions.get(one.function)
    const trusted = fn !== undefined && isTrusted(fn)
    return !trusted && types.some((type) => type.oid === one.target)
  })
  if (own) return failing(state, [base], combine([base, OPAQUE_VALUE]))
  const relation = types.length === 1 ? relations.get(types[0]!.relation) : undefined
  const scalar = types.every((type) => isScalar(state.gathering.scene.catalogue.types, type.oid))
  const made = casted(state, body, argument, types, base)
  if (relation === undefined) return { ...made, scalar }
  const columns = tableColumns(state.gathering, relation)
  return { ...made, row: columns.map(({ name }) => named(name, base)) }
}

function operation(state: State, body: Tree, scope: Scope): Value {
  const left = state.value(body['lexpr'], scope)
  const right = state.value(body['rexpr'], scope)
  const operands = [left, right] as const
  const own = judgedOperators(state.gathering.scene, strings(list(body, 'name')) ?? [])
  if (own) return failing(state, operands, combine([...operands, OPAQUE_VALUE]))
  return operated(state, body, operands, combine(operands))
}
