/** Where the values of each output column come from. */
import type { CatalogueRelation } from '../catalogue.ts'
import type { Gathering } from './context.ts'
import type { Column } from './lineage-types.ts'
import type { Node } from './tree.ts'

export function lineage(_gathering: Gathering, _root: Node): readonly Column[] | null {
  return null
}

export function tableColumns(
  _gathering: Gathering,
  _relation: CatalogueRelation,
): readonly Column[] | null {
  return null
}
