/**
 * Reads the catalogue of a target. Each query returns one JSON object for each row, whose fields
 * are those of the types here, so that nothing needs decoding.
 */
import {
  buildCatalogue,
  type Catalogue,
  type CatalogueCast,
  type CatalogueColumn,
  type CatalogueFunction,
  type CatalogueOperator,
  type CatalogueRelation,
  type CatalogueType,
} from '../../protocol/pg/catalogue.ts'
import {
  BUILTIN_OPERATORS,
  CASTS,
  FINGERPRINT,
  FIRST_NORMAL,
  FIRST_UNPINNED,
  functionsQuery,
  OPERATORS,
  PREPARE,
  RELATIONS,
  SELF,
  TOUCHES,
  TYPES,
} from './load-queries.ts'
import type { Ask } from './query.ts'

/** null where SQL has no row to aggregate. */
type Nullable<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]: T[P] | null }

interface RelationRow
  extends Nullable<
    Omit<CatalogueRelation, 'kind' | 'builtin' | 'columns' | 'touches'>,
    'policies' | 'parents'
  > {
  readonly kind: string
  readonly columns: readonly ColumnRow[] | null
}

interface ColumnRow extends Omit<CatalogueColumn, 'generated'> {
  readonly generated: string | null
}

/** The schemas that initdb fills; it makes nothing elsewhere. */
const INITDB_SCHEMAS: ReadonlySet<string> = new Set([
  'pg_catalog',
  'information_schema',
  'pg_toast',
])

export function isBuiltin({
  oid,
  schema,
}: {
  readonly oid: number
  readonly schema: string
}): boolean {
  return oid < FIRST_UNPINNED || (oid < FIRST_NORMAL && INITDB_SCHEMAS.has(schema))
}

const RELATION_KINDS: Readonly<Record<string, CatalogueRelation['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized',
  f: 'foreign',
  S: 'sequence',
  c: 'composite',
  t: 'toast',
}

function relationOf(row: RelationRow, touches: ReadonlyMap<number, number[]>): CatalogueRelation {
  return {
    ...row,
    kind: RELATION_KINDS[row.kind] ?? 'table',
    builtin: isBuiltin(row),
    columns: (row.columns ?? []).map(columnOf),
    policies: row.policies ?? [],
    parents: row.parents ?? [],
    touches: touches.get(row.oid) ?? [],
  }
}

function columnOf({ number, name, type, generated }: ColumnRow): CatalogueColumn {
  return generated === null ? { number, name, type } : { number, name, type, generated }
}

interface FunctionRow
  extends Omit<CatalogueFunction, 'kind' | 'volatility' | 'builtin' | 'columns' | 'argumentNames'> {
  readonly kind: string
  readonly volatility: string
  readonly allTypes: readonly number[] | null
  readonly modes: readonly string[] | null
  readonly names: readonly string[] | null
}

const FUNCTION_KINDS: Readonly<Record<string, CatalogueFunction['kind']>> = {
  f: 'function',
  a: 'aggregate',
  w: 'window',
}
const VOLATILITIES: Readonly<Record<string, CatalogueFunction['volatility']>> = {
  i: 'immutable',
  s: 'stable',
}

function functionOf({ allTypes, modes, names, ...row }: FunctionRow): CatalogueFunction {
  const isInput = (index: number): boolean => ['i', 'b', 'v'].includes(modes?.[index] ?? 'i')
  const isOutput = (index: number): boolean => ['o', 'b', 't'].includes(modes?.[index] ?? 'i')
  return {
    ...row,
    kind: FUNCTION_KINDS[row.kind] ?? 'procedure',
    volatility: VOLATILITIES[row.volatility] ?? 'volatile',
    builtin: isBuiltin(row),
    columns: (allTypes ?? []).flatMap((type, index) =>
      isOutput(index) ? [{ number: index + 1, name: names?.[index] ?? '', type }] : [],
    ),
    argumentNames: (names ?? []).filter((_, index) => isInput(index)),
  }
}

interface TypeRow extends Nullable<Omit<CatalogueType, 'kind'>, 'checks' | 'runs'> {
  readonly kind: string
}

const TYPE_KINDS: Readonly<Record<string, CatalogueType['kind']>> = {
  c: 'composite',
  d: 'domain',
  e: 'enum',
  p: 'pseudo',
  r: 'range',
  m: 'multirange',
}

function typeOf(row: TypeRow): CatalogueType {
  const { checks, runs } = row
  return { ...row, kind: TYPE_KINDS[row.kind] ?? 'base', checks: checks ?? [], runs: runs ?? [] }
}

interface CastRow extends Omit<CatalogueCast, 'context'> {
  readonly context: string
}

const CONTEXTS: Readonly<Record<string, CatalogueCast['context']>> = {
  e: 'explicit',
  a: 'assignment',
}

function castOf(row: CastRow): CatalogueCast {
  return { ...row, context: CONTEXTS[row.context] ?? 'implicit' }
}

/** Another one after every DDL in the database. */
export async function fingerprint(ask: Ask): Promise<string> {
  const [print] = await ask(FINGERPRINT)
  return print ?? ''
}

/** `version` numbers this state. All queries see one moment of the catalogue. */
export async function loadCatalogue(ask: Ask, version: number): Promise<Catalogue> {
  await ask(PREPARE)
  await ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  try {
    return await read(ask, version)
  } finally {
    await ask('ROLLBACK')
  }
}

async function read(ask: Ask, version: number): Promise<Catalogue> {
  const rows = async <T>(sql: string): Promise<T[]> =>
    (await ask(sql)).map((row) => JSON.parse(row) as T)
  const [self] = await rows<Pick<Catalogue, 'server' | 'database' | 'user'>>(SELF)
  if (self === undefined) throw new Error('the target does not say what it is')
  return buildCatalogue({
    ...self,
    version,
    builtinOperators: new Set((await rows<string[]>(BUILTIN_OPERATORS)).flat()),
    ...objectsOf({
      touches: await rows<[number, number[]]>(TOUCHES),
      relations: await rows<RelationRow>(RELATIONS),
      functions: await rows<FunctionRow>(functionsQuery(self.server)),
      types: await rows<TypeRow>(TYPES),
      operators: await rows<CatalogueOperator>(OPERATORS),
      casts: await rows<CastRow>(CASTS),
    }),
  })
}

/** Rows of the catalogue, as the queries tell them. */
export interface ObjectRows {
  readonly touches: readonly (readonly [number, number[]])[]
  readonly relations: readonly RelationRow[]
  readonly functions: readonly FunctionRow[]
  readonly types: readonly TypeRow[]
  readonly operators: readonly CatalogueOperator[]
  readonly casts: readonly CastRow[]
}

export function objectsOf(rows: ObjectRows) {
  const touches = new Map(rows.touches)
  return {
    relations: rows.relations.map((row) => relationOf(row, touches)),
    functions: rows.functions.map(functionOf),
    types: rows.types.map(typeOf),
    operators: rows.operators,
    casts: rows.casts.map(castOf),
  }
}
