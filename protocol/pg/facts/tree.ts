/**
 * Looking at a parse tree of libpg-query as JSON: a node is an object with one key, its type
 * (`{ "SelectStmt": { … } }`); structs that need no tag stand without it (`relation`, `typeName`).
 * Absent means the default of the field: null, 0, false, the empty list.
 */

export type Tree = { readonly [field: string]: unknown }

export interface Node {
  readonly type: string
  readonly body: Tree
}

const EMPTY: readonly unknown[] = []
const NOTHING: Tree = {}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The node in a wrapper; null if the value is none. */
export function node(value: unknown): Node | null {
  if (!isTree(value)) return null
  for (const type in value) {
    const body = value[type]
    return isTag(type) ? { type, body: isTree(body) ? body : NOTHING } : null
  }
  return null
}

/** Node types begin with a capital letter, fields do not. */
export function isTag(key: string): boolean {
  const first = key.charCodeAt(0)
  return first >= 65 && first <= 90
}

export function list(tree: Tree, field: string): readonly unknown[] {
  const value = tree[field]
  return Array.isArray(value) ? value : EMPTY
}

export function child(tree: Tree, field: string): Tree | null {
  const value = tree[field]
  return isTree(value) ? value : null
}

export function text(tree: Tree, field: string): string {
  const value = tree[field]
  return typeof value === 'string' ? value : ''
}

export function flag(tree: Tree, field: string): boolean {
  return tree[field] === true
}

export function number(tree: Tree, field: string): number {
  const value = tree[field]
  return typeof value === 'number' ? value : 0
}

/** The strings of a list of String nodes: a qualified name. Other nodes give null. */
export function strings(values: readonly unknown[]): string[] | null {
  const out: string[] = []
  for (const value of values) {
    const found = node(value)
    if (found?.type !== 'String') return null
    out.push(text(found.body, 'sval'))
  }
  return out
}

/** The body of a node of this type; null if it is another. */
export function as(value: unknown, type: string): Tree | null {
  const found = node(value)
  return found?.type === type ? found.body : null
}

/**
 * A constant as PostgreSQL's own text of it: of literals, casts of literals to text-like types, and
 * `||` of such. undefined = not a constant that is known here; null = NULL.
 */
export function constant(value: unknown): string | null | undefined {
  const found = node(value)
  if (found === null) return undefined
  const { type, body } = found
  if (type === 'A_Const') return literal(body)
  if (type === 'TypeCast')
    return isTextType(child(body, 'typeName')) ? constant(body['arg']) : undefined
  if (type === 'A_Expr') return concatenation(body)
  if (type === 'NamedArgExpr') return constant(body['arg'])
  return undefined
}

function concatenation(body: Tree): string | undefined {
  const name = strings(list(body, 'name'))
  if (text(body, 'kind') !== 'AEXPR_OP' || name?.length !== 1 || name[0] !== '||') return undefined
  const left = constant(body['lexpr'])
  const right = constant(body['rexpr'])
  return typeof left === 'string' && typeof right === 'string' ? left + right : undefined
}

export function literal(body: Tree): string | null | undefined {
  if (flag(body, 'isnull')) return null
  const { sval, ival, fval, boolval, bsval } = body as Record<string, Tree | undefined>
  if (sval !== undefined) return text(sval, 'sval')
  if (ival !== undefined) return String(number(ival, 'ival'))
  if (fval !== undefined) return text(fval, 'fval')
  if (boolval !== undefined) return flag(boolval, 'boolval') ? 'true' : 'false'
  if (bsval !== undefined) return undefined
  return undefined
}

const TEXT_TYPES = new Set(['text', 'varchar', 'bpchar', 'name', 'bool', 'regclass', 'unknown'])

function isTextType(type: Tree | null): boolean {
  if (type === null || list(type, 'arrayBounds').length > 0 || list(type, 'typmods').length > 0) {
    return false
  }
  const names = strings(list(type, 'names'))
  if (names === null || names.length > 2) return false
  if (names.length === 2 && names[0] !== 'pg_catalog') return false
  return TEXT_TYPES.has(names.at(-1) ?? '')
}
