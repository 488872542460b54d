/** Casts that call a function of somebody's own. */
import type { CatalogueCast } from '../catalogue.ts'
import type { Effect, Scene } from './context.ts'
import { judgeFunction } from './functions.ts'
import { findTypes } from './names.ts'
import { list, strings, type Tree } from './tree.ts'

/** What casting to this type can do, from whatever type. */
export function casts(scene: Scene, typeName: Tree | null): Effect[] {
  if (typeName === null || scene.catalogue.casts.length === 0) return []
  const names = strings(list(typeName, 'names'))
  if (names === null || names.length === 0) return []
  const targets = new Set(findTypes(scene, names).map((type) => type.oid))
  return scene.catalogue.casts
    .filter((cast) => targets.has(cast.target) || cast.context === 'implicit')
    .flatMap((cast) => castEffect(scene, cast, targets.has(cast.target)) ?? [])
}

/** Implicit casts that are not harmless run anywhere that their types meet. */
export function implicitCasts(scene: Scene): Effect[] {
  return scene.catalogue.casts
    .filter((cast) => cast.context === 'implicit')
    .flatMap((cast) => castEffect(scene, cast, false) ?? [])
}

function castEffect(scene: Scene, cast: CatalogueCast, named: boolean): Effect | null {
  const fn = scene.catalogue.functions.get(cast.function)
  if (fn === undefined)
    return { class: 'unknown', why: 'hoop does not know the function of a cast' }
  const effect = judgeFunction(scene, fn)
  if (effect === null) return null
  const why = named ? 'the cast' : 'an implicit cast of the target'
  return { class: effect.class, why: `${why} ${effect.why}` }
}
