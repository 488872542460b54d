/** Relations that a statement reads: what they are, and what reading them runs. */
import type { CatalogueRelation } from '../catalogue.ts'
import { expressionBody, viewBody } from './bodies.ts'
import type { Gathering } from './context.ts'
import { descendants, findRelations, qualified } from './names.ts'
import { origin } from './origins.ts'
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

/** A relation that is written; `reads`: its rows decide something, or come back, as well. */
export function addTarget(gathering: Gathering, range: Tree, reads = true): void {
  const schema = text(range, 'schemaname')
  const name = text(range, 'relname')
  const found = findRelations(gathering.scene, schema, name)
  if (found.length === 0) gathering.writes.add(schema === '' ? name : `${schema}.${name}`)
  for (const relation of found) addWritten(gathering, relation, reads)
}

export function addWritten(gathering: Gathering, relation: CatalogueRelation, reads = true): void {
  gathering.writes.add(qualified(relation))
  const body = relation.kind === 'view' ? viewBody(gathering.scene, relation) : null
  const all = [relation.oid, ...(body?.tables ?? [])]
  if (reads) addTables(gathering, all)
  for (const oid of all) write(gathering, oid)
}

/** With it its children, and what a rule or the action of a foreign key writes then. */
function write(gathering: Gathering, oid: number): void {
  const { reach, scene, tables } = gathering
  if (reach.rowsWritten.has(oid)) return
  reach.rowsWritten.add(oid)
  tables.add(oid)
  for (const child of descendants(scene.catalogue, oid)) write(gathering, child)
  for (const other of scene.catalogue.relations.get(oid)?.touches ?? []) {
    reach.writes({ origins: [origin(other, 0)], proved: true })
    addTable(gathering, other)
    write(gathering, other)
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
export function addTable(gathering: Gathering, oid: number): void {
  if (gathering.reach.rowsRead.has(oid)) return
  gathering.reach.rowsRead.add(oid)
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
  // What its columns are made of comes with each; its own conditions are its owner's.
  const predicates = body.reach.predicates.filter(({ use }) => use === 'compute')
  const callsWithin = view.builtin ? [] : body.reach.callsWithin
  gathering.reach.absorb({ ...body.reach, callsWithin, columnsRead: [], predicates })
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
  gathering.reach.absorb({ ...body.reach, columnsRead: [], predicates: [] })
  if (body.class !== 'read') gathering.add({ class: body.class, why: `${what} ${body.why}` })
}
