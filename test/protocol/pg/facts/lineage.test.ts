/** Where values come from: shapes that the cases do not have. `secret` may only be in what is listed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Catalogue } from '../../../../protocol/pg/catalogue.ts'
import type { OutputColumn, StatementFacts } from '../../../../protocol/pg/statement.ts'
import { loadParser, statements, Target } from './target.ts'

const WORLD = `
  CREATE TABLE s (id int, secret text, free text,
    made text GENERATED ALWAYS AS (upper(secret)) STORED);
  CREATE TABLE b (id int, secret text);
  CREATE VIEW v AS SELECT id, secret AS x, free FROM s;
  CREATE MATERIALIZED VIEW mv AS SELECT x || '' AS y, free FROM v;
  CREATE FUNCTION f(p int) RETURNS text LANGUAGE sql STABLE AS 'SELECT secret FROM s WHERE id = p';
  CREATE FUNCTION pairs() RETURNS TABLE(a int, c text) LANGUAGE sql STABLE AS
    'SELECT id, secret FROM s';
  CREATE FUNCTION who(p int) RETURNS text LANGUAGE sql STABLE AS
    'SELECT free FROM s WHERE length(secret) = p';
`

/** The query, and which of its output columns may hold the secret. */
const DIRTY: readonly (readonly [sql: string, columns: readonly string[]])[] = [
  ['SELECT * FROM s', ['secret', 'made']],
  ['SELECT made FROM s', ['made']],
  ['SELECT y, free FROM mv', ['y']],
  ['SELECT * FROM v JOIN orders o USING (id)', ['x']],
  ['SELECT * FROM s NATURAL JOIN orders', ['secret', 'made']],
  ['SELECT j.x FROM (s JOIN orders o ON s.id = o.id) AS j(i, x)', ['x']],
  ['SELECT m.secret FROM s JOIN b USING (id, secret) AS m', ['secret']],
  ['SELECT f(1) AS v, f(2) || free AS w, free FROM s', ['v', 'w']],
  ['SELECT * FROM pairs()', ['c']],
  ['SELECT p.c, p.a FROM pairs() AS p', ['c']],
  ['SELECT (pairs()).c AS v', ['v']],
  ['SELECT x FROM pairs() AS q(w, x)', ['x']],
  [
    'WITH RECURSIVE a AS (SELECT * FROM c), c AS (SELECT secret AS z FROM s) SELECT z FROM a',
    ['z'],
  ],
  ['WITH b AS (SELECT secret AS id FROM s) SELECT id FROM b', ['id']],
  ['WITH b(q) AS (SELECT secret FROM s) SELECT (SELECT q FROM b LIMIT 1) AS v', ['v']],
  ['WITH d AS (DELETE FROM s RETURNING secret AS z) SELECT z FROM d', ['z']],
  ['INSERT INTO orders (item) SELECT secret FROM s RETURNING item, id', ['item']],
  ['UPDATE orders SET item = s.secret FROM s RETURNING item, amount', ['item']],
  [
    'INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET item = (SELECT secret FROM s) RETURNING item',
    ['item'],
  ],
  [
    'MERGE INTO orders o USING s ON o.id = s.id WHEN MATCHED THEN UPDATE SET item = s.secret RETURNING o.item, s.free',
    ['item'],
  ],
  ['UPDATE s SET free = free RETURNING old.secret AS o, new.secret AS n, free', ['o', 'n']],
  ['SELECT CASE WHEN secret > $$m$$ THEN 1 END AS v, free FROM s', ['v']],
  ['SELECT EXISTS (SELECT 1 FROM s WHERE secret = $$x$$) AS v', ['v']],
  ['SELECT 1 IN (SELECT length(secret) FROM s) AS v', ['v']],
  ['SELECT ARRAY(SELECT secret FROM s) AS v', ['v']],
  ['SELECT lag(free) OVER (ORDER BY secret) AS v FROM s', ['v']],
  ['SELECT sum(id) OVER w AS v FROM s WINDOW w AS (PARTITION BY secret)', ['v']],
  ['SELECT count(*) FILTER (WHERE secret = $$x$$) AS v FROM s', ['v']],
  ['SELECT count(nullif(secret, $$x$$)) AS v FROM s', ['v']],
  ['SELECT count(DISTINCT secret) AS v FROM s', ['v']],
  ['SELECT s AS v FROM s', ['v']],
  [
    'SELECT (SELECT jsonb_agg(q) FROM (SELECT secret FROM s) q) AS v FROM unnest(ARRAY[concat(1)]) u',
    ['v'],
  ],
  ['SELECT q AS v FROM unnest(ARRAY[concat(1)]) u, (SELECT secret FROM s) q', ['v']],
  ['SELECT (SELECT secret FROM unnest(ARRAY[concat(1)]) u) AS v FROM s', ['v']],
  ['SELECT s.* FROM s', ['secret', 'made']],
  ['SELECT (s).* FROM s', ['secret', 'made']],
  ['SELECT (q.r).secret AS v, (q.r).free AS w FROM (SELECT s AS r FROM s) q', ['v']],
  ['SELECT row_to_json(q) AS v FROM (SELECT secret FROM s) q', ['v']],
  ['SELECT u FROM s, unnest(ARRAY[secret]) u', ['u']],
  ['SELECT u.x, free FROM s, LATERAL (SELECT secret AS x) u', ['x']],
  ['SELECT e.* FROM s, jsonb_each_text(to_jsonb(s)) e', ['key', 'value']],
  [
    'SELECT t.a, t.o FROM s, JSON_TABLE(to_jsonb(secret), $$$$ COLUMNS (a text PATH $$$$, o FOR ORDINALITY)) t',
    ['a', 'o'],
  ],
  ['SELECT secret FROM s INTERSECT SELECT free FROM s', ['secret']],
  ['SELECT free AS a FROM s INTERSECT SELECT secret FROM s', ['a']],
  ['VALUES (1, (SELECT secret FROM s)), (2, NULL)', ['column2']],
  ['TABLE s', ['secret', 'made']],
  ["SELECT query_to_xml('SELECT 1', true, false, '') AS v", ['v']],
  ["SELECT current_setting('my.x') AS v, current_setting('work_mem') AS w", ['v']],
  ['SELECT current_setting(s.name) AS v, s.name FROM pg_settings s', []],
  ["SELECT current_setting(name || '') AS v FROM pg_settings", ['v']],
  [
    "SELECT current_setting(name) AS v FROM (SELECT name FROM pg_settings UNION ALL VALUES ('my.x')) q",
    ['v'],
  ],
  ["SELECT current_setting(name) AS v FROM (SELECT 'my.x' AS name) pg_settings", ['v']],
  ['SELECT current_setting(coalesce(name, free)) AS v FROM pg_settings, s', ['v']],
  ['SELECT current_setting(setting) AS v FROM pg_settings', ['v']],
  ['SELECT ARRAY(SELECT 1 FROM generate_series(1, length(secret))) AS v, free FROM s', ['v']],
  ['SELECT ARRAY(SELECT 1 FROM s o, unnest(ARRAY[s.secret])) AS v, free FROM s', ['v']],
  ['SELECT lo_get(1) AS v', ['v']],
  ['SELECT most_common_vals AS v, tablename FROM pg_stats', ['v']],
  ['SELECT query AS v, pid FROM pg_stat_activity', ['v']],
  ['SELECT free FROM s ORDER BY secret', []],
  ['SELECT secret FROM (SELECT free AS secret FROM s) s', []],
  ['SELECT count(*), count(secret) FROM s', []],
  ['SELECT free, id, ctid, tableoid FROM s WHERE secret = $1', []],
  ['SELECT x FROM (SELECT free, secret FROM s) q(x, y)', []],
  ['SELECT $1::text', []],
]

