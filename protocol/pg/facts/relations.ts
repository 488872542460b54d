/** Relations that a statement reads: what they are, and what reading them runs. */
import type { CatalogueRelation } from '../catalogue.ts'
import { expressionBody, viewBody } from './bodies.ts'
import type { Gathering } from './context.ts'
import { descendants, findRelations, qualified } from './names.ts'
import { type Tree, text } from './tree.ts'

export function addRelation(gathering: Gathering, range: Tree, ctes: ReadonlySet<string>): void {
  const schema = text(range, 'schemaname')
  const name = text(range, 'relname')
  const found = findRelations(gathering.scene, schema, name)
  for (const relation of found) addFound(gathering, relation)
  if (found.length > 0 || (schema === '' && ctes.has(name))) return
  const full = schema === '' ? name : `${schema}.${name}`
  gathering.reads.add(full)
  gathering.add({ class: 'unknown', why: `the relation ${full} is not in the target's catalogue` })
}

/** The target of INSERT, UPDATE, DELETE and MERGE: its rows may come back (RETURNING). */
export function addTarget(gathering: Gathering, range: Tree): void {
  const schema = text(range, 'schemaname')
  const name = text(range, 'relname')
  const found = findRelations(gathering.scene, schema, name)
  if (found.length === 0) gathering.writes.add(schema === '' ? name : `${schema}.${name}`)
  for (const relation of found) {
    gathering.writes.add(qualified(relation))
    addTable(gathering, relation.oid)
    const body = relation.kind === 'view' ? viewBody(gathering.scene, relation) : null
    addTables(gathering, body?.tables ?? [])
  }
}

function addFound(gathering: Gathering, relation: CatalogueRelation): void {
  gathering.reads.add(qualified(relation))
  addTable(gathering, relation.oid)
  const { kind } = relation
  if (kind === 'view') return addView(gathering, relation)
  if (kind === 'materialized')
    addTables(gathering, viewBody(gathering.scene, relation)?.tables ?? [])
  if (kind === 'foreign' && relation.wrapper !== 'postgres_fdw') {
    gathering.add({ class: 'admin', why: `${qualified(relation)} reads outside of the database` })
  }
  if (relation.owner !== null) addTable(gathering, relation.owner)
  for (const [index, policy] of relation.policies.entries())
    addPolicy(gathering, relation, index, policy)
}

/** Tables that inherit from it are read with it. */
function addTable(gathering: Gathering, oid: number): void {
  if (gathering.tables.has(oid)) return
  gathering.tables.add(oid)
  addTables(gathering, descendants(gathering.scene.catalogue, oid))
}

function addTables(gathering: Gathering, oids: Iterable<number>): void {
  for (const oid of oids) addTable(gathering, oid)
}

function addView(gathering: Gathering, view: CatalogueRelation): void {
  const body = viewBody(gathering.scene, view)
  if (body === null) {
    return gathering.add({ class: 'unknown', why: `hoop cannot read the view ${qualified(view)}` })
  }
  addTables(gathering, body.tables)
  if (body.class !== 'read') {
    gathering.add({ class: body.class, why: `the view ${qualified(view)}: it ${body.why}` })
  }
}

function addPolicy(
  gathering: Gathering,
  table: CatalogueRelation,
  index: number,
  policy: string,
): void {
  const body = expressionBody(gathering.scene, `policy ${table.oid} ${index}`, policy)
  const what = `row security of ${qualified(table)}`
  if (body === null) return gathering.add({ class: 'unknown', why: `hoop cannot read the ${what}` })
  addTables(gathering, body.tables)
  if (body.class !== 'read') gathering.add({ class: body.class, why: `${what} ${body.why}` })
}
