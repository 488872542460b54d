/** Naming a type can run code: the CHECK of a domain, also deep inside of composites and arrays. */
import type { CatalogueType } from '../catalogue.ts'
import { expressionBody } from './bodies.ts'
import type { Effect, Gathering, Scene } from './context.ts'
import { findTypes } from './names.ts'
import { flag, list, strings, type Tree } from './tree.ts'
import { isTrusted } from './trusted.ts'

export function addType(gathering: Gathering, typeName: Tree): void {
  const names = strings(list(typeName, 'names'))
  if (names === null || names.length === 0) return
  const found = findTypes(gathering.scene, names)
  if (found.length === 0 || flag(typeName, 'pct_type')) {
    gathering.add({ class: 'unknown', why: `hoop does not know the type ${names.join('.')}` })
  }
  for (const type of found) gathering.code(typeEffect(gathering.scene, type.oid))
}

/** What making a value of this type can do; null = nothing. */
export function typeEffect(scene: Scene, oid: number): Effect | null {
  const key = String(oid)
  const known = scene.memo.types.get(key)
  if (known !== undefined) return known
  scene.memo.types.set(key, null)
  try {
    const type = scene.catalogue.types.get(oid)
    const effect = type === undefined ? unknownType(oid) : effectOf(scene, type)
    scene.memo.types.set(key, effect)
    return effect
  } catch (error) {
    // Half judged is not harmless.
    scene.memo.types.delete(key)
    throw error
  }
}

function unknownType(oid: number): Effect {
  return { class: 'unknown', why: `hoop does not know the type with OID ${oid}` }
}

function effectOf(scene: Scene, type: CatalogueType): Effect | null {
  for (const [index, check] of type.checks.entries()) {
    const body = expressionBody(scene, `domain ${type.oid} ${index}`, check)
    const what = `the domain ${type.schema}.${type.name} runs its check`
    if (body === null) return { class: 'write', why: `${what}, which hoop cannot read` }
    if (body.class !== 'read') return { class: body.class, why: `${what}: it ${body.why}` }
  }
  const own = type.runs.find((oid) => !isTrustedFunction(scene, oid))
  if (own !== undefined) {
    const why = `the range type ${type.schema}.${type.name} runs a function that is not PostgreSQL's`
    return { class: 'write', why }
  }
  const parts = type.relation === 0 ? [] : columnTypes(scene, type.relation)
  for (const part of type.element === 0 ? parts : [...parts, type.element]) {
    const effect = typeEffect(scene, part)
    if (effect !== null) return effect
  }
  return null
}

function isTrustedFunction(scene: Scene, oid: number): boolean {
  const fn = scene.catalogue.functions.get(oid)
  return fn !== undefined && isTrusted(fn)
}

function columnTypes(scene: Scene, relation: number): number[] {
  return scene.catalogue.relations.get(relation)?.columns.map((column) => column.type) ?? []
}
