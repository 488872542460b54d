import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { failingFs } from '../broker/recorder/support.ts'
import { oneSession } from '../support/one-session.ts'
import { BOB, bindTail, type RawClient, type SessionStack } from '../support/sessions.ts'

/** Attacks on the short path of known reads: what was known a moment ago is not true any more. */

const SECRET = '078-05-1120'
const SETUP = `
CREATE ROLE app LOGIN PASSWORD 'app';
GRANT ALL ON SCHEMA public TO app;
CREATE SCHEMA other AUTHORIZATION app;
SET ROLE app;
CREATE TABLE people (id int PRIMARY KEY, name text, ssn text);
INSERT INTO people VALUES (1, 'Ann', '${SECRET}'), (2, 'Ben', '219-09-9999');
CREATE TABLE other.people (id int PRIMARY KEY, name text, ssn text);
INSERT INTO other.people VALUES (1, 'Cid', 'public'), (2, 'Dot', 'public');
CREATE TABLE audit (id int);
CREATE TABLE shifting (id int, a text, b text);
INSERT INTO shifting VALUES (1, 'x', 'y');
CREATE FUNCTION quiet() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
`

describe('a known read', () => {
  const at = oneSession(SETUP, { mask: ['public.people.ssn'] })
  const say = at.say

  const READ = 'SELECT ssn FROM people ORDER BY id'
  const parse = (name: string, sql: string) =>
    say((writer) => writer.parse(name, Buffer.from(sql), NO_TYPES).sync())
  const run = (name: string) =>
    say((writer) =>
      writer.bind('', name, bindTail([])).describe('portal', '').execute('', 0).sync(),
    )
  const bare = (name: string) =>
    say((writer) => writer.bind('', name, bindTail([])).execute('', 0).sync())

  test('is masked anew when search_path moves, in both protocols', async () => {
    await at.client.query('SET search_path TO other')
    await parse('s', READ)
    for (let i = 0; i < 3; i++) {
      assert.ok((await at.client.query(READ)).bytes.includes('public'))
      assert.ok((await run('s')).bytes.includes('public'))
    }
    await at.client.query('SET search_path TO public')
    for (let i = 0; i < 3; i++) {
      const asked = [await at.client.query(READ), await run('s'), await bare('s')]
      for (const got of asked) assert.ok(!got.bytes.includes(SECRET), `${got.types}`)
    }
    await at.client.query('SET search_path TO other')
    await run('s')
    await at.client.query('BEGIN')
    await at.client.query('SET LOCAL search_path TO public')
    assert.ok(!(await run('s')).bytes.includes(SECRET))
    assert.ok(!(await at.client.query(READ)).bytes.includes(SECRET))
    await at.client.query('ROLLBACK')
    assert.ok((await run('s')).bytes.includes('public'))
    await at.client.query('BEGIN')
    await at.client.query('SAVEPOINT a')
    await at.client.query('SET search_path TO other')
    assert.ok((await run('s')).bytes.includes('public'))
    await at.client.query('SET search_path TO public; SAVEPOINT b')
    assert.ok(!(await run('s')).bytes.includes(SECRET))
    await at.client.query('SET search_path TO other')
    assert.ok((await run('s')).bytes.includes('public'))
    await at.client.query('ROLLBACK TO b')
    assert.ok(!(await run('s')).bytes.includes(SECRET))
    assert.ok(!(await at.client.query(READ)).bytes.includes(SECRET))
    await at.client.query('ROLLBACK')
    await at.client.query('SET search_path TO public')
    await parse('setter', "SELECT set_config('search_path', 'other', false)")
    await run('setter')
    assert.ok((await run('s')).bytes.includes('public'))
    await at.client.query("SELECT set_config('search_path', 'public', false)")
    assert.ok(!(await run('s')).bytes.includes(SECRET))
    assert.ok(!(await at.client.query(READ)).bytes.includes(SECRET))
    await at.client.query('RESET ALL')
    await say((writer) => writer.closeObject('statement', 's').sync())
  })

  test('stands behind its guard in a block, whatever was approved before', async () => {
    const QUIET = 'SELECT quiet() FROM people WHERE id = 1'
    await at.client.query(QUIET)
    await parse('q', QUIET)
    await run('q')
    await at.client.query('BEGIN READ WRITE')
    await at.client.query('SELECT 1')
    const { held } = await at.client.query('INSERT INTO audit VALUES (1)')
    await at.stack.desk.approve(held as string, BOB)
    await at.client.take()
    // Replaced by one that writes, and nobody has told hoop yet.
    await at.admin.query(`CREATE OR REPLACE FUNCTION quiet() RETURNS int LANGUAGE sql VOLATILE
      AS 'INSERT INTO audit VALUES (666) RETURNING 1'`)
    for (const got of [await run('q')]) {
      assert.deepEqual(codes(got), ['25006'], got.types)
    }
    await at.client.query('ROLLBACK')
    await at.client.query('BEGIN')
    await at.client.query('SAVEPOINT a')
    await at.client.query('SELECT 1')
    await at.client.query('ROLLBACK TO a')
    await at.client.query('SET TRANSACTION READ WRITE')
    const got = await run('q')
    assert.ok(codes(got)[0] === '25006' || got.held !== null, got.types)
    await at.client.query('ROLLBACK')
    const { rows } = await at.admin.query('SELECT count(*)::int AS n FROM audit WHERE id = 666')
    assert.equal(rows[0].n, 0)
    await at.admin.query(
      `CREATE OR REPLACE FUNCTION quiet() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'`,
    )
  })

  test('in a block that failed is refused by the target or by hoop', async () => {
    await at.client.query('SELECT 1')
    await parse('one', 'SELECT 1')
    await run('one')
    await at.client.query('BEGIN')
    await at.client.query('SELECT 1')
    const failed = await at.client.query('SELECT 1/0')
    assert.equal(failed.status, 'E')
    for (const got of [await run('one'), await at.client.query('SELECT 1')]) {
      assert.deepEqual(codes(got), ['25P02'])
      assert.equal(got.status, 'E')
    }
    await at.client.query('ROLLBACK')
  })

  test('waits until an implicit transaction that Flush left open is over', async () => {
    await parse('r', 'SELECT ssn FROM people ORDER BY id')
    await run('r')
    at.client.send((writer) =>
      writer.bind('', 'r', bindTail([])).describe('portal', '').execute('', 1).flush(),
    )
    const first = await at.client.take(1, 's')
    assert.equal(first.types, '2TDs')
    at.client.send((writer) => writer.bind('', 'r', bindTail([])).execute('', 0).sync())
    const second = await at.client.take()
    assert.deepEqual(second.types, '2DDCZ')
    assert.ok(!second.bytes.includes(SECRET))
    at.client.send((writer) =>
      writer.bind('', 'r', bindTail([])).describe('portal', '').execute('', 1).flush(),
    )
    await at.client.take(1, 's')
    const third = await at.client.query(READ)
    assert.deepEqual(third.types, 'TDDCZ')
    assert.ok(!third.bytes.includes(SECRET))
  })

  test('leaves its portal to be read again in a block, masked', async () => {
    await parse('p', READ)
    await at.client.query('BEGIN')
    await at.client.query('SELECT 1')
    await run('p')
    const got = await say((writer) => writer.describe('portal', '').execute('', 0).sync())
    assert.ok(!got.bytes.includes(SECRET))
    const bound = await say((writer) => writer.bind('', 'p', bindTail([])).execute('', 1).sync())
    assert.equal(bound.types, '2DsZ')
    const rest = await say((writer) => writer.execute('', 0).sync())
    assert.equal(rest.types, 'DCZ')
    for (const each of [bound, rest]) assert.ok(!each.bytes.includes(SECRET))
    await at.client.query('SELECT 1')
    const gone = await say((writer) => writer.execute('', 0).sync())
    assert.deepEqual(codes(gone), ['34000'])
    await at.client.query('ROLLBACK')
  })

  test('asked for in text and in binary in turn is masked in both', async () => {
    await parse('b', 'SELECT id, ssn FROM people ORDER BY id')
    for (const binary of [false, true, true, false, true]) {
      const tail = bindTail([], binary)
      const got = await say((writer) => writer.bind('', 'b', tail).execute('', 0).sync())
      assert.deepEqual(codes(got), [])
      assert.ok(!got.bytes.includes(SECRET))
      assert.ok(
        got.bytes.includes(
          binary ? Buffer.from([0, 0, 0, 4, 0, 0, 0, 1]) : Buffer.from([0, 0, 0, 1, 0x31]),
        ),
      )
    }
  })

  test('is masked when the table it reads changes its columns between two runs', async () => {
    await parse('w', 'SELECT p.ssn, s.* FROM people p JOIN shifting s USING (id)')
    await run('w')
    await run('w')
    await at.admin.query(
      'ALTER TABLE shifting DROP COLUMN a; ALTER TABLE people ADD COLUMN extra text',
    )
    for (let i = 0; i < 3; i++) {
      const got = await run('w')
      assert.ok(!got.bytes.includes(SECRET), got.types)
    }
  })

  test('a text may end in anything that PostgreSQL takes for spaces, and runs as judged', async () => {
    for (const tail of [
      ';',
      ';;',
      ' ; ;\n',
      '\t\r\n',
      '\f',
      '\v',
      ';\f;',
      '-- x',
      '/* x */',
      ';-- x\n;',
      '\u00a0',
      ';\u00a0',
      ';\u3000',
    ]) {
      for (let i = 0; i < 2; i++) {
        const got = await at.client.query(`${READ}${tail}`)
        assert.ok(!got.bytes.includes(SECRET))
        if (got.held !== null) {
          await at.stack.desk.reject(got.held, BOB, 'no')
          await at.client.take()
        }
      }
    }
    for (let i = 0; i < 2; i++) {
      const got = await at.client.query(`${READ};; SELECT 2 ;`)
      assert.equal(got.types, 'TDDCTDCZ')
      const { held } = await at.client.query(`${READ}; DELETE FROM audit`)
      assert.notEqual(held, null)
      await at.stack.desk.reject(held as string, BOB, 'no')
      await at.client.take()
    }
  })
})

