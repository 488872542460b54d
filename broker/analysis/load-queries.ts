/** The questions to pg_catalog behind load.ts, good from PostgreSQL 13 on. */

/**
 * FirstNormalObjectId (access/transam.h): what initdb made is below, and what a superuser made in
 * single-user mode. Below FirstUnpinnedObjectId there is nothing but PostgreSQL's own.
 */
export const FIRST_NORMAL = 16384
export const FIRST_UNPINNED = 12000

/** With it every name in a definition comes qualified, whatever the role's own search_path says. */
export const PREPARE = 'SET search_path TO pg_catalog; SET quote_all_identifiers TO off'

export const SELF = `SELECT json_build_object(
  'server', current_setting('server_version_num')::int,
  'database', current_database(), 'user', current_user)`

export const RELATIONS = `SELECT json_build_object(
  'oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
  'type', c.reltype::int8,
  'columns', (
    SELECT json_agg(json_build_object(
        'number', a.attnum, 'name', a.attname, 'type', a.atttypid::int8,
        'generated', CASE WHEN a.attgenerated <> '' THEN (
          SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
          WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END) ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
  'policies', (
    SELECT json_agg(pg_get_expr(p.polqual, p.polrelid)) FROM pg_policy p
    WHERE p.polrelid = c.oid AND p.polqual IS NOT NULL AND c.relrowsecurity),
  'parents', (SELECT json_agg(i.inhparent::int8) FROM pg_inherits i WHERE i.inhrelid = c.oid),
  'wrapper', (
    SELECT w.fdwname FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
    JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE f.ftrelid = c.oid),
  'owner', (
    SELECT o.oid::int8 FROM pg_class o WHERE c.relkind = 't' AND o.reltoastrelid = c.oid LIMIT 1))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c', 't')`

/** What rules (other than those that make views) name, and tables that foreign keys change. */
export const TOUCHES = `SELECT json_build_array(t.of::int8, json_agg(DISTINCT t.other::int8))
FROM (
  SELECT w.ev_class AS of, d.refobjid AS other
  FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  WHERE w.ev_type <> '1' AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> w.ev_class
  UNION ALL
  SELECT k.confrelid, k.conrelid FROM pg_constraint k
  WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
) t GROUP BY t.of`

/** prosqlbody came with PostgreSQL 14. */
export function functionsQuery(server: number): string {
  const source =
    server >= 140000 ? 'coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)' : 'p.prosrc'
  return `SELECT json_build_object(
    'oid', p.oid::int8, 'schema', n.nspname, 'name', p.proname, 'kind', p.prokind,
    'volatility', p.provolatile, 'arguments', p.pronargs, 'defaults', p.pronargdefaults,
    'variadic', p.provariadic <> 0, 'returnsSet', p.proretset, 'result', p.prorettype::int8,
    'language', l.lanname,
    'extension', (
      SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        AND d.refclassid = 'pg_extension'::regclass LIMIT 1),
    'argumentTypes', p.proargtypes::oid[]::int8[], 'allTypes', p.proallargtypes::int8[],
    'modes', p.proargmodes, 'names', p.proargnames,
    'body', CASE WHEN l.lanname IN ('sql', 'internal') AND p.oid >= ${FIRST_UNPINNED} THEN ${source} END,
    'presets', CASE WHEN p.pronargdefaults > 0 AND p.oid >= ${FIRST_UNPINNED}
      THEN pg_get_expr(p.proargdefaults, 0) END,
    'sets', p.proconfig IS NOT NULL)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang`
}

export const TYPES = `SELECT json_build_object(
  'oid', t.oid::int8, 'schema', n.nspname, 'name', t.typname, 'kind', t.typtype,
  'relation', t.typrelid::int8,
  'element', coalesce(nullif(t.typelem, 0), nullif(t.typbasetype, 0), (
    SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid), (
    SELECT r.rngtypid FROM pg_range r
    WHERE t.typtype = 'm' AND to_jsonb(r)->>'rngmultitypid' = t.oid::text), 0)::int8,
  'runs', (
    SELECT json_agg(f.oid::int8) FROM pg_range r CROSS JOIN LATERAL (
      SELECT r.rngcanonical::oid AS oid
      UNION SELECT p.amproc::oid FROM pg_opclass o JOIN pg_amproc p ON p.amprocfamily = o.opcfamily
      WHERE o.oid = r.rngsubopc) f
    WHERE r.rngtypid = t.oid AND f.oid >= ${FIRST_UNPINNED}),
  'checks', (
    SELECT json_agg(pg_get_expr(k.conbin, 0)) FROM pg_constraint k
    WHERE k.contypid = t.oid AND k.conbin IS NOT NULL))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace`

export const BUILTIN_OPERATORS = `SELECT json_agg(DISTINCT oprname) FROM pg_operator
WHERE oid < ${FIRST_UNPINNED}`

export const OPERATORS = `SELECT json_build_object(
  'schema', n.nspname, 'name', o.oprname, 'left', o.oprleft::int8, 'right', o.oprright::int8,
  'function', o.oprcode::oid::int8)
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE o.oid >= ${FIRST_UNPINNED} AND o.oprcode <> 0`

export const CASTS = `SELECT json_build_object(
  'source', castsource::int8, 'target', casttarget::int8, 'function', castfunc::int8,
  'context', castcontext)
FROM pg_cast WHERE oid >= ${FIRST_UNPINNED} AND castfunc <> 0`

const CATALOGUES = ['class', 'proc', 'type', 'operator', 'cast', 'rewrite', 'policy', 'constraint']

/** Number of rows and the sum of a hash over (OID, xmin) of each: xmin alone wraps around. */
export const FINGERPRINT = `SELECT pg_catalog.md5(pg_catalog.string_agg(f::text, ';' ORDER BY name))
FROM (${CATALOGUES.map(
  (name) => `SELECT '${name}' AS name, pg_catalog.count(*),
  pg_catalog.sum(pg_catalog.hashint8(oid::int8 * 31 + xmin::text::int8)::numeric)
  FROM pg_catalog.pg_${name} WHERE oid >= ${FIRST_UNPINNED}`,
).join(' UNION ALL ')}) f`
