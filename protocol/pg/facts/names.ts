/** Names to objects, as the target would find them with this search_path. */
import {
  type Catalogue,
  type CatalogueFunction,
  type CatalogueRelation,
  type CatalogueType,
  isTemporary,
} from '../catalogue.ts'
import type { Scene } from './context.ts'

/** search_path as PostgreSQL uses it: pg_catalog first if it is not named. */
export function effectivePath(searchPath: readonly string[], user: string): string[] {
  const path = searchPath.map((schema) => (schema === '$user' ? user : schema))
  return path.includes('pg_catalog') ? path : ['pg_catalog', ...path]
}

/**
 * All relations that the name may mean. The first of the path is not always it: schemas that the
 * role may not use are passed over. And temporary ones of that name: where the path does not say
 * which schema is this session's, those of all.
 */
export function findRelations(scene: Scene, schema: string, name: string): CatalogueRelation[] {
  const found = (scene.catalogue.relationsByName.get(name) ?? []).map(
    (oid) => scene.catalogue.relations.get(oid)!,
  )
  if (schema !== '') return inSchema(scene, found, schema)
  const meant = found.filter(
    (relation) => isOwnTemporary(scene, relation.schema) || scene.path.includes(relation.schema),
  )
  const builtin = meant.find((relation) => relation.schema === 'pg_catalog')
  // Everybody may use pg_catalog; what comes first there is it, but for temporary ones.
  if (builtin === undefined || scene.path[0] !== 'pg_catalog') return meant
  return meant.filter((relation) => relation === builtin || isTemporary(relation.schema))
}

/** `pg_temp` is the temporary schema of the session that asks. */
function inSchema<T extends { schema: string }>(
  scene: Scene,
  found: readonly T[],
  schema: string,
): T[] {
  return found.filter((one) =>
    schema === 'pg_temp' ? isOwnTemporary(scene, one.schema) : one.schema === schema,
  )
}

function isOwnTemporary({ session }: Scene, schema: string): boolean {
  return isTemporary(schema) && (session.includes(schema) || !session.some(isTemporary))
}

export function findFunctions(scene: Scene, names: readonly string[]): CatalogueFunction[] {
  return visible(scene, names, scene.catalogue.functionsByName, scene.catalogue.functions)
}

/** All types that the name may mean; `name[]` of arrays is not part of the name. */
export function findTypes(scene: Scene, names: readonly string[]): CatalogueType[] {
  const found = visible(scene, names, scene.catalogue.typesByName, scene.catalogue.types)
  if (names.length > 1) return found
  const temporary = (scene.catalogue.typesByName.get(names[0]!) ?? [])
    .map((oid) => scene.catalogue.types.get(oid)!)
    .filter((type) => isOwnTemporary(scene, type.schema))
  return [...temporary, ...found]
}

function visible<T extends { schema: string }>(
  scene: Scene,
  names: readonly string[],
  byName: ReadonlyMap<string, readonly number[]>,
  byOid: ReadonlyMap<number, T>,
): T[] {
  const oids = byName.get(names.at(-1) ?? '')
  if (oids === undefined) return []
  const found = oids.map((oid) => byOid.get(oid)!)
  // A database before the schema changes nothing: PostgreSQL allows only the one we are in.
  if (names.length > 1) return inSchema(scene, found, names.at(-2)!)
  return found.filter((one) => scene.path.includes(one.schema))
}

export function qualified(object: { schema: string; name: string }): string {
  return `${object.schema}.${object.name}`
}

/** Every relation whose rows are read when this one is read: itself, and its descendants. */
export function descendants(catalogue: Catalogue, oid: number): readonly number[] {
  return childrenOf(catalogue).get(oid) ?? []
}

const families = new WeakMap<Catalogue, Map<number, number[]>>()

function childrenOf(catalogue: Catalogue): Map<number, number[]> {
  const known = families.get(catalogue)
  if (known !== undefined) return known
  const children = new Map<number, number[]>()
  for (const relation of catalogue.relations.values()) {
    for (const parent of relation.parents) {
      const list = children.get(parent)
      if (list === undefined) children.set(parent, [relation.oid])
      else list.push(relation.oid)
    }
  }
  families.set(catalogue, children)
  return children
}