let target: Target
let catalogue: Catalogue
const secret = new Set<string>()

before(async () => {
  await loadParser()
  target = await Target.start()
  await target.run('fixture', [WORLD])
  catalogue = await target.catalogue('fixture')
  for (const relation of catalogue.relations.values()) {
    for (const { name, number } of relation.columns) {
      if (relation.name === 's' && name === 'secret') secret.add(`${relation.oid} ${number}`)
    }
  }
})
after(() => target?.stop())

function isDirty({ origins, proved }: OutputColumn): boolean {
  return (
    !proved || origins.some(({ table, column }) => table === 0 || secret.has(`${table} ${column}`))
  )
}

function first(sql: string): StatementFacts {
  const [facts] = statements(sql, catalogue)
  assert.notEqual(facts, undefined)
  return facts!
}

test('the secret is in these columns and in no other', async (t) => {
  for (const [sql, columns] of DIRTY) {
    await t.test(sql, () => {
      const { output } = first(sql)
      assert.deepEqual(
        output?.filter(isDirty).map((one) => one.name),
        columns,
      )
    })
  }
})

const PREDICATES: readonly string[] = [
  'SELECT free FROM s WHERE secret LIKE $$1%$$',
  'SELECT free FROM s ORDER BY secret',
  'SELECT free AS f FROM s ORDER BY lower(secret)',
  'SELECT secret AS x FROM s ORDER BY x',
  'SELECT secret FROM s ORDER BY 1',
  'SELECT count(*) FROM s GROUP BY secret',
  'SELECT count(*) FROM s HAVING max(secret) > $$m$$',
  'SELECT DISTINCT secret FROM s',
  'SELECT DISTINCT ON (secret) free FROM s',
  'SELECT o.id FROM s JOIN orders o ON o.item = s.secret',
  'SELECT free FROM s JOIN (SELECT secret FROM s) z USING (secret)',
  'SELECT 1 FROM orders WHERE EXISTS (SELECT 1 FROM s WHERE secret = item)',
  'SELECT * FROM (SELECT id FROM v WHERE x > $$1$$) q',
  'SELECT 1 LIMIT (SELECT length(secret) FROM s)',
  'SELECT secret FROM s UNION SELECT free FROM s',
  'SELECT item FROM orders EXCEPT SELECT secret FROM s',
  'UPDATE orders SET item = item WHERE item IN (SELECT secret FROM s)',
  'DELETE FROM orders USING s WHERE item = secret',
  'EXPLAIN SELECT * FROM s WHERE secret = $$1$$',
  'SELECT count(secret) FROM s',
  'SELECT free, row_number() OVER (ORDER BY secret) FROM s',
  'SELECT free, row_number() OVER w FROM s WINDOW w AS (PARTITION BY secret)',
  'SELECT free FROM s, unnest(string_to_array(secret, $$-$$))',
  'SELECT free, unnest(string_to_array(secret, $$-$$)) FROM s',
  'SELECT free FROM s, generate_series(1, length(secret))',
  'SELECT free FROM s, XMLTABLE($$//a$$ PASSING (secret::xml) COLUMNS a text)',
  'SELECT who(1)',
  'SELECT array_agg(id ORDER BY secret), array_agg(free) FROM s',
  'SELECT count(DISTINCT secret), array_agg(free) FROM s',
  'SELECT query_to_xml($$SELECT free FROM s WHERE secret = 1$$, true, true, $$$$)',
]

