/** Rules that speak of facts, on a real catalogue: what they reach, and what may not slip by. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { loadParser, Target } from '../../protocol/pg/facts/target.ts'
import { Judging, policyWith } from './judging.ts'

const WORLD = `
  CREATE TABLE stock (id int PRIMARY KEY, name text, price numeric);
  CREATE TABLE parts (id int, stock int REFERENCES stock ON DELETE CASCADE);
  CREATE VIEW shelf AS SELECT id, name FROM stock;
  CREATE VIEW counter AS SELECT id, name FROM shelf;
  CREATE TABLE log (id int, line text) PARTITION BY RANGE (id);
  CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (100);
  CREATE TABLE desk (id int);
  CREATE RULE copies AS ON INSERT TO desk DO ALSO INSERT INTO log VALUES (new.id);
  CREATE SCHEMA hr; CREATE TABLE hr.staff (id int, pay numeric);
  CREATE FUNCTION pays() RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(pay) FROM hr.staff';
  CREATE FUNCTION naps() RETURNS void LANGUAGE sql VOLATILE AS 'SELECT pg_sleep(1)';
  CREATE FUNCTION clears() RETURNS void LANGUAGE sql VOLATILE AS 'DELETE FROM stock';
  CREATE FUNCTION hidden() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
  CREATE VIEW tired AS SELECT naps() IS NULL AS x;
`
const RULES = '    rules: { read: allow, write: { hold: dba }, ddl: { hold: dba }, admin: deny }\n'

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  await target.run('fixture', [WORLD])
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

function denies(when: string): (sql: string) => boolean {
  const judging = new Judging(
    policyWith(`${RULES}    statements: [{ deny: { ${when} } }]\n`),
    catalogue,
  )
  return (sql) => judging.decision(sql) === 'deny'
}

/** What the rule says, what it reaches, and what it does not. */
const REACHES: readonly (readonly [when: string, yes: readonly string[], no: readonly string[]])[] =
  [
    [
      'writes: stock',
      [
        'UPDATE stock SET name = $1 WHERE id = 1',
        'UPDATE shelf SET name = $1 WHERE id = 1',
        'DELETE FROM counter WHERE id = 1',
        'TRUNCATE stock',
        'DROP TABLE parts, stock',
        'DROP VIEW shelf CASCADE',
        'ALTER TABLE public.stock ADD x int',
        'COMMENT ON COLUMN stock.name IS $$x$$',
        'CREATE TRIGGER t AFTER INSERT ON stock EXECUTE FUNCTION f()',
        'COPY stock FROM STDIN',
        'WITH x AS (DELETE FROM stock WHERE id = 1 RETURNING id) SELECT id FROM x',
        'EXPLAIN ANALYZE DELETE FROM stock WHERE id = 1',
        'SELECT clears()',
        'SELECT hidden()',
        'DO $$BEGIN END$$',
        'CALL nobody()',
        'DROP SCHEMA public',
        'SELECT FROM WHERE',
      ],
      ['SELECT 1 FROM stock', 'DELETE FROM parts WHERE id = 1', 'EXPLAIN DELETE FROM stock'],
    ],
    ['writes: parts', ['DELETE FROM stock WHERE id = 1'], ['UPDATE log SET line = $1']],
    ['writes: log', ['INSERT INTO log_1 VALUES (1)', 'INSERT INTO desk VALUES (1)'], []],
    ['writes: log_1', ['INSERT INTO log VALUES (1)'], ['INSERT INTO parts VALUES (1)']],
    ['writes: shelf', ['DELETE FROM shelf WHERE id = 1'], ['DELETE FROM stock WHERE id = 1']],
    ['writes: fresh', ['CREATE TABLE fresh (id int)'], ['CREATE TABLE other (id int)']],
    ['writes: stock(price)', ['DELETE FROM stock WHERE id = 1', 'UPDATE stock SET price = 1'], []],
    ['writes: stock(price)', ['INSERT INTO stock VALUES (1)'], ['UPDATE shelf SET name = $1']],
    ['writes: stock(price)', [], ['INSERT INTO stock (id, name) VALUES (1, $1)']],
    ['writes: log(line)', ['UPDATE log_1 SET line = $1'], ['UPDATE log SET id = 1 WHERE id = 1']],
    ['writes: log_1(line)', ['UPDATE log SET line = $1'], []],
    [
      'reads: stock',
      ['TABLE stock', 'SELECT name FROM counter', 'COPY stock TO STDOUT', 'EXPLAIN TABLE stock'],
      ['INSERT INTO stock VALUES (1)', 'TABLE parts'],
    ],
    ['reads: stock', ['UPDATE stock SET price = price + 1', 'DELETE FROM stock'], []],
    ['reads: hr.staff', ['SELECT pays()', 'TABLE hr.staff'], ['TABLE stock']],
    ['reads: hr.*', ['SELECT 1 FROM hr.staff', "SELECT query_to_xml($1, true, true, '')"], []],
    [
      'reads: stock(price)',
      ['SELECT * FROM stock', 'SELECT stock FROM stock', 'SELECT 1 FROM stock WHERE price > 1'],
      ['SELECT name FROM stock', 'SELECT * FROM shelf'],
    ],
    ['calls: pg_sleep', ['SELECT pg_sleep(1)', 'SELECT naps()', 'TABLE tired'], ['SELECT now()']],
    ['calls: pg_catalog.pg_sleep', ['SELECT pg_catalog.pg_sleep(1)'], ['SELECT lower($1)']],
    [
      'ddl: drop',
      ['DROP TABLE desk', 'DROP FUNCTION naps()', 'DROP ROLE nobody', 'DO $$BEGIN END$$'],
      ['CREATE TABLE x (id int)', 'ALTER TABLE desk DROP id'],
    ],
    ['ddl: [create, truncate]', ['SELECT 1 AS a INTO x', 'TRUNCATE desk'], ['DROP TABLE desk']],
    [
      'without: where',
      [
        'DELETE FROM desk',
        'UPDATE desk SET id = 1 WHERE true',
        'DELETE FROM desk WHERE 1 = $1',
        'WITH x AS (DELETE FROM desk RETURNING id) SELECT id FROM x',
        'PREPARE p AS DELETE FROM desk; EXPLAIN ANALYZE DELETE FROM desk',
        'TRUNCATE desk',
        'SELECT clears()',
      ],
      ['DELETE FROM desk WHERE id = 1', 'TABLE desk', 'EXPLAIN DELETE FROM desk'],
    ],
    ['without: where, writes: desk', ['DELETE FROM desk'], ['DELETE FROM parts']],
    ['class: read, reads: stock', ['TABLE stock'], ['DELETE FROM stock WHERE id = 1']],
  ]

