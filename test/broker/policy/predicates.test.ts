/** Predicates over masked columns: what tells their values is denied, plain equality passes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { ConnectionPolicy } from '../../../broker/policy/policy.ts'
import { USES } from '../../../broker/policy/policy.ts'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { lines, loadParser, Target } from '../../protocol/pg/facts/target.ts'
import { Judging, policyWith } from './judging.ts'

const WORLD = `
  CREATE TABLE s (id int, secret text, code text, free text);
  CREATE VIEW v AS SELECT id, secret AS x, free FROM s;
  CREATE VIEW chosen AS SELECT id, free FROM s WHERE secret LIKE '1%';
  CREATE FUNCTION f(p text) RETURNS bigint LANGUAGE sql STABLE AS
    'SELECT count(*) FROM s WHERE secret LIKE p';
  CREATE FUNCTION g(p text) RETURNS bigint LANGUAGE sql STABLE AS
    'SELECT count(*) FROM s WHERE secret = p';
  CREATE TABLE pgbench_accounts (aid int, bid int, abalance int);
  CREATE TABLE pgbench_branches (bid int, bbalance int);
`
const RULES = '    rules: { read: allow, write: { hold: dba }, ddl: { hold: dba } }\n'
const MASK = '    mask: { s.secret: redact, people.ssn: redact }\n'

/** By the rule that denies it. */
const TELLING: Readonly<Record<string, readonly string[]>> = {
  presence: ['SELECT id FROM s WHERE secret IS NULL', 'SELECT count(secret) FROM s'],
  filter: [
    "SELECT id FROM s WHERE secret LIKE '1%'",
    "SELECT id FROM s WHERE secret <> 'x'",
    "SELECT id FROM s WHERE NOT secret = 'x'",
    "SELECT id FROM s WHERE secret = 'x' OR secret > 'm'",
    "SELECT id FROM s WHERE secret NOT IN ('x', 'y')",
    'SELECT id FROM s WHERE secret = ANY ($1)',
    'SELECT id FROM s WHERE secret = free',
    'SELECT id FROM s WHERE secret = (SELECT free FROM s LIMIT 1)',
    "SELECT id FROM s WHERE upper(secret) = 'X'",
    "SELECT id FROM s WHERE secret || '' = 'x'",
    "SELECT id FROM s WHERE (secret, id) = ('x', 1)",
    `SELECT id FROM s WHERE secret = 'x' COLLATE "C"`,
    'SELECT id FROM s WHERE s = $1',
    "SELECT id FROM s WHERE coalesce(secret, 'x') = 'x'",
    "SELECT id FROM s WHERE CASE secret WHEN 'x' THEN true END",
    "SELECT id FROM v WHERE x > 'm'",
    "SELECT count(*) FROM s HAVING max(secret) > 'm'",
    "SELECT count(*) FILTER (WHERE secret > 'm') FROM s",
    'SELECT id FROM s LIMIT (SELECT length(secret) FROM s WHERE id = 1)',
    "SELECT regexp_split_to_table(secret, '1') FROM s",
    'SELECT id FROM s, generate_series(1, length(secret))',
    "SELECT id FROM s WHERE ARRAY(SELECT 1 FROM generate_series(1, length(secret))) = '{1}'",
    'SELECT ARRAY(SELECT 1 FROM (SELECT FROM generate_series(1, length(secret)) ORDER BY secret) q) FROM s',
    "SELECT ARRAY(SELECT id FROM s WHERE secret > 'm')",
    "SELECT id FROM s WHERE EXISTS (SELECT FROM s t WHERE t.secret > 'm')",
    "SELECT f('1%')",
    "SELECT g('1')",
    "EXPLAIN SELECT id FROM s WHERE secret BETWEEN 'a' AND 'b'",
    "PREPARE p AS SELECT 1; COPY (SELECT id FROM s WHERE secret < 'm') TO STDOUT",
    "DECLARE c CURSOR FOR SELECT id FROM s WHERE secret < 'm'",
    'SELECT rolname FROM pg_authid WHERE rolpassword LIKE $1',
    "WITH RECURSIVE t AS (SELECT id, secret FROM s UNION ALL SELECT id, secret FROM t) SELECT id FROM t WHERE secret < 'm'",
  ],
  join: [
    'SELECT s.id FROM s JOIN orders o ON o.item = secret',
    'SELECT id FROM s JOIN (SELECT secret FROM s) t USING (secret)',
    'SELECT 1 FROM s NATURAL JOIN s t',
  ],
  order: [
    'SELECT id FROM s ORDER BY secret',
    'SELECT secret AS a FROM s ORDER BY 1',
    'SELECT rank() OVER (ORDER BY secret) FROM s',
    'SELECT id FROM s ORDER BY (SELECT x FROM v WHERE v.id = s.id)',
    'SELECT id FROM s ORDER BY ARRAY(SELECT x FROM v WHERE v.id = s.id)',
  ],
  group: [
    'SELECT DISTINCT secret FROM s',
    'SELECT secret, count(*) FROM s GROUP BY 1',
    'SELECT secret FROM s UNION SELECT free FROM s',
    'SELECT free FROM s EXCEPT ALL SELECT secret FROM s',
    'SELECT count(*) OVER (PARTITION BY secret) FROM s',
  ],
}

