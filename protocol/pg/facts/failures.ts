/**
 * What may fail because of a value. A statement that fails for some values and not for others tells
 * of them, whatever its error says; so does one that comes to a failing part for some values only.
 * What is not known never to fail may.
 */
import type { CatalogueFunction } from '../catalogue.ts'
import { functionBody } from './bodies.ts'
import { combine, type Value } from './lineage-types.ts'
import type { State } from './state.ts'
import { isText, isTotalFunction, type Operand } from './totals.ts'
import { constant, list, type Tree } from './tree.ts'
import { isTrusted } from './trusted.ts'

/** The value of an operation that fails for some of its operands. */
export function failing(state: State, operands: readonly Value[], made: Value): Value {
  state.decide('compute', combine(operands))
  state.gathering.fails = true
  return { ...made, fails: true }
}

/** The value of something that looks at some of its parts only if others say so. */
export function choosing(state: State, parts: readonly Value[], made: Value): Value {
  if (made.fails === true) state.decide('compute', combine(parts))
  return made
}

/** The value of a call, which is one of these functions. */
export function called(
  state: State,
  candidates: readonly CatalogueFunction[],
  body: Tree,
  inputs: readonly Value[],
  made: Value,
): Value {
  const operands = operandsOf(body, inputs)
  const { types } = state.gathering.scene.catalogue
  const total = candidates.every((fn) => {
    if (isTrusted(fn)) return isTotalFunction(fn.name, operands, types)
    const inner = functionBody(state.gathering.scene, fn)
    return inner !== null && !inner.fails
  })
  const type = resultType(candidates, operands)
  const typed = type === undefined ? made : { ...made, type }
  return total ? choosing(state, chosen(body, inputs), typed) : failing(state, inputs, typed)
}

/** Arguments, and what is sorted by of ordered sets. */
function operandsOf(body: Tree, inputs: readonly Value[]): Operand[] {
  const given = [...list(body, 'args'), ...list(body, 'agg_order')]
  return given.map((one, index) => ({ value: inputs[index]!, constant: constant(one) }))
}

/** Rows that FILTER leaves out are not computed with. */
function chosen(body: Tree, inputs: readonly Value[]): readonly Value[] {
  return body['agg_filter'] === undefined ? [] : inputs
}

/** Arguments of known types say which overload it is. */
function resultType(
  candidates: readonly CatalogueFunction[],
  operands: readonly Operand[],
): number | undefined {
  const fitting = candidates.filter(({ argumentTypes }) =>
    operands.every(({ value, constant: text }, index) => {
      const wanted = argumentTypes[index]
      return text !== undefined || wanted === value.type || (isText(value) && wanted === TEXT)
    }),
  )
  const meant = fitting.length > 0 ? fitting : candidates
  const types = new Set(meant.map((fn) => fn.result))
  return types.size === 1 ? meant[0]!.result : undefined
}

const TEXT = 25
