/**
 * Reads the catalogue of a target. Each query returns one JSON array for each row, so that no type
 * needs decoding; the column orders are those of the functions below them.
 */
import {
  buildCatalogue,
  type Catalogue,
  type CatalogueCast,
  type CatalogueFunction,
  type CatalogueOperator,
  type CatalogueRelation,
  type CatalogueType,
} from '../../protocol/pg/catalogue.ts'
import type { Ask } from './query.ts'

/** FirstNormalObjectId (access/transam.h): below it is what initdb made. */
const FIRST_NORMAL = 16384

/** All names come qualified, whatever the role's own search_path says. */
const PREPARE = `SET search_path TO pg_catalog; SET quote_all_identifiers TO off`

const SELF = `SELECT pg_catalog.json_build_array(
  current_setting('server_version_num')::int, current_database(), current_user)`

const RELATIONS = `SELECT json_build_array(c.oid::int8, n.nspname, c.relname, c.relkind, c.reltype::int8,
  (SELECT json_agg(json_build_array(a.attnum, a.attname, a.atttypid::int8,
      CASE WHEN a.attgenerated <> '' THEN
        (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
         WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END) ORDER BY a.attnum)
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
  (SELECT json_agg(pg_get_expr(p.polqual, p.polrelid)) FROM pg_policy p
   WHERE p.polrelid = c.oid AND p.polqual IS NOT NULL AND c.relrowsecurity),
  (SELECT json_agg(i.inhparent::int8) FROM pg_inherits i WHERE i.inhrelid = c.oid),
  (SELECT w.fdwname FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
   JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE f.ftrelid = c.oid),
  (SELECT o.oid::int8 FROM pg_class o WHERE c.relkind = 't' AND o.reltoastrelid = c.oid LIMIT 1))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c', 't')`

type RelationRow = [
  number,
  string,
  string,
  string,
  number,
  [number, string, number, string | null][] | null,
  string | null,
  string[] | null,
  number[] | null,
  string | null,
  number | null,
]

const KINDS: Readonly<Record<string, CatalogueRelation['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized',
  f: 'foreign',
  S: 'sequence',
  c: 'composite',
  t: 'toast',
}

function relation(row: RelationRow): CatalogueRelation {
  const [oid, schema, name, kind, type, columns, definition, policies, parents, wrapper, owner] =
    row
  return {
    oid,
    schema,
    name,
    kind: KINDS[kind] ?? 'table',
    builtin: oid < FIRST_NORMAL,
    type,
    columns: (columns ?? []).map(([number, column, columnType, generated]) =>
      generated === null
        ? { number, name: column, type: columnType }
        : { number, name: column, type: columnType, generated },
    ),
    definition,
    policies: policies ?? [],
    parents: parents ?? [],
    wrapper,
    owner,
  }
}

/** prosqlbody came with PostgreSQL 14. */
function functionsQuery(server: number): string {
  const source =
    server >= 140000 ? 'coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)' : 'p.prosrc'
  return `SELECT json_build_array(p.oid::int8, n.nspname, p.proname, p.prokind, p.provolatile,
    p.pronargs, p.pronargdefaults, p.provariadic <> 0, p.proretset, p.prorettype::int8, l.lanname,
    (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
     WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
       AND d.refclassid = 'pg_extension'::regclass LIMIT 1),
    p.proargtypes::oid[]::int8[], p.proallargtypes::int8[], p.proargmodes, p.proargnames,
    p.proconfig IS NOT NULL,
    CASE WHEN l.lanname = 'sql' AND p.oid >= ${FIRST_NORMAL} THEN ${source} END)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang`
}

type FunctionRow = [
  number,
  string,
  string,
  string,
  string,
  number,
  number,
  boolean,
  boolean,
  number,
  string,
  string | null,
  number[],
  number[] | null,
  string[] | null,
  string[] | null,
  boolean,
  string | null,
]

const FUNCTION_KINDS: Readonly<Record<string, CatalogueFunction['kind']>> = {
  f: 'function',
  a: 'aggregate',
  w: 'window',
  p: 'procedure',
}
const VOLATILITIES: Readonly<Record<string, CatalogueFunction['volatility']>> = {
  i: 'immutable',
  s: 'stable',
}

function functionOf(row: FunctionRow): CatalogueFunction {
  const [oid, schema, name, kind, volatility, count, defaults, variadic, returnsSet, result] = row
  const [language, extension, argumentTypes, allTypes, modes, names, sets, body] = row.slice(
    10,
  ) as [
    string,
    string | null,
    number[],
    number[] | null,
    string[] | null,
    string[] | null,
    boolean,
    string | null,
  ]
  return {
    oid,
    schema,
    name,
    kind: FUNCTION_KINDS[kind] ?? 'procedure',
    volatility: VOLATILITIES[volatility] ?? 'volatile',
    builtin: oid < FIRST_NORMAL,
    extension,
    language,
    arguments: count,
    defaults,
    variadic,
    returnsSet,
    result,
    columns: outColumns(allTypes, modes, names),
    argumentTypes,
    argumentNames: (names ?? []).filter((_, index) => isInput(modes?.[index])),
    body,
    sets,
  }
}

