/** EXPLAIN: what is in a plan. https://www.postgresql.org/docs/current/sql-explain.html */
import type { StatementFacts } from '../statement.ts'
import type { Scene } from './context.ts'
import { CONSTANT, type Column } from './lineage-types.ts'
import { qualified } from './names.ts'
import { ANYTHING, toOrigins } from './origins.ts'
import { as, list, literal, node, type Tree, text } from './tree.ts'
import { isTrusted } from './trusted.ts'

export interface ExplainOptions {
  readonly analyze: boolean
  /** Estimated or measured: how many rows, how wide, how much memory. */
  readonly tellsSizes: boolean
}

export function explainOptions(body: Tree): ExplainOptions {
  const analyze = isOn(body, 'analyze', false)
  return { analyze, tellsSizes: analyze || isOn(body, 'costs', true) }
}

/** The last of two equal options wins. */
function isOn(body: Tree, name: string, usual: boolean): boolean {
  let on = usual
  for (const option of list(body, 'options')) {
    const element = as(option, 'DefElem')
    if (element !== null && text(element, 'defname') === name) on = !isOff(element['arg'])
  }
  return on
}

/** defGetBoolean: what is not one of these is on, or an error of the server. */
function isOff(argument: unknown): boolean {
  const found = node(argument)
  if (found === null) return false
  if (found.type === 'Integer') return (found.body['ival'] ?? 0) === 0
  if (found.type === 'Boolean') return found.body['boolval'] !== true
  const value = found.type === 'A_Const' ? literal(found.body) : text(found.body, 'sval')
  return /^(false|off|0)$/i.test(value ?? '')
}

const PLAN: Column = { ...CONSTANT, name: 'QUERY PLAN' }

/** The plan of EXECUTE: what that runs is not known here. */
export function executePlan({ tellsSizes }: ExplainOptions): readonly Column[] {
  return [{ ...PLAN, proved: !tellsSizes }]
}

/**
 * A plan tells the names of what is read. Its sizes are made of statistics about the columns that
 * are read; and the planner runs users' IMMUTABLE functions, and prints what they return.
 */
export function queryPlan(
  scene: Scene,
  { functions, columnsRead }: Pick<StatementFacts, 'functions' | 'columnsRead'>,
  { tellsSizes }: ExplainOptions,
): readonly Column[] {
  const folds = functions.some((one) => isOwnCode(scene, one.name))
  if (folds) return [{ ...PLAN, origins: ANYTHING, proved: false }]
  if (!tellsSizes) return [PLAN]
  return [{ ...PLAN, origins: toOrigins(columnsRead) }]
}

function isOwnCode(scene: Scene, qualifiedName: string): boolean {
  const oids = scene.catalogue.functionsByName.get(qualifiedName.split('.').at(-1) ?? '') ?? []
  return oids.some((oid) => {
    const fn = scene.catalogue.functions.get(oid)!
    return !isTrusted(fn) && qualified(fn) === qualifiedName
  })
}
