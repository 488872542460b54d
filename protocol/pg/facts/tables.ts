/** Columns of relations, down to the base tables behind views. */
import type { Catalogue, CatalogueColumn, CatalogueRelation } from '../catalogue.ts'
import { generatedColumn, viewBody } from './bodies.ts'
import type { Gathering } from './context.ts'
import { OPAQUE_COLUMNS } from './function-table.ts'
import { type Column, combine, named, UNPROVED, type Value } from './lineage-types.ts'
import { ANYTHING, origin } from './origins.ts'

export function tableColumns(gathering: Gathering, relation: CatalogueRelation): readonly Column[] {
  const { memo, session } = gathering.scene
  const key = `${relation.oid} ${session.join()}`
  const known = memo.columns.get(key)
  if (known !== undefined) return known
  const columns = make(gathering, relation)
  memo.columns.set(key, columns)
  return columns
}

function make(gathering: Gathering, relation: CatalogueRelation): readonly Column[] {
  const isView = relation.kind === 'view' || relation.kind === 'materialized'
  const body = isView ? (viewBody(gathering.scene, relation)?.columns ?? null) : null
  const behind = body?.length === relation.columns.length ? body : null
  const { types } = gathering.scene.catalogue
  const own = relation.columns.map((column) => ({
    ...ownColumn(relation, column),
    scalar: isScalar(types, column.type),
    type: column.type,
  }))
  if (isView) {
    return own.map((column, index) =>
      viewColumn(column, behind?.[index] ?? UNPROVED, relation.builtin),
    )
  }
  return own.map((column, index) =>
    generated(gathering, relation, relation.columns[index]!, column, own),
  )
}

function ownColumn(relation: CatalogueRelation, column: CatalogueColumn): Column {
  const origins = [origin(relation.oid, column.number)]
  const plain: Value = { origins, proved: true, plain: true, row: null }
  // Values of foreign tables come from elsewhere, also from the database itself by another way.
  const opaque =
    relation.kind === 'foreign' ||
    (relation.builtin && OPAQUE_COLUMNS.get(relation.name)?.test(column.name) === true)
  if (opaque)
    return named(column.name, { ...plain, origins: [...ANYTHING, ...origins], proved: false })
  if (relation.owner === null) return named(column.name, plain)
  return named(column.name, combine([plain, { ...plain, origins: [origin(relation.owner, 0)] }]))
}

/** Neither a composite nor something made of one. */
export function isScalar(types: Catalogue['types'], oid: number): boolean {
  const type = types.get(oid)
  if (type === undefined || type.kind === 'composite' || type.kind === 'pseudo') return false
  return type.element === 0 || type.element === oid || isScalar(types, type.element)
}

/** A rule may name the view's column as well as the one behind it, if there is one. */
function viewColumn(own: Column, behind: Value, isSystems: boolean): Column {
  const { origins, proved, row } = behind
  const plain = behind.plain || (isSystems && proved && origins.length === 0)
  return { ...combine([own, behind]), ...kept(own), plain, row }
}

function generated(
  gathering: Gathering,
  relation: CatalogueRelation,
  column: CatalogueColumn,
  own: Column,
  columns: readonly Column[],
): Column {
  if (column.generated === undefined) return own
  const made = generatedColumn(gathering.scene, relation, column, columns)
  // It was computed when the row was written.
  const { fails: _, ...both } = combine([own, made])
  return { ...both, ...kept(own) }
}

function kept({ name, scalar = false, type }: Column): Pick<Column, 'name' | 'scalar' | 'type'> {
  return type === undefined ? { name, scalar } : { name, scalar, type }
}
