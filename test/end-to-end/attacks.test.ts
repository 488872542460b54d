import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FrontendWriter } from '../../protocol/pg/frontend.ts'
import { oneSession } from '../support/one-session.ts'
import { BOB, bindTail } from '../support/sessions.ts'

/** Attacks that once worked, through whole sessions on a real server, as a raw client sends them. */

const SECRET = '078-05-1120'
const SETUP = `
CREATE ROLE app LOGIN PASSWORD 'app';
GRANT ALL ON SCHEMA public TO app;
SET ROLE app;
CREATE TABLE people (id int PRIMARY KEY, name text, ssn text);
INSERT INTO people VALUES (1, 'Ann', '${SECRET}'), (2, 'Ben', '219-09-9999');
CREATE TABLE late (ssn text UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE audit (id int);
CREATE TABLE busy (id int);
`

describe('attacks', () => {
  const at = oneSession(SETUP, { mask: ['people.ssn'] })
  const say = at.say

  const runs = (writer: FrontendWriter, sql: string): FrontendWriter =>
    writer.parse('', Buffer.from(sql), NO_TYPES).bind('', '', bindTail([])).execute('', 0)

  const declares = (column: string) => `DECLARE c1 CURSOR FOR SELECT upper(${column}) v FROM people`

  test('a cursor is not read as another one that has its name later in the pipeline', async () => {
    await at.client.query('BEGIN')
    await at.client.query(declares('name'))
    const got = await say((writer) => {
      runs(writer, 'CLOSE c1')
      runs(writer, declares('ssn'))
      runs(writer, 'FETCH ALL FROM c1').sync()
    })
    await at.client.query('ROLLBACK')
    assert.deepEqual(codes(got), ['0A000'])
    assert.ok(!got.bytes.includes(SECRET))
  })

  test('nor through a FETCH that was bound before', async () => {
    await at.client.query('BEGIN')
    await at.client.query(declares('name'))
    const fetch = Buffer.from('FETCH ALL FROM c1')
    await say((writer) =>
      writer
        .parse('f', fetch, NO_TYPES)
        .bind('p', 'f', bindTail([]))
        .describe('portal', 'p')
        .sync(),
    )
    const got = await say((writer) => {
      runs(writer, 'CLOSE c1')
      runs(writer, declares('ssn')).execute('p', 0).sync()
    })
    await at.client.query('ROLLBACK')
    assert.deepEqual(codes(got), ['0A000'])
    assert.ok(!got.bytes.includes(SECRET))
  })

  test('EXECUTE runs what it named when it was parsed, or nothing', async () => {
    const parse = (name: string, sql: string) =>
      say((writer) => writer.parse(name, Buffer.from(sql), NO_TYPES).sync())
    await parse('a', 'SELECT upper(ssn) FROM people')
    await parse('b', 'EXECUTE a')
    await say((writer) => writer.closeObject('statement', 'a').sync())
    await parse('a', 'SELECT upper(name) FROM people')
    const got = await say((writer) => writer.bind('', 'b', bindTail([])).execute('', 0).sync())
    assert.deepEqual(codes(got), ['26000'])
  })

  test('the client is told when the target refuses the parameters of an approved statement', async () => {
    const held = await say((writer) =>
      writer
        .parse('', Buffer.from('DELETE FROM audit WHERE id = $1'), NO_TYPES)
        .bind('', '', bindTail(['no number']))
        .execute('', 0)
        .sync(),
    )
    await at.stack.desk.approve(held.held ?? '', BOB)
    assert.deepEqual(codes(await at.client.take()), ['22P02'])
  })

  test('a deferred constraint does not tell protected values at COMMIT', async () => {
    await at.client.query('BEGIN')
    const twice = 'SELECT ssn FROM people UNION ALL SELECT ssn FROM people'
    const held = await at.client.query(`INSERT INTO late ${twice}`)
    await at.stack.desk.approve(held.held ?? '', BOB)
    await at.client.take()
    const got = await at.client.query('COMMIT')
    assert.deepEqual(codes(got), ['23505'])
    assert.ok(!got.bytes.includes(SECRET))
  })

  test('who does not read the answers is not listened to, so that they do not pile up', async () => {
    const other = await at.stack.client('postgres')
    await other.take()
    other.reads = false
    other.send((writer) => writer.sync())
    // What came is answered at the end of this turn of the loop.
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(other.paused, true)
    assert.equal(other.unread, 6)
    other.vanish()
  })

  test('a function that was replaced while it waited does not run', async () => {
    await at.admin.query(`CREATE FUNCTION note() RETURNS int LANGUAGE sql VOLATILE
      AS 'INSERT INTO audit VALUES (1) RETURNING 1'; GRANT EXECUTE ON FUNCTION note() TO app`)
    const { held } = await at.client.query('SELECT note()')
    await at.admin.query(`CREATE OR REPLACE FUNCTION note() RETURNS int LANGUAGE sql VOLATILE
      AS 'INSERT INTO audit VALUES (666) RETURNING 1'`)
    await at.stack.desk.approve(held as string, BOB)
    const { errors } = await at.client.take()
    assert.deepEqual(
      errors.map((error) => error.get('C')),
      ['42501'],
    )
    const { rows } = await at.admin.query('SELECT count(*)::int AS n FROM audit WHERE id = 666')
    assert.equal(rows[0].n, 0)
  })

  test('nor does one that hoop had not seen before, or that it knows well', async () => {
    for (const wait of [0, 1_100]) {
      await new Promise((resolve) => setTimeout(resolve, wait))
      const { held } = await at.client.query('SELECT note(), 1')
      await at.admin.query(`CREATE OR REPLACE FUNCTION note() RETURNS int LANGUAGE sql VOLATILE
        AS 'INSERT INTO audit VALUES (667) RETURNING ${wait}'`)
      await at.stack.desk.approve(held as string, BOB)
      const { errors } = await at.client.take()
      assert.deepEqual(
        errors.map((error) => error.get('C')),
        ['42501'],
      )
    }
  })

  test('another table in the place of the one that was asked about is not touched', async () => {
    await at.admin.query('CREATE TABLE victim (id int); GRANT ALL ON victim TO app')
    await at.admin.query('INSERT INTO victim VALUES (1)')
    const { held } = await at.client.query('DELETE FROM victim')
    await at.admin.query('ALTER TABLE victim RENAME TO victim_old')
    await at.admin.query('CREATE TABLE victim (id int); GRANT ALL ON victim TO app')
    await at.admin.query('INSERT INTO victim VALUES (1), (2)')
    await at.stack.desk.approve(held as string, BOB)
    const { errors } = await at.client.take()
    assert.deepEqual(
      errors.map((error) => error.get('C')),
      ['42501'],
    )
    const { rows } = await at.admin.query('SELECT count(*)::int AS n FROM victim')
    assert.equal(rows[0].n, 2)
  })

  test('rows that change meanwhile do not stand in the way of what was approved', async () => {
    const { held } = await at.client.query('INSERT INTO busy VALUES (7)')
    await at.admin.query(
      'INSERT INTO busy SELECT generate_series(1, 1000); ANALYZE busy; CREATE TABLE other (id int)',
    )
    await at.stack.desk.approve(held as string, BOB)
    assert.deepEqual((await at.client.take()).errors, [])
    const { rows } = await at.admin.query('SELECT count(*)::int AS n FROM busy')
    assert.equal(rows[0].n, 1001)
  })
})

const NO_TYPES = Buffer.alloc(0)

function codes({ errors }: { errors: readonly ReadonlyMap<string, string>[] }) {
  return errors.map((fields) => fields.get('C'))
}
