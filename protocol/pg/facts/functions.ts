/** May this function run without an approval? By the target's catalogue, never by the name alone. */
import type { CatalogueFunction } from '../catalogue.ts'
import type { FunctionUse } from '../statement.ts'
import { defaultsBody, functionBody } from './bodies.ts'
import type { BodyFacts, Effect, Gathering, Scene } from './context.ts'
import { CLASS_OF, EXTENSION_CLASS, HARMLESS_VOLATILE } from './function-table.ts'
import { qualified } from './names.ts'
import { isConstructor, isTrusted } from './trusted.ts'
import { typeEffect } from './types.ts'

/** What calling it does; null = nothing that needs anybody. */
export function judgeFunction(scene: Scene, fn: CatalogueFunction): Effect | null {
  if (fn.kind === 'procedure')
    return { class: 'write', why: `calls the procedure ${qualified(fn)}` }
  if (fn.builtin) return judgeBuiltin(fn)
  if (isTrusted(fn)) return judgeExtension(fn)
  return judgeUser(scene, fn)
}

/** Of those that PostgreSQL brings along. */
export function judgeBuiltin(fn: Pick<CatalogueFunction, 'name' | 'volatility'>): Effect | null {
  const decided = CLASS_OF.get(fn.name)
  if (decided !== undefined) return { class: decided, why: `calls ${fn.name}()` }
  if (fn.volatility !== 'volatile' || HARMLESS_VOLATILE.has(fn.name)) return null
  return { class: 'write', why: `calls ${fn.name}(), which is VOLATILE` }
}

function judgeExtension(fn: CatalogueFunction): Effect | null {
  if (fn.name.startsWith('dblink')) return { class: 'admin', why: `calls ${qualified(fn)}()` }
  const decided = EXTENSION_CLASS.get(fn.name)
  if (decided === 'harmless') return null
  if (decided !== undefined) return { class: decided, why: `calls ${qualified(fn)}()` }
  if (fn.volatility !== 'volatile') return null
  return { class: 'write', why: `calls ${qualified(fn)}(), which is VOLATILE` }
}

/** Volatility of users' functions is a promise that nobody checks; their SQL can be read. */
function judgeUser(scene: Scene, fn: CatalogueFunction): Effect | null {
  const what = `calls ${qualified(fn)}()`
  const types = typesEffect(scene, fn)
  if (types !== null) return { class: types.class, why: `${what}: ${types.why}` }
  if (isConstructor(fn)) return null
  const preset = defaultsBody(scene, fn)
  if (preset !== null && preset.class !== 'read') {
    return { class: preset.class, why: `${what}, whose default ${preset.why}` }
  }
  const body = functionBody(scene, fn)
  if (body === null) return { class: 'write', why: `${what}, whose code hoop cannot read` }
  return body.class === 'read' ? null : { class: body.class, why: `${what}: ${body.why}` }
}

/** Arguments become what it takes, and what it makes its result: domains are checked then. */
function typesEffect(scene: Scene, fn: CatalogueFunction): Effect | null {
  for (const type of [...fn.argumentTypes, fn.result, ...fn.columns.map((one) => one.type)]) {
    const effect = typeEffect(scene, type)
    if (effect !== null) return effect
  }
  return null
}

export function usage(fn: CatalogueFunction, harmless: boolean): FunctionUse {
  return { name: qualified(fn), volatility: fn.volatility, harmless }
}

/** Notes the call and what it does. Of several candidates the gravest counts. */
export function addCall(gathering: Gathering, candidates: readonly CatalogueFunction[]): void {
  for (const fn of candidates) {
    const effect = judgeFunction(gathering.scene, fn)
    const name = qualified(fn)
    const known = gathering.functions.get(name)
    if (known === undefined || (known.harmless && effect !== null)) {
      gathering.functions.set(name, usage(fn, effect === null))
    }
    gathering.add(effect)
    if (fn.builtin || isTrusted(fn) || isConstructor(fn)) {
      if (fn.name.startsWith('dblink')) gathering.reach.opaque = true
      continue
    }
    const body = functionBody(gathering.scene, fn)
    if (body === null) gathering.reach.opaque = true
    else absorbBody(gathering, body)
  }
}

/** A function's arguments choose what its body compares with: nothing in it is a plain equality. */
export function absorbBody(gathering: Gathering, { tables, reach }: BodyFacts): void {
  for (const table of tables) gathering.tables.add(table)
  const predicates = reach.predicates.map((one) =>
    one.use === 'equality' ? { ...one, use: 'filter' as const, guesses: 0 } : one,
  )
  gathering.reach.absorb({ ...reach, predicates })
}

/** Overloads that this number of arguments can mean; all, where the number is not known. */
export function byArity(
  candidates: readonly CatalogueFunction[],
  given: number | null,
): readonly CatalogueFunction[] {
  if (given === null) return candidates
  const fitting = candidates.filter(
    (fn) =>
      (given >= fn.arguments - fn.defaults && given <= fn.arguments) ||
      (fn.variadic && given >= fn.arguments - 1),
  )
  return fitting.length > 0 ? fitting : candidates
}
