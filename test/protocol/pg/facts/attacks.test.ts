/** Ways to write, or to move the guard, that look like reading. None may pass. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Catalogue } from '../../../../protocol/pg/catalogue.ts'
import { loadParser, statements, Target } from './target.ts'

const WORLD = `
  CREATE TABLE log (msg text);
  CREATE FUNCTION bump() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO log VALUES ('x'); RETURN 1; END $$;
  CREATE FUNCTION harmless(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';
  CREATE FUNCTION wraps() RETURNS int LANGUAGE sql AS 'SELECT bump()';
  CREATE FUNCTION preset(a int DEFAULT bump()) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION sets() RETURNS int LANGUAGE sql SET default_transaction_read_only = off AS 'SELECT 1';
  CREATE FUNCTION of_row(log) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN bump(); END $$;
  CREATE FUNCTION eqi(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN bump() = 1; END $$;
  CREATE OPERATOR public.<=> (LEFTARG = int, RIGHTARG = int, FUNCTION = eqi);
  CREATE FUNCTION shadow.lower(varchar) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM public.bump(); RETURN ''; END $$;
  CREATE VIEW v_bump AS SELECT bump() AS b;
  CREATE VIEW v_over AS SELECT * FROM v_bump;
  CREATE TABLE guarded (id int);
  ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
  CREATE POLICY p ON guarded USING (public.bump() = id);
  CREATE DOMAIN sneaky AS int CHECK (public.bump() = VALUE);
  CREATE TYPE pair AS (a int, b sneaky);
  CREATE TYPE mark AS (a text);
  CREATE FUNCTION to_mark(text) RETURNS mark LANGUAGE plpgsql AS
    $$ BEGIN PERFORM public.bump(); RETURN ROW($1)::mark; END $$;
  CREATE FUNCTION takes_mark(mark) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE TABLE shadow.twice (b int);
  CREATE VIEW twice AS SELECT bump() AS b;
  CREATE AGGREGATE agg(int) (SFUNC = public.harmful, STYPE = int);
  CREATE FUNCTION takes_sneaky(sneaky) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION makes_sneaky() RETURNS sneaky LANGUAGE sql AS 'SELECT 1';
  CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi);
  CREATE TYPE sneaks AS RANGE (subtype = sneaky);
  CREATE FUNCTION cmp_loud(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN PERFORM public.bump(); RETURN $1 - $2; END $$;
  CREATE OPERATOR CLASS loud FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=,
    OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.cmp_loud(int, int);
  CREATE TYPE louds AS RANGE (subtype = int, subtype_opclass = loud);
  CREATE FUNCTION posing(float8, float8) RETURNS floats LANGUAGE internal SET work_mem = '1MB'
    AS 'range_constructor2';
`
const EARLY = `
  CREATE SCHEMA shadow;
  CREATE FUNCTION harmful(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
`

const HELD = [
  'SELECT bump()',
  'SELECT public.bump()',
  'SELECT wraps()',
  'SELECT preset()',
  'SELECT sets()',
  'SELECT harmless(bump())',
  'SELECT 1 WHERE bump() = 1',
  'SELECT 1 ORDER BY bump()',
  'SELECT 1 GROUP BY bump()',
  'SELECT 1 LIMIT bump()',
  'SELECT 1 OFFSET bump()',
  'SELECT 1 FETCH FIRST (bump()) ROWS ONLY',
  'SELECT count(*) FILTER (WHERE bump() = 1) FROM log',
  'SELECT sum(1) OVER (ORDER BY bump()) FROM log',
  'SELECT sum(1) OVER w FROM log WINDOW w AS (PARTITION BY bump())',
  'SELECT CASE WHEN true THEN bump() END',
  'SELECT ARRAY[bump()]',
  'SELECT ROW(bump())',
  'SELECT (ARRAY[1])[bump()]',
  'SELECT xmlelement(name a, bump())',
  'SELECT JSON_ARRAY(bump())',
  "SELECT JSON_VALUE('{}'::jsonb, '$.a' DEFAULT bump() ON EMPTY)",
  'SELECT * FROM log TABLESAMPLE bernoulli (bump())',
  'SELECT * FROM generate_series(1, bump())',
  'SELECT * FROM ROWS FROM (bump(), generate_series(1, 2))',
  'SELECT * FROM log JOIN log l ON bump() = 1',
  'SELECT 1 UNION SELECT bump()',
  'VALUES (bump())',
  'TABLE v_bump',
  'SELECT * FROM v_over',
  'SELECT * FROM guarded',
  'WITH x AS MATERIALIZED (SELECT bump()) SELECT 1',
  'SELECT l.of_row FROM log l',
  'SELECT (l).of_row FROM log l',
  'SELECT 1 <=> 2',
  'SELECT 1 OPERATOR(public.<=>) 2',
  'SELECT 1 <=> ANY (ARRAY[1])',
  'SELECT 1 <=> ANY (SELECT 2)',
  'SELECT * FROM log ORDER BY msg USING OPERATOR(public.<=>)',
  'SELECT 1::sneaky',
  "SELECT '(1,2)'::pair",
  "SELECT '{}'::pair[]",
  "SELECT json_populate_record(NULL::pair, '{}')",
  "SELECT * FROM json_to_record('{}') AS x(a sneaky)",
  "SELECT pg_input_is_valid('1', 'sneaky')",
  "SELECT domain_in('1', 'sneaky'::regtype, -1)",
  "SELECT record_in('(1,2)', 'pair'::regtype, -1)",
  "SELECT NULL::people #= 'a=>1'::hstore",
  'SELECT * FROM twice',
  'SELECT agg(1)',
  'SELECT (pg_backend_pid()).pg_terminate_backend',
  "SELECT table_to_xml('v_bump', true, false, '')",
  "SELECT query_to_xml('DELETE FROM log RETURNING 1', true, false, '')",
  "SELECT query_to_xml('SELECT ' || msg, true, false, '') FROM log",
  "SELECT ts_rewrite('a'::tsquery, 'SELECT bump(), 1')",
  "SELECT nextval('plain_seq')",
  'COPY (SELECT bump()) TO STDOUT',
  'EXPLAIN ANALYZE SELECT bump()',
  'EXPLAIN (ANALYZE false, ANALYZE) DELETE FROM log',
  'EXPLAIN SELECT bump()',
  'DECLARE c CURSOR FOR SELECT bump()',
  'SELECT * FROM log FOR UPDATE',
  'SELECT * INTO t FROM log',
  'SELECT * FROM no_such_table',
  'SELECT no_such_function(1)',
  'SELECT 1 ~~~~ 2',
  'SELECT takes_sneaky(1)',
  'SELECT makes_sneaky()',
  'SELECT sneaks(1, 2)',
  "SELECT '{[1,2)}'::sneaks_multirange",
  'SELECT sneaks_multirange(NULL)',
  'SELECT louds(1, 2)',
  "SELECT '[1,2)'::louds",
  "SELECT '{[1,2)}'::louds_multirange",
  'SELECT louds_multirange()',
  'SELECT posing(1, 2)',
  'LOCK TABLE log',
  'NOTIFY x',
  "SELECT pg_notify('x', '')",
  'DO $$ BEGIN END $$',
  'CALL p()',
  'REFRESH MATERIALIZED VIEW mv_people',
  'PREPARE TRANSACTION $$x$$',
  "COMMIT PREPARED 'x'",
]

const REFUSED = [
  'SET ROLE dba',
  "SET ROLE 'dba'",
  'RESET ROLE',
  'SET LOCAL ROLE dba',
  'SET "role" TO \'dba\'',
  'SET SESSION AUTHORIZATION app',
  'SET transaction_read_only = off',
  'SET LOCAL transaction_read_only TO 0',
  'RESET transaction_read_only',
  'SET transaction_read_only TO DEFAULT',
  'SET default_transaction_read_only = no',
  'RESET default_transaction_read_only',
  'set default_transaction_read_only to default',
  'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
  'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE, READ ONLY',
  'SET standard_conforming_strings = off',
  "SET NAMES 'SJIS'",
  'SET client_encoding = win1252',
  'SET search_path = public, pg_catalog',
  "SELECT set_config('search_path', 'public, pg_catalog', false)",
  "SELECT set_config('role', 'dba', true)",
  "SELECT set_config('transaction_read_only', NULL, true)",
  "SELECT set_config(new_value => 'off', setting_name => 'transaction_read_only', is_local => true)",
  "SELECT set_config('trans' || 'action_read_only', 'off', true)",
  "SELECT set_config('my.x', msg, false) FROM log",
  'SELECT set_config($1, $2, $3)',
  "SELECT set_config(name, 'off', false) FROM pg_settings",
  "SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'transaction_read_only'",
  "SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'work_mem' OR true",
  "PREPARE x AS SELECT set_config('role', 'dba', true)",
  'PREPARE x AS SELECT set_config($$work_mem$$, $1, false)',
  "SELECT set_config('role', $1, false)",
  "SELECT set_config('transaction_read_only', $1, false)",
  "SELECT set_config('work_mem', $1 || msg, false) FROM log",
  "SELECT query_to_xml('SELECT set_config(''my.x'', $1, true)', true, false, '')",
  "SELECT query_to_xml('SELECT set_config(''role'', ''dba'', true)', true, false, '')",
  'COMMIT AND CHAIN',
  'ROLLBACK AND CHAIN',
  'COPY log TO PROGRAM $$cat$$',
  "COPY log FROM PROGRAM 'cat'",
  'SET session_replication_role = replica',
  'set row_security = off',
  'SET client_min_messages = debug5',
  'SET no_such_setting = 1',
  'SET lo_compat_privileges = on',
]

const FREE = [
  'SELECT floats(1, 5)',
  "SELECT floats(1, 5, '[]') @> 2.5::float8",
  "SELECT floats_multirange(), floats_multirange(floats(1, 2)), '{}'::floats_multirange",
  'SELECT floats_multirange(floats(1, 2), floats(3, 4))',
  'SELECT harmless(1)',
  'SELECT harmless(id) FROM people',
  "SELECT lower('X')",
  "SELECT 'a=>1'::hstore -> 'a'",
  "SELECT 'x'::citext = 'X'",
  'SELECT gen_random_uuid(), random(), clock_timestamp(), now()',
  "SELECT set_config('work_mem', '8MB', false)",
  "SELECT set_config('jit', $1, false)",
  "SELECT set_config('search_path', '', true)",
  'SET search_path = app, public',
  'SET my.setting = 1',
  "SET timezone TO 'Europe/Berlin'",
  'EXPLAIN DELETE FROM log',
  "SELECT query_to_xml('SELECT 1', true, false, '')",
  'SET TRANSACTION READ ONLY',
  'BEGIN READ WRITE',
]

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  await target.run('fixture', [EARLY, WORLD])
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

const PASSES = new Set(['read', 'session', 'transaction'])

test('what can write is held', async (t) => {
  for (const sql of HELD) {
    await t.test(sql, () => {
      const [facts] = statements(sql, catalogue)
      const stopped = !PASSES.has(facts!.class) || facts!.refusal !== null
      assert.ok(stopped, JSON.stringify(facts))
      assert.notEqual(facts!.why, '')
    })
  }
})

test('what moves the guard is refused', async (t) => {
  for (const sql of REFUSED) {
    await t.test(sql, () => {
      const [facts] = statements(sql, catalogue)
      const held = !PASSES.has(facts!.class)
      assert.ok(
        facts!.refusal !== null || (held && sql.includes('query_to_xml')),
        JSON.stringify(facts),
      )
    })
  }
})

test('what does neither passes', async (t) => {
  for (const sql of FREE) {
    await t.test(sql, () => {
      const [facts] = statements(sql, catalogue)
      assert.ok(PASSES.has(facts!.class), `${facts!.class}: ${facts!.why}`)
      assert.equal(facts!.refusal, null)
    })
  }
})

test('a schema of the path can shadow a built-in function', () => {
  const [alone] = statements("SELECT lower('x'::varchar)", catalogue, ['public'])
  const [shadowed] = statements("SELECT lower('x'::varchar)", catalogue, ['shadow', 'public'])
  assert.equal(alone!.class, 'read')
  assert.equal(shadowed!.class, 'write')
})

test('of two relations of a name in the path either may be meant', () => {
  const [facts] = statements('SELECT * FROM twice', catalogue, ['shadow', 'public'])
  assert.equal(facts!.class, 'write')
})

test('an implicit cast of users runs wherever its types meet', async () => {
  await target.run('fixture', [
    'CREATE CAST (text AS mark) WITH FUNCTION to_mark(text) AS IMPLICIT',
  ])
  const changed = await target.catalogue('fixture')
  assert.equal(statements("SELECT takes_mark(lower('x'))", catalogue)[0]!.class, 'read')
  assert.equal(statements("SELECT takes_mark(lower('x'))", changed)[0]!.class, 'write')
})

test('a range is made of its bounds, and making it may fail', () => {
  const [facts] = statements('SELECT floats(a, 2) FROM (VALUES (1)) v(a)', catalogue)
  assert.deepEqual([facts?.output?.[0]?.proved, facts?.output?.[0]?.origins], [true, []])
  const [named] = statements('SELECT floats(id, 2) FROM people', catalogue)
  const [origin] = named?.output?.[0]?.origins ?? []
  assert.equal(catalogue.relations.get(origin?.table ?? 0)?.name, 'people')
  assert.ok(named?.predicates.some(({ use }) => use === 'compute'))
})

test('with a catalogue that knows nothing, nothing but constants is read', async () => {
  const { emptyCatalogue } = await import('../../../../protocol/pg/catalogue.ts')
  assert.equal(statements('SELECT 1', emptyCatalogue())[0]!.class, 'read')
  for (const sql of [
    'SELECT lower($$x$$)',
    'SELECT * FROM people',
    'SELECT 1 + 1',
    'SELECT 1::int',
  ]) {
    assert.equal(statements(sql, emptyCatalogue())[0]!.class, 'unknown', sql)
  }
})

test('a write does not hide that a part of it is not understood', () => {
  const parts = ['nosuch(1)', '1 OPERATOR(pg_catalog.<<>>) 1', '(SELECT a FROM nosuch)']
  for (const part of parts) {
    const [facts] = statements(`INSERT INTO log SELECT ${part}`, catalogue)
    assert.equal(facts?.class, 'write', part)
    assert.equal(facts?.understood, false, part)
  }
  const [plain] = statements("INSERT INTO log SELECT lower('A')", catalogue)
  assert.equal(plain?.understood, true)
})
