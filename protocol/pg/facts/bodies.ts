/**
 * Queries inside of something: views, functions in SQL, queries in constant strings. Each is parsed
 * and judged by the same rules, once for each catalogue and search_path.
 */
import type { CatalogueColumn, CatalogueFunction, CatalogueRelation } from '../catalogue.ts'
import { spend } from './budget.ts'
import { type BodyFacts, Gathering, graver, type Scene } from './context.ts'
import type { Column, Value } from './lineage-types.ts'
import { origin } from './origins.ts'
import { type Reach, Reaching } from './reach.ts'
import { as, child, isTree, list, type Node, node } from './tree.ts'

/** Filled by `facts.ts`: effects and lineage need bodies, and bodies need them. */
export interface BodyReader {
  effects(gathering: Gathering, root: Node): void
  columns(gathering: Gathering, root: Node, sight: Sight): readonly Column[] | null
}

/** What a body can name beside what its own FROM says. */
export interface Sight {
  /** With their types, where they are known. */
  readonly parameters: ReadonlyMap<string, number | undefined>
  readonly columns: readonly Column[]
}

const NOTHING: Sight = { parameters: new Map(), columns: [] }

let reader: BodyReader | null = null

export function setBodyReader(one: BodyReader): void {
  reader = one
}

const MAX_DEPTH = 8

export function viewBody(scene: Scene, view: CatalogueRelation): BodyFacts | null {
  if (view.definition === null) return null
  // Definitions are written with every name qualified: no search_path takes part.
  return remembered(
    qualifiedScene(scene),
    `view ${view.oid} ${scene.session.join()}`,
    view.definition,
  )
}

export function functionBody(scene: Scene, fn: CatalogueFunction): BodyFacts | null {
  if (fn.body === null || fn.sets || fn.language !== 'sql') return null
  const inside = { ...scene, path: scene.session }
  return remembered(inside, `function ${fn.oid} ${scene.session.join()}`, standardBody(fn.body), {
    parameters: parametersOf(fn),
    columns: [],
  })
}

function parametersOf({ argumentNames, argumentTypes }: CatalogueFunction): Sight['parameters'] {
  // Names are of OUT parameters too, wherever they stand.
  const types = argumentNames.length === argumentTypes.length ? argumentTypes : []
  return new Map(argumentNames.map((name, index) => [name, types[index]]))
}

/** Default values of parameters: they run where a call leaves them out. */
export function defaultsBody(scene: Scene, fn: CatalogueFunction): BodyFacts | null {
  if (fn.presets === null) return null
  const unknown: BodyFacts = {
    class: 'write',
    why: 'hoop cannot read',
    tables: new Set(),
    columns: null,
    reach: { ...new Reaching().finish(), opaque: true },
    fails: true,
  }
  return expressionBody(scene, `defaults ${fn.oid}`, fn.presets) ?? unknown
}

/** An expression alone: a domain's check, a policy, a generated column. */
export function expressionBody(scene: Scene, key: string, expression: string): BodyFacts | null {
  return remembered(qualifiedScene(scene), `${key} ${scene.session.join()}`, `SELECT ${expression}`)
}

function qualifiedScene(scene: Scene): Scene {
  return { ...scene, path: ['pg_catalog'] }
}

export function queryBody(scene: Scene, sql: string): BodyFacts | null {
  return judged(scene, sql, NOTHING)
}

/** `RETURN x` and `BEGIN ATOMIC … END` (CREATE FUNCTION, sql_body) as plain statements. */
function standardBody(body: string): string {
  const atomic = /^\s*BEGIN\s+ATOMIC\b([\s\S]*)\bEND\s*$/i.exec(body)
  if (atomic !== null) return atomic[1]!
  return body.replace(/^\s*RETURN\b/i, 'SELECT ')
}

/** A generated column's value, made of the other columns of its row. */
export function generatedColumn(
  scene: Scene,
  relation: CatalogueRelation,
  column: CatalogueColumn,
  columns: readonly Column[],
): Value {
  const key = `generated ${relation.oid} ${column.number} ${scene.session.join()}`
  const sql = `SELECT ${column.generated ?? 'NULL'}`
  const body = remembered(qualifiedScene(scene), key, sql, { ...NOTHING, columns })
  return (
    body?.columns?.[0] ?? {
      origins: [origin(relation.oid, 0)],
      proved: false,
      plain: false,
      row: null,
    }
  )
}

function remembered(
  scene: Scene,
  key: string,
  sql: string,
  sight: Sight = NOTHING,
): BodyFacts | null {
  const known = scene.memo.bodies.get(key)
  if (known !== undefined) return known
  // While it is being judged it is unknown: recursion ends here.
  scene.memo.bodies.set(key, null)
  try {
    const found = judged(scene, sql, sight)
    if (found !== null || scene.depth === 0) scene.memo.bodies.set(key, found)
    else scene.memo.bodies.delete(key)
    return found
  } catch (error) {
    scene.memo.bodies.delete(key)
    throw error
  }
}

function judged(scene: Scene, sql: string, sight: Sight): BodyFacts | null {
  if (scene.parse === null || reader === null || scene.depth >= MAX_DEPTH) return null
  spend(scene.budget, sql.length >> 3)
  const statements = parsed(scene.parse, sql)
  if (statements === null) return null
  const gathering = new Gathering({ ...scene, depth: scene.depth + 1 })
  let columns: readonly Column[] | null = []
  for (const statement of statements) {
    reader.effects(gathering, statement)
    columns = reader.columns(gathering, statement, sight)
  }
  if (gathering.refusal !== null) gathering.add({ class: 'write', why: gathering.refusal.message })
  const { tables, why } = gathering
  return {
    class: graver('read', gathering.class),
    why,
    tables,
    columns,
    reach: reachOf(gathering),
    fails: gathering.fails,
  }
}

function reachOf({ reach, functions }: Gathering): Reach {
  for (const name of functions.keys()) reach.callsWithin.add(name)
  return reach.finish()
}

/** null = no parse: what cannot be read is not known. */
function parsed(parse: NonNullable<Scene['parse']>, sql: string): Node[] | null {
  try {
    const tree = parse(sql)
    if (!isTree(tree)) return null
    return list(tree, 'stmts').flatMap((raw) => statementOf(raw) ?? [])
  } catch (error) {
    if (error instanceof RangeError) throw error
    return null
  }
}

function statementOf(raw: unknown): Node | null {
  if (!isTree(raw)) return null
  return node(child(raw, 'stmt') ?? as(raw, 'RawStmt')?.['stmt'])
}