test('a rule reaches what it speaks of, by whatever way, and nothing else', async (t) => {
  for (const [when, yes, no] of REACHES) {
    await t.test(when, () => {
      const isDenied = denies(when)
      assert.deepEqual(
        yes.filter((sql) => !isDenied(sql)),
        [],
        'must be denied',
      )
      assert.deepEqual(no.filter(isDenied), [], 'must not be denied')
    })
  }
})

test('who approves is said by the line, or else by the rules', () => {
  const judging = new Judging(
    policyWith(`${RULES}    statements:
      - hold: { reads: stock }
        by: [{ group: security, count: 2 }]
      - hold: { reads: parts }
`),
    catalogue,
  )
  const verdict = judging.verdict('SELECT 1 FROM stock, parts')
  assert.deepEqual(verdict, {
    decision: 'hold',
    rule: 'pg-prod.statements[0], pg-prod.statements[1]',
    needs: [
      { group: 'security', count: 2 },
      { group: 'dba', count: 1 },
    ],
    alternatives: [],
    guesses: 0,
  })
})

test('the reason of a line is what the person is told', () => {
  const judging = new Judging(
    policyWith(
      `${RULES}    statements: [{ deny: { ddl: drop }, reason: nothing is dropped here }]\n`,
    ),
    catalogue,
  )
  const verdict = judging.verdict('DROP TABLE desk')
  assert.ok(verdict.decision === 'deny' && verdict.reason === 'nothing is dropped here')
})

const SQL = REACHES.flatMap(([, yes, no]) => [...yes, ...no])
const LINE = fc
  .tuple(fc.constantFrom('deny', 'hold'), fc.constantFrom(...REACHES.map(([when]) => when)))
  .map(([what, when]) => `      - ${what}: { ${when} }\n`)

test('a further line never makes a verdict milder', () => {
  const order = ['allow', 'hold', 'deny']
  const rank = (lines: readonly string[], sql: string): number => {
    const text = lines.length === 0 ? RULES : `${RULES}    statements:\n${lines.join('')}`
    return order.indexOf(new Judging(policyWith(text), catalogue).decision(sql))
  }
  fc.assert(
    fc.property(
      fc.array(LINE, { maxLength: 3 }),
      LINE,
      fc.constantFrom(...SQL),
      (lines, more, sql) => {
        assert.ok(rank([...lines, more], sql) >= rank(lines, sql))
      },
    ),
    { numRuns: 60 },
  )
})
