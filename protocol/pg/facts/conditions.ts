/** Conditions over rows: what of them is a plain equality, and what tells more of a column. */
import type { PredicateUse } from '../statement.ts'
import { combine, type Scope, type Value } from './lineage-types.ts'
import { judgedOperators } from './operators.ts'
import type { State } from './state.ts'
import { as, list, type Node, node, strings, text } from './tree.ts'

/** The value of a condition, whose parts are noted as `use` where they are no plain equality. */
export function condition(
  state: State,
  expression: unknown,
  scope: Scope,
  use: PredicateUse = 'filter',
): Value {
  const found = node(expression)
  if (found === null) return combine([])
  const { type, body } = found
  if (type === 'BoolExpr' && text(body, 'boolop') !== 'NOT_EXPR') {
    return combine(list(body, 'args').map((one) => condition(state, one, scope, use)))
  }
  const made = state.value(expression, scope)
  if (!equality(state, found, scope)) {
    state.decide(type === 'NullTest' && isPlain(state, body['arg'], scope) ? 'presence' : use, made)
  }
  return made
}

/** `column = constant` or `column IN (constants)`, noted with the number of constants. */
function equality(state: State, { type, body }: Node, scope: Scope): boolean {
  if (type !== 'A_Expr') return false
  const name = strings(list(body, 'name')) ?? []
  if (name.at(-1) !== '=' || judgedOperators(state.gathering.scene, name)) return false
  const { lexpr, rexpr } = body
  const kind = text(body, 'kind')
  if (kind === 'AEXPR_OP') {
    return compared(state, lexpr, [rexpr], scope) || compared(state, rexpr, [lexpr], scope)
  }
  const values = as(rexpr, 'List')
  return (
    kind === 'AEXPR_IN' && values !== null && compared(state, lexpr, list(values, 'items'), scope)
  )
}

function compared(
  state: State,
  column: unknown,
  values: readonly unknown[],
  scope: Scope,
): boolean {
  if (!isPlain(state, column, scope) || !values.every(isFixed)) return false
  // A cast of a constant that runs users' code may be anything.
  if (values.some((one) => !state.value(one, scope).proved)) return false
  state.gathering.reach.guess(state.value(column, scope), values.length)
  return true
}

function isPlain(state: State, expression: unknown, scope: Scope): boolean {
  if (as(expression, 'ColumnRef') === null) return false
  const { plain, proved } = state.value(expression, scope)
  return plain && proved
}

function isFixed(expression: unknown): boolean {
  const found = node(expression)
  if (found === null) return false
  if (found.type === 'TypeCast') return isFixed(found.body['arg'])
  return found.type === 'A_Const' || found.type === 'ParamRef'
}