function isInput(mode: string | undefined): boolean {
  return mode === undefined || mode === 'i' || mode === 'b' || mode === 'v'
}

function outColumns(
  types: number[] | null,
  modes: string[] | null,
  names: string[] | null,
): CatalogueFunction['columns'] {
  if (types === null || modes === null) return []
  return types.flatMap((type, index) =>
    ['o', 'b', 't'].includes(modes[index] ?? '')
      ? [{ number: index + 1, name: names?.[index] ?? '', type }]
      : [],
  )
}

const TYPES = `SELECT json_build_array(t.oid::int8, n.nspname, t.typname, t.typtype, t.typrelid::int8,
  coalesce(nullif(t.typelem, 0), nullif(t.typbasetype, 0),
    (SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid), 0)::int8,
  (SELECT json_agg(pg_get_expr(k.conbin, 0)) FROM pg_constraint k
   WHERE k.contypid = t.oid AND k.conbin IS NOT NULL))
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace`

type TypeRow = [number, string, string, string, number, number, string[] | null]

const TYPE_KINDS: Readonly<Record<string, CatalogueType['kind']>> = {
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  p: 'pseudo',
  r: 'range',
  m: 'multirange',
}

function typeOf([oid, schema, name, kind, rel, element, checks]: TypeRow): CatalogueType {
  return {
    oid,
    schema,
    name,
    kind: TYPE_KINDS[kind] ?? 'base',
    relation: rel,
    element,
    checks: checks ?? [],
  }
}

const BUILTIN_OPERATORS = `SELECT json_agg(DISTINCT oprname) FROM pg_operator WHERE oid < ${FIRST_NORMAL}`

const OPERATORS = `SELECT json_build_array(n.nspname, o.oprname, o.oprleft::int8, o.oprright::int8,
  o.oprcode::oid::int8) FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
  WHERE o.oid >= ${FIRST_NORMAL}`

function operator(row: [string, string, number, number, number]): CatalogueOperator {
  const [schema, name, left, right, fn] = row
  return { schema, name, left, right, function: fn }
}

const CASTS = `SELECT json_build_array(castsource::int8, casttarget::int8, castfunc::int8, castcontext)
  FROM pg_cast WHERE oid >= ${FIRST_NORMAL} AND castfunc <> 0`

const CONTEXTS: Readonly<Record<string, CatalogueCast['context']>> = {
  e: 'explicit',
  a: 'assignment',
}

function cast([source, target, fn, context]: [number, number, number, string]): CatalogueCast {
  return { source, target, function: fn, context: CONTEXTS[context] ?? 'implicit' }
}

/**
 * Changes with every DDL in the database: a count and the newest row of each catalogue that is read
 * here. xmin wraps around, so it is summed as a hash, not compared.
 */
const FINGERPRINT = ['class', 'proc', 'type', 'operator', 'cast', 'rewrite', 'policy', 'constraint']
  .map(
    (
      name,
    ) => `SELECT '${name}' AS t, count(*), sum(hashint8(oid::int8 * 31 + xmin::text::int8)::numeric)
      FROM pg_catalog.pg_${name} WHERE oid >= ${FIRST_NORMAL}`,
  )
  .join(' UNION ALL ')

export async function fingerprint(ask: Ask): Promise<string> {
  const rows = await ask(
    `SELECT pg_catalog.md5(pg_catalog.string_agg(f::text, ';' ORDER BY t)) FROM (${FINGERPRINT}) f`,
  )
  return rows[0] ?? ''
}

/** `version` numbers this state. All queries see one moment of the catalogue. */
export async function loadCatalogue(ask: Ask, version: number): Promise<Catalogue> {
  await ask(PREPARE)
  await ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const [server, database, user] = JSON.parse((await ask(SELF))[0]!) as [number, string, string]
  const rows = async <T>(sql: string): Promise<T[]> =>
    (await ask(sql)).map((row) => JSON.parse(row) as T)
  const catalogue = buildCatalogue({
    version,
    server,
    database,
    user,
    relations: (await rows<RelationRow>(RELATIONS)).map(relation),
    functions: (await rows<FunctionRow>(functionsQuery(server))).map(functionOf),
    types: (await rows<TypeRow>(TYPES)).map(typeOf),
    builtinOperators: new Set((await rows<string[]>(BUILTIN_OPERATORS)).flat()),
    operators: (await rows<[string, string, number, number, number]>(OPERATORS)).map(operator),
    casts: (await rows<[number, number, number, string]>(CASTS)).map(cast),
  })
  await ask('COMMIT')
  return catalogue
}
