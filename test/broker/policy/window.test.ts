/** What an approved window covers, on a real catalogue, and what it must not. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { closesAt, isOpenAt, uncovered } from '../../../broker/policy/window.ts'
import type { WindowTerms } from '../../../protocol/api/windows.ts'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { loadParser, Target } from '../../protocol/pg/facts/target.ts'
import { Judging, policyWith } from './judging.ts'

const WORLD = `
  CREATE TABLE stock (id int PRIMARY KEY, item text);
  CREATE TABLE parts (id int, stock int REFERENCES stock ON DELETE CASCADE);
  CREATE TABLE staff (id int, name text);
  CREATE VIEW shop AS SELECT id, item FROM stock;
  CREATE SEQUENCE counter;
  CREATE FUNCTION hidden() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
`
const RULES =
  '    rules: { read: allow, write: { hold: dba }, ddl: { hold: dba }, admin: deny, unknown: { hold: dba } }\n'

const WINDOW: WindowTerms = {
  classes: ['write'],
  tables: null,
  max_rows: null,
  for_ms: 30 * 60_000,
  every: null,
}

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  await target.run('fixture', [WORLD])
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

function why(
  sql: string,
  terms: Partial<WindowTerms> = {},
  { mask = '' }: { readonly mask?: string } = {},
): string | null {
  const policy = policyWith(`${RULES}${mask}`)
  const judging = new Judging(policy, catalogue)
  return uncovered({ ...WINDOW, ...terms }, judging.question(sql), policy)
}

test('a window for writes covers writes, with the reads among them, and nothing else', () => {
  assert.equal(why("UPDATE stock SET item = 'x' WHERE id = 1"), null)
  assert.equal(why("SELECT 1; INSERT INTO staff VALUES (1, 'x'); SELECT 2"), null)
  assert.equal(why('CREATE TABLE t (id int)'), 'its class is ddl')
  assert.equal(why("INSERT INTO staff VALUES (1, 'x'); DROP TABLE staff"), 'its class is ddl')
  assert.equal(why('CREATE TABLE t (id int)', { classes: ['write', 'ddl'] }), null)
})

test('what hoop cannot read is covered by none', () => {
  const all = { classes: ['read', 'write', 'ddl', 'admin'] satisfies WindowTerms['classes'] }
  for (const sql of ['DO $$BEGIN END$$', 'SELECT hidden()', 'SELEKT 1', 'CALL nothing()'])
    assert.notEqual(why(sql, all), null, sql)
})

test('what copies masked columns somewhere is for an approver to see', () => {
  const masks = { mask: '    mask: { staff.name: redact }\n' }
  assert.equal(why('UPDATE staff SET id = 2 WHERE id = 1', {}, masks), null)
  assert.equal(why("INSERT INTO staff VALUES (1, 'x')", {}, masks), null)
  for (const sql of [
    'INSERT INTO stock SELECT id, name FROM staff',
    'INSERT INTO stock SELECT 1, s::text FROM staff s',
    'UPDATE stock SET item = (SELECT name FROM staff LIMIT 1)',
    'MERGE INTO stock USING staff ON stock.id = staff.id WHEN MATCHED THEN UPDATE SET item = name',
  ])
    assert.equal(why(sql, {}, masks), 'it reads masked columns', sql)
})

test('a window for tables covers what writes there and nowhere else', () => {
  const there = { tables: ['stock', 'parts'] }
  assert.equal(why('DELETE FROM stock WHERE id = 1', there), null)
  assert.equal(why("UPDATE shop SET item = 'x' WHERE id = 1", there), null)
  for (const sql of [
    'DELETE FROM staff WHERE id = 1',
    'WITH gone AS (DELETE FROM staff WHERE id = 1) DELETE FROM stock WHERE id = 1',
    'DELETE FROM stock WHERE id = 1; DELETE FROM staff WHERE id = 1',
    "SELECT nextval('counter')",
    'DELETE FROM new_table',
  ])
    assert.notEqual(why(sql, there), null, sql)
  assert.notEqual(why('DELETE FROM stock WHERE id = 1', { tables: ['stock'] }), null, 'it cascades')
  assert.notEqual(why('DELETE FROM stock WHERE id = 1', { tables: [''] }), null, 'no name')
})

test('it is open from the approval to its end, and where it comes back, only then', () => {
  const at = (text: string) => Date.parse(text)
  const from = at('2026-01-12T12:00:00Z')
  assert.equal(isOpenAt(WINDOW, from, from), true)
  assert.equal(isOpenAt(WINDOW, from, from + WINDOW.for_ms), false)
  const nights = {
    ...WINDOW,
    for_ms: 10 * 86_400_000,
    every: { span: 'sat 22:00-02:00', zone: 'Europe/Berlin' },
  }
  assert.equal(isOpenAt(nights, from, from), false)
  assert.equal(isOpenAt(nights, from, at('2026-01-17T23:30:00Z')), true)
  assert.equal(closesAt(nights, from, at('2026-01-17T23:30:00Z')), at('2026-01-18T01:00:00Z'))
  assert.equal(isOpenAt(nights, from, at('2026-01-18T01:00:00Z')), false)
  assert.equal(isOpenAt(nights, from, at('2026-01-24T23:30:00Z')), false, 'over by then')
  const odd = { ...nights, every: { span: 'whenever', zone: 'Europe/Berlin' } }
  assert.equal(isOpenAt(odd, from, at('2026-01-17T23:30:00Z')), false)
})
