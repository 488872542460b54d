/** Calls whose arguments decide what they do: set_config, queries in strings, relations by name. */
import type { CatalogueFunction } from '../catalogue.ts'
import { queryBody, viewBody } from './bodies.ts'
import type { Gathering, Scene } from './context.ts'
import { FILLS_RECORDS, MAKES_TYPES, READS_BY_NAME, RUNS_QUERY } from './function-table.ts'
import { absorbBody, usage } from './functions.ts'
import { qualified } from './names.ts'
import { isFree, judgeSetting, refuseUnproved } from './settings.ts'
import { as, constant, flag, list, strings, type Tree, text } from './tree.ts'
import { typeEffect } from './types.ts'

export interface Call {
  readonly names: readonly string[]
  /** Number of arguments; null = VARIADIC, any overload may be meant. */
  readonly given: number | null
  readonly body: Tree
}

export function callOf(body: Tree): Call | null {
  const names = strings(list(body, 'funcname'))
  if (names === null || names.length === 0) return null
  const ordered = flag(body, 'agg_within_group') ? list(body, 'agg_order').length : 0
  const given = flag(body, 'func_variadic') ? null : list(body, 'args').length + ordered
  return { names, given, body }
}

/** True: the call is judged here and done with. */
export function specialCall(
  gathering: Gathering,
  call: Call,
  candidates: readonly CatalogueFunction[],
): boolean {
  const fn = candidates.find((one) => one.builtin)
  if (fn === undefined) return false
  // Where users made functions of the name, those are judged as well.
  const done = candidates.every((one) => one.builtin)
  if (fn.name === 'set_config') setConfig(gathering, call, fn)
  else if (RUNS_QUERY.has(fn.name)) runsQuery(gathering, call, fn, 0)
  else if (fn.name === 'ts_rewrite' && call.given === 2) runsQuery(gathering, call, fn, 1)
  else return reaches(gathering, fn)
  return done
}

function reaches(gathering: Gathering, fn: CatalogueFunction): false {
  if (READS_BY_NAME.has(fn.name) || MAKES_TYPES.has(fn.name)) readsByName(gathering, fn)
  if (READS_BY_NAME.has(fn.name) || fn.name.startsWith('cursor_to_xml'))
    gathering.reach.opaque = true
  if (FILLS_RECORDS.has(fn.name)) fillsRecords(gathering)
  return false
}

/** Passes where the session may set it: name and value stand in the tree, or the client binds the value. */
function setConfig(gathering: Gathering, call: Call, fn: CatalogueFunction): void {
  const name = constant(argument(call.body, 0, 'setting_name')) ?? undefined
  const value = constant(argument(call.body, 1, 'new_value'))
  const known = name ?? nameFromSettings(gathering, call)
  gathering.functions.set(qualified(fn), usage(fn, false))
  gathering.add({ class: 'session', why: 'calls set_config()' })
  if (known !== undefined && isFree(known) && isBound(gathering, call)) return
  if (known === undefined || value === undefined)
    return gathering.refuse(refuseUnproved('set_config()'))
  const refusal = judgeSetting({ name: known, values: value === null ? null : [value] })
  gathering.refuse(refusal)
}

/** A parameter of a body, or of PREPARE, can be given a value that was read. */
function isBound({ scene }: Gathering, call: Call): boolean {
  return scene.depth === 0 && as(argument(call.body, 1, 'new_value'), 'ParamRef') !== null
}

/**
 * pg_dump since 17: SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings
 * WHERE name = 'restrict_nonsystem_relation_kind'. The name is the constant of the WHERE.
 */
function nameFromSettings(gathering: Gathering, call: Call): string | undefined {
  const select = gathering.root
  if (select === null || list(select, 'fromClause').length !== 1) return undefined
  const from = as(list(select, 'fromClause')[0], 'RangeVar')
  const where = as(select['whereClause'], 'A_Expr')
  if (from === null || where === null || text(from, 'relname') !== 'pg_settings') return undefined
  if (!['', 'pg_catalog'].includes(text(from, 'schemaname'))) return undefined
  const isName = (value: unknown): boolean =>
    strings(list(as(value, 'ColumnRef') ?? {}, 'fields'))?.join() === 'name'
  const equals = text(where, 'kind') === 'AEXPR_OP' && strings(list(where, 'name'))?.join() === '='
  if (!equals || !isName(where['lexpr']) || !isName(list(call.body, 'args')[0])) return undefined
  return constant(where['rexpr']) ?? undefined
}

function runsQuery(
  gathering: Gathering,
  call: Call,
  fn: CatalogueFunction,
  position: number,
): void {
  const sql = constant(argument(call.body, position, 'query'))
  const body = typeof sql === 'string' ? queryBody(gathering.scene, sql) : null
  gathering.functions.set(qualified(fn), usage(fn, body?.class === 'read'))
  if (body === null) gathering.reach.opaque = true
  else absorbBody(gathering, body)
  if (body === null)
    gathering.add({ class: 'write', why: `${fn.name}() runs SQL that hoop cannot read` })
  else if (body.class !== 'read') {
    gathering.add({ class: body.class, why: `${fn.name}() runs SQL: it ${body.why}` })
  }
}

/** Any relation may be meant: each view and each domain of the database must be harmless. */
function readsByName(gathering: Gathering, fn: CatalogueFunction): void {
  const bad = harmful(gathering.scene)
  if (bad !== null) gathering.add({ class: 'write', why: `${fn.name}() may reach ${bad}` })
}

function harmful(scene: Scene): string | null {
  for (const relation of scene.catalogue.relations.values()) {
    if (relation.builtin || relation.kind !== 'view') continue
    if (viewBody(scene, relation)?.class !== 'read') return qualified(relation)
  }
  return harmfulType(scene)
}

function harmfulType(scene: Scene): string | null {
  for (const type of scene.catalogue.types.values()) {
    if (type.checks.length > 0 && typeEffect(scene, type.oid) !== null) return qualified(type)
  }
  return null
}

/** The record's type is not known here; any domain of the database could be in it. */
export function fillsRecords(gathering: Gathering): void {
  const bad = harmfulType(gathering.scene)
  if (bad !== null) gathering.add({ class: 'write', why: `fills a record that may hold ${bad}` })
}

/** An argument by position or by name; PostgreSQL lets both be mixed, names last. */
export function argument(body: Tree, position: number, name: string): unknown {
  const args = list(body, 'args')
  for (const one of args) {
    const named = as(one, 'NamedArgExpr')
    if (named !== null && text(named, 'name') === name) return named['arg']
  }
  const found = args[position]
  return as(found, 'NamedArgExpr') === null ? found : undefined
}
