/** What lineage computes with: values, columns, and the names that are in sight. */
import { ANYTHING, NO_ORIGINS, type Origins, sameOrigins, uniteAll } from './origins.ts'

/** What one value is made of. */
export interface Value {
  readonly origins: Origins
  readonly proved: boolean
  /** One column as it is. */
  readonly plain: boolean
  /** Of composite values, where known: their columns. */
  readonly row: readonly Column[] | null
  /** Surely no composite, and no array of composites. */
  readonly scalar?: boolean
  /** OID in pg_type, where it is known. */
  readonly type?: number
  /** Something on the way to it may fail. */
  readonly fails?: true
}

export interface Column extends Value {
  readonly name: string
}

export const CONSTANT: Value = {
  origins: NO_ORIGINS,
  proved: true,
  plain: false,
  row: null,
  scalar: true,
}
export const UNPROVED: Value = { origins: NO_ORIGINS, proved: false, plain: false, row: null }
/** It may be any value of the database, whatever the statement names. */
export const OPAQUE_VALUE: Value = { origins: ANYTHING, proved: false, plain: false, row: null }

/** A value that is computed from these. */
export function combine(values: readonly Value[]): Value {
  const origins = uniteAll(values.map((value) => value.origins))
  const proved = values.every((value) => value.proved)
  const made = { origins, proved, plain: false, row: null }
  return values.some((value) => value.fails === true) ? { ...made, fails: true } : made
}

/** One or the other of two values: rows of set operations, several columns of a name. */
export function either(left: Value, right: Value): Value {
  const plain = left.plain && right.plain && sameOrigins(left.origins, right.origins)
  const row = left.row === right.row ? left.row : null
  const both = { ...combine([left, right]), plain, row }
  return left.type !== undefined && left.type === right.type ? { ...both, type: left.type } : both
}

export function named(name: string, value: Value): Column {
  return { ...value, name }
}

/** All columns as one composite value. */
export function rowOf(columns: readonly Column[]): Value {
  return { ...combine(columns), row: columns }
}

/** Something that a query can name: a table, an alias, a function in FROM. */
export interface Range {
  readonly name: string
  /** Of relations without an alias; '' = the name alone is good. */
  readonly schema: string
  readonly columns: readonly Column[] | null
  /** Columns that are not known one by one have this value. */
  readonly rest: Value
  /** It is a relation: it has ctid, xmin and the others. */
  readonly relation: boolean
}

/** One item of FROM, joins included. */
export interface FromItem {
  readonly ranges: readonly Range[]
  /** What a name without a table can mean, and what `*` is, in order. */
  readonly columns: readonly Column[]
  /** Not all columns are known by name: the others have this value. null = all are known. */
  readonly rest: Value | null
}

export interface Scope {
  readonly parent: Scope | null
  readonly items: FromItem[]
  readonly ctes: Map<string, readonly Column[] | null>
  /** Named windows: what they sort and group by. */
  readonly windows: Map<string, Value>
  /** Of the body of a function: its parameters, and their types where they are known. */
  readonly parameters: ReadonlyMap<string, number | undefined>
  /** Around the query of ARRAY(…): what says how many rows it has, which only the array shows. */
  readonly gathered?: Value[]
}

export const NO_PARAMETERS: ReadonlyMap<string, number | undefined> = new Map()

export function innerScope(parent: Scope | null): Scope {
  return { parent, items: [], ctes: new Map(), windows: new Map(), parameters: NO_PARAMETERS }
}

export interface Rows {
  readonly columns: readonly Column[] | null
  /** What decides which rows come, or in which order. */
  readonly decided: Value
}