const LIMITED = `connections:
  pg-prod:
    request: [engineers]
    rules: { read: allow }
    predicates: { equality: { allow: 3 per session } }
    mask: { public.people.ssn: redact }
    detect: { card: redact }
`

describe('a known read, again and again', () => {
  const disk = failingFs()
  after(() => disk.limit(Number.POSITIVE_INFINITY))
  const at = oneSession(SETUP, { mask: [], policy: LIMITED, fs: disk.fs })

  async function connected(): Promise<RawClient> {
    const client = await at.stack.client('postgres')
    await client.take()
    return client
  }

  const GUESS = Buffer.from('SELECT id FROM people WHERE ssn = $1')

  test('compares with no more values than its session may', async () => {
    const client = await connected()
    client.send((writer) => writer.parse('g', GUESS, NO_TYPES).sync())
    await client.take()
    const got: unknown[] = []
    for (let i = 0; i < 5; i++) {
      client.send((writer) =>
        writer
          .bind('', 'g', bindTail([`${i}`]))
          .execute('', 0)
          .sync(),
      )
      got.push(codes(await client.take())[0] ?? 'ran')
    }
    assert.deepEqual(got, ['ran', 'ran', 'ran', '42501', '42501'])
    const asked = await client.query(`SELECT id FROM people WHERE ssn = '5'`)
    assert.deepEqual(codes(asked), ['42501'])
  })

  test('nor when all are sent in one burst, in either protocol', async () => {
    for (const protocol of ['extended', 'query']) {
      const client = await connected()
      client.send((writer) => {
        writer.parse('g', GUESS, NO_TYPES).sync()
        for (let i = 0; i < 6; i++) {
          if (protocol === 'query') writer.query(`SELECT id FROM people WHERE ssn = '5'`)
          else
            writer
              .bind('', 'g', bindTail([`${i}`]))
              .execute('', 0)
              .sync()
        }
      })
      const got = await client.take(7)
      assert.deepEqual(codes(got), ['42501', '42501', '42501'])
      assert.equal(got.types.replace(/[^CE]/g, ''), 'CCCEEE')
    }
  })

  test('is looked through by detectors each time', async () => {
    const client = await connected()
    const sql = `SELECT '4111 1111 ' || '1111 1111' AS card, id FROM people`
    client.send((writer) => writer.parse('c', Buffer.from(sql), NO_TYPES).sync())
    await client.take()
    for (let i = 0; i < 3; i++) {
      client.send((writer) => writer.bind('', 'c', bindTail([])).execute('', 0).sync())
      const asked = [await client.take(), await client.query(sql)]
      for (const { bytes, types } of asked) {
        assert.ok(bytes.includes('*******************') && !bytes.includes('1111'), types)
      }
    }
  })

  test('shows nothing that a full disk did not take', async () => {
    for (let room = 0; room < 500; room += 29) {
      const client = await connected()
      const sql = 'SELECT name FROM people WHERE id = $1'
      client.send((writer) => writer.parse('n', Buffer.from(sql), NO_TYPES).sync())
      await client.take()
      client.send((writer) =>
        writer
          .bind('', 'n', bindTail(['2']))
          .execute('', 0)
          .sync(),
      )
      await client.take()
      disk.limit(room)
      client.send((writer) =>
        writer
          .bind('', 'n', bindTail(['1']))
          .execute('', 0)
          .sync(),
      )
      const got = await client.take()
      disk.limit(Number.POSITIVE_INFINITY)
      const isShown = got.bytes.includes('Ann')
      const isRecorded = readFileSync(logOf(at.stack, client)).includes('Ann')
      assert.ok(!isShown || isRecorded, `with room for ${room} bytes`)
      assert.equal(isShown, !got.closed)
      client.vanish()
    }
  })
})

function logOf(stack: SessionStack, client: RawClient): string {
  const id = client.session?.id ?? ''
  const paths = readdirSync(join(stack.folder, 'sessions'), { recursive: true, encoding: 'utf8' })
  return join(stack.folder, 'sessions', paths.find((path) => path.includes(id)) ?? '')
}

const NO_TYPES = Buffer.alloc(0)

function codes({ errors }: { errors: readonly ReadonlyMap<string, string>[] }) {
  return errors.map((fields) => fields.get('C'))
}
