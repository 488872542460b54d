/** Relations and functions that a utility names, wherever in its tree: rules speak of them. */
import type { Gathering } from './context.ts'
import { usage } from './functions.ts'
import { findFunctions, findRelations, qualified } from './names.ts'
import { addTarget, addWritten } from './relations.ts'
import { as, isTree, list, strings, type Tree, text } from './tree.ts'

export function nameObjects(gathering: Gathering, body: Tree): void {
  gathering.reach.writesRows()
  walk(gathering, body)
  for (const object of [body['object'], ...list(body, 'objects')])
    nameObject(gathering, body, object)
  // What hangs on it goes as well, and the tree does not say what.
  if (text(body, 'behavior') === 'DROP_CASCADE') gathering.reach.opaque = true
}

function walk(gathering: Gathering, value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(gathering, item)
  } else if (isTree(value)) {
    if ('relname' in value) addTarget(gathering, value)
    if ('funcname' in value) nameFunctions(gathering, strings(list(value, 'funcname')) ?? [])
    for (const inner of Object.values(value)) walk(gathering, inner)
  }
}

function nameFunctions(gathering: Gathering, names: readonly string[]): void {
  for (const fn of findFunctions(gathering.scene, names)) {
    const name = qualified(fn)
    if (!gathering.functions.has(name)) gathering.functions.set(name, usage(fn, false))
  }
}

/** `DROP TABLE a.b`, `DROP TRIGGER t ON b`, `COMMENT ON COLUMN b.c`: a list of names. */
function nameObject(gathering: Gathering, body: Tree, object: unknown): void {
  const names = strings(list(as(object, 'List') ?? {}, 'items'))
  const kind = text(body, 'removeType') || text(body, 'objtype')
  if (kind === 'OBJECT_SCHEMA')
    return nameSchema(gathering, text(as(object, 'String') ?? {}, 'sval'))
  if (names === null || names.length === 0) return
  const isPart = PARTS.has(kind)
  const own = isPart ? names.slice(0, -1) : names
  if (!isPart && !RELATIONS.has(kind)) return
  const relname = own.at(-1) ?? ''
  addTarget(gathering, { relname, schemaname: own.at(-2) ?? '' })
  if (kind === 'OBJECT_INDEX' && findRelations(gathering.scene, '', relname).length === 0) {
    // Which table it is of, the catalogue does not say.
    gathering.reach.opaque = true
  }
}

function nameSchema(gathering: Gathering, schema: string): void {
  for (const relation of gathering.scene.catalogue.relations.values()) {
    if (relation.schema === schema) addWritten(gathering, relation)
  }
}

const RELATIONS: ReadonlySet<string> = new Set(
  ['TABLE', 'VIEW', 'MATVIEW', 'FOREIGN_TABLE', 'SEQUENCE', 'INDEX'].map((one) => `OBJECT_${one}`),
)
const PARTS: ReadonlySet<string> = new Set(
  ['TRIGGER', 'RULE', 'POLICY', 'COLUMN', 'TABCONSTRAINT'].map((one) => `OBJECT_${one}`),
)