const SILENT: readonly string[] = [
  'SELECT * FROM s',
  'SELECT upper(secret) FROM s WHERE id = 1 ORDER BY free',
  "SELECT id FROM s WHERE secret = '1'",
  'SELECT id FROM s WHERE $1 = secret AND id > 3',
  "SELECT id FROM s WHERE secret IN ('a', $1::text) OR secret = 'c'",
  "SELECT id FROM v WHERE x = 'a'",
  "SELECT id FROM (SELECT id, secret AS y FROM s) q WHERE y = 'a'",
  "SELECT id FROM s JOIN orders o USING (id) WHERE secret = 'a'",
  'SELECT id, free FROM chosen',
  "SELECT ARRAY(SELECT x FROM unnest(string_to_array(secret, '-')) x ORDER BY x) FROM s",
  'SELECT count(*) FROM s',
  'SELECT code FROM s WHERE code LIKE $1 ORDER BY code',
]

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  await target.run('fixture', [WORLD])
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

const judging = (more = '', rules = RULES): Judging =>
  new Judging(policyWith(`${rules}${more}${MASK}`), catalogue)

test('by itself hoop denies what tells masked values, by the rule of its use', async (t) => {
  const usual = judging()
  for (const [use, all] of Object.entries(TELLING)) {
    for (const sql of all) {
      await t.test(sql, () => {
        const verdict = usual.verdict(sql)
        assert.equal(verdict.decision, 'deny')
        assert.match(verdict.rule, new RegExp(`^pg-prod.predicates.(${use}|filter)$`))
      })
    }
  }
})

test('what tells nothing but an equality passes', () => {
  const usual = judging()
  for (const sql of SILENT) assert.equal(usual.decision(sql), 'allow', sql)
})

test('nothing that clients send on their own is denied', () => {
  const usual = judging()
  for (const { client, sql } of lines<{ client: string; sql: string }>('clients.jsonl')) {
    assert.equal(usual.decision(sql), 'allow', `${client}: ${sql}`)
  }
})

test('each use has its rule, and `other` is for those without', () => {
  const mixed = judging(
    '    predicates: { order: allow, group: { hold: security }, other: deny }\n',
  )
  assert.equal(mixed.decision(TELLING['order']![0]!), 'allow')
  assert.equal(mixed.decision(TELLING['group']![0]!), 'hold')
  assert.equal(mixed.decision(TELLING['join']![0]!), 'deny')
  const open = judging('    predicates: allow\n')
  for (const sql of Object.values(TELLING).flat()) assert.equal(open.decision(sql), 'allow', sql)
  const closed = judging('    predicates: { equality: deny, compute: deny }\n')
  assert.equal(closed.decision('SELECT id FROM s WHERE secret = $1'), 'deny')
  assert.equal(closed.decision('SELECT secret::int FROM s'), 'deny')
  assert.equal(
    closed.decision('SELECT ARRAY(SELECT 1 FROM generate_series(1, length(secret))) FROM s'),
    'deny',
  )
  assert.equal(closed.decision('SELECT secret, upper(secret) FROM s'), 'allow')
})

test('comparisons are counted, and no more are made than the policy says', () => {
  const three = judging('    predicates: { equality: { allow: 3 per session } }\n')
  const two = "SELECT id FROM s WHERE secret IN ('a', 'b')"
  const verdict = three.verdict(two)
  assert.ok(verdict.decision === 'allow' && verdict.guesses === 2)
  assert.equal(three.decision(two, 1), 'allow')
  assert.equal(three.decision(two, 2), 'deny')
  assert.equal(three.decision(`${two}; ${two}`), 'deny')
  assert.equal(three.decision(`DECLARE c CURSOR FOR ${two}`, 1), 'allow')
  assert.equal(three.decision('SELECT id FROM s', 99), 'allow')
})

test('a write that people read anyway is theirs to judge', () => {
  const write = "DELETE FROM orders WHERE item IN (SELECT free FROM s WHERE secret LIKE '1%')"
  assert.equal(judging().decision(write), 'hold')
  assert.equal(judging('', '    rules: { read: allow, write: allow }\n').decision(write), 'deny')
})

test('what is not masked may decide whatever it likes', () => {
  const open = new Judging(policyWith(RULES), catalogue)
  const own = Object.values(TELLING).flat()
  for (const sql of own.filter((one) => !one.includes('pg_authid'))) {
    assert.equal(open.decision(sql), 'allow', sql)
  }
})

test('a stricter rule for a use never makes a verdict milder', () => {
  const order = ['allow', 'hold', 'deny'] as const
  const ruled = (decision: (typeof order)[number]): ConnectionPolicy['predicates']['filter'] => {
    if (decision === 'allow') return { decision, perSession: null }
    if (decision === 'deny') return { decision, reason: null }
    return { decision, needs: [{ group: 'dba', count: 1 }], alternatives: [] }
  }
  const level = fc.nat({ max: 2 })
  const all = [...Object.values(TELLING).flat(), ...SILENT]
  const usual = judging()
  fc.assert(
    fc.property(
      fc.tuple(...USES.map(() => level)),
      fc.nat(6),
      fc.constantFrom(...all),
      (levels, at, sql) => {
        const decided = (some: readonly number[]): number => {
          const predicates = Object.fromEntries(
            USES.map((use, index) => [use, ruled(order[some[index]!]!)]),
          ) as ConnectionPolicy['predicates']
          const policy = { ...usual.policy, predicates }
          return order.indexOf(new Judging(policy, catalogue).verdict(sql).decision)
        }
        const stricter = levels.map((one, index) => (index === at ? Math.min(2, one + 1) : one))
        assert.ok(decided(stricter) >= decided(levels))
      },
    ),
    { numRuns: 100 },
  )
})
