/**
 * What a target says of itself, as plain data: it is read by `broker/analysis/load.ts` from
 * pg_catalog, copied to the parser's worker, and only looked at here. Names are exact (PostgreSQL
 * folds case in its lexer, before names get here).
 */

/** A function, aggregate, window function or procedure: one row of pg_proc. */
export interface CatalogueFunction {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: 'function' | 'aggregate' | 'window' | 'procedure'
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  /** Made by initdb: its OID is below FirstNormalObjectId (16384), its schema one of PostgreSQL's. */
  readonly builtin: boolean
  readonly extension: string | null
  readonly language: string
  readonly arguments: number
  readonly defaults: number
  readonly variadic: boolean
  readonly returnsSet: boolean
  /** OID in pg_type. */
  readonly result: number
  /** Names and types of OUT, INOUT and TABLE columns, in order; empty = the result itself. */
  readonly columns: readonly CatalogueColumn[]
  /** OIDs in pg_type of the input arguments. */
  readonly argumentTypes: readonly number[]
  readonly argumentNames: readonly string[]
  /** Source of a function in SQL, or name of one in C, that is no built-in; else null. */
  readonly body: string | null
  /** Default values of its parameters as SQL, where a user made it and it has some; else null. */
  readonly presets: string | null
  /** It has SET clauses: it moves settings while it runs. */
  readonly sets: boolean
}

export interface CatalogueColumn {
  /** attnum; for columns of functions the position from 1. */
  readonly number: number
  readonly name: string
  /** OID in pg_type. */
  readonly type: number
  /** The expression of a generated column, which says what it is made of; else null. */
  readonly generated?: string
}

/** One row of pg_class that a statement can name. */
export interface CatalogueRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind:
    | 'table'
    | 'partitioned'
    | 'view'
    | 'materialized'
    | 'foreign'
    | 'sequence'
    | 'composite'
    | 'toast'
  readonly builtin: boolean
  /** OID of its row type. */
  readonly type: number
  readonly columns: readonly CatalogueColumn[]
  /** Of views and materialized views: the SELECT behind it, every name qualified. */
  readonly definition: string | null
  /** Of tables with row security: expressions of its policies, which run at every read. */
  readonly policies: readonly string[]
  /** OIDs of the tables that it inherits from or is a partition of. */
  readonly parents: readonly number[]
  /** OIDs of what is written with it: by a rule, or by the action of a foreign key that points here. */
  readonly touches: readonly number[]
  /** Of foreign tables: the wrapper's name; of TOAST tables null. */
  readonly wrapper: string | null
  /** Of TOAST tables: the OID of the table whose values it keeps. */
  readonly owner: number | null
}

export interface CatalogueType {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: 'base' | 'composite' | 'domain' | 'enum' | 'pseudo' | 'range' | 'multirange'
  /** Of composites: OID in pg_class; else 0. */
  readonly relation: number
  /** Of arrays, domains, ranges: the type that they are made of; else 0. */
  readonly element: number
  /** Of domains: CHECK expressions over VALUE. */
  readonly checks: readonly string[]
  /** Of ranges: OIDs in pg_proc of what users wrote to compare their bounds and to normalise them. */
  readonly runs: readonly number[]
}

/** An operator that initdb did not make. */
export interface CatalogueOperator {
  readonly schema: string
  readonly name: string
  readonly left: number
  readonly right: number
  /** OID in pg_proc. */
  readonly function: number
}

/** A cast by a function that initdb did not make. */
export interface CatalogueCast {
  readonly source: number
  readonly target: number
  /** OID in pg_proc. */
  readonly function: number
  readonly context: 'explicit' | 'assignment' | 'implicit'
}

export interface Catalogue {
  /** Another one for each state that was read. */
  readonly version: number
  /** `server_version_num`: 150018. */
  readonly server: number
  readonly database: string
  /** The role of the connection: what `"$user"` in search_path stands for. */
  readonly user: string
  readonly relations: ReadonlyMap<number, CatalogueRelation>
  readonly functions: ReadonlyMap<number, CatalogueFunction>
  readonly types: ReadonlyMap<number, CatalogueType>
  /** Names of operators that initdb made. */
  readonly builtinOperators: ReadonlySet<string>
  readonly operators: readonly CatalogueOperator[]
  readonly casts: readonly CatalogueCast[]
  readonly relationsByName: ReadonlyMap<string, readonly number[]>
  readonly functionsByName: ReadonlyMap<string, readonly number[]>
  readonly typesByName: ReadonlyMap<string, readonly number[]>
}

export type CatalogueRows = Pick<
  Catalogue,
  'version' | 'server' | 'database' | 'user' | 'builtinOperators' | 'operators' | 'casts'
> & {
  readonly relations: readonly CatalogueRelation[]
  readonly functions: readonly CatalogueFunction[]
  readonly types: readonly CatalogueType[]
}

/** Builds the look-up tables over the rows. */
export function buildCatalogue(rows: CatalogueRows): Catalogue {
  return {
    ...rows,
    relations: byOid(rows.relations),
    functions: byOid(rows.functions),
    types: byOid(rows.types),
    relationsByName: byName(rows.relations),
    functionsByName: byName(rows.functions),
    typesByName: byName(rows.types),
  }
}

/** A catalogue that knows nothing: with it everything that needs a name is unknown. */
export function emptyCatalogue(): Catalogue {
  return buildCatalogue({
    version: 0,
    server: 0,
    database: '',
    user: '',
    builtinOperators: new Set(),
    operators: [],
    casts: [],
    relations: [],
    functions: [],
    types: [],
  })
}

/** The schema of temporary objects of some session: `pg_temp_3`. */
export function isTemporary(schema: string): boolean {
  return schema.startsWith('pg_temp_') || schema.startsWith('pg_toast_temp_')
}

function byOid<T extends { oid: number }>(rows: readonly T[]): Map<number, T> {
  return new Map(rows.map((row) => [row.oid, row]))
}

function byName(rows: readonly { oid: number; name: string }[]): Map<string, number[]> {
  const map = new Map<string, number[]>()
  for (const { oid, name } of rows) {
    const known = map.get(name)
    if (known === undefined) map.set(name, [oid])
    else known.push(oid)
  }
  return map
}