test('what decides about the rows is a predicate', async (t) => {
  for (const sql of PREDICATES) {
    await t.test(sql, () => {
      const { predicates } = first(sql)
      assert.ok(predicates.some(({ table, column }) => secret.has(`${table} ${column}`)))
    })
  }
})

test('what does not decide about them is none', () => {
  for (const sql of ['SELECT secret FROM s', 'SELECT secret FROM s ORDER BY free', 'TABLE s']) {
    const { predicates } = first(sql)
    assert.ok(!predicates.some(({ table, column }) => secret.has(`${table} ${column}`)), sql)
  }
})

/** EXPLAIN, and whether its plan may be made of the secret. */
const PLANS: readonly (readonly [sql: string, isMade: boolean])[] = [
  ['EXPLAIN SELECT * FROM s', true],
  ['EXPLAIN SELECT id FROM s', false],
  ['EXPLAIN WITH w AS MATERIALIZED (SELECT * FROM s) SELECT id FROM w', true],
  ['EXPLAIN UPDATE orders SET item = secret FROM s', true],
  ['EXPLAIN (COSTS OFF) SELECT * FROM s', false],
  ['EXPLAIN (COSTS OFF, COSTS) SELECT * FROM s', true],
  ['EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM s', true],
  ['EXPLAIN (ANALYZE false, COSTS off, VERBOSE) SELECT * FROM s', false],
]

test('the sizes in a plan are made of the columns that are read', () => {
  for (const [sql, isMade] of PLANS) {
    const [plan] = first(sql).output ?? []
    const made = plan?.origins.some(({ table, column }) => secret.has(`${table} ${column}`))
    assert.equal(made, isMade, sql)
    assert.equal(plan?.proved, true, sql)
  }
})

test('plain columns stay plain through subqueries, and expressions are not', () => {
  const plain = (sql: string): boolean | undefined => first(sql).output?.[0]?.plain
  assert.equal(plain('SELECT secret AS x FROM s'), true)
  assert.equal(plain('SELECT y FROM (SELECT secret AS y FROM s) q'), true)
  assert.equal(plain('SELECT x FROM v'), true)
  assert.equal(plain("SELECT secret || '' FROM s"), false)
  assert.equal(plain('SELECT secret::text FROM s'), false)
  assert.equal(plain('SELECT secret FROM s UNION ALL SELECT free FROM s'), false)
})
