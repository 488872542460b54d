import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { secretsIn } from '../support/secrets.ts'
import { BOB, bindTail, type Exchange, type RawClient, SessionStack } from '../support/sessions.ts'

/** Cases of the wire that need a whole session: masks, approvals, more than one connection. */

const SECRET = '078-05-1120'
const SETUP = `
CREATE ROLE app LOGIN PASSWORD 'app';
GRANT ALL ON SCHEMA public TO app;
SET ROLE app;
CREATE TABLE people (id int PRIMARY KEY, name text, ssn text UNIQUE NOT NULL);
INSERT INTO people VALUES (1, 'Ann', '${SECRET}'), (2, 'Ben', '219-09-9999');
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, 'one'), (2, 'two');
`

describe('the wire, through whole sessions', () => {
  let server: RunningPostgres
  let admin: pg.Client
  let stack: SessionStack

  before(async () => {
    server = await startPostgres()
    admin = new pg.Client(server.url())
    await admin.connect()
    await admin.query(SETUP)
    const way = { postgres: server, user: 'app', password: 'app' }
    const databases = ['postgres'] as const
    stack = await SessionStack.open({ ...way, databases, mask: ['people.ssn'] })
  })
  after(async () => {
    assert.deepEqual(stack.faults, [])
    await stack.close()
    await admin.end()
    await server.stop()
  })

  const connected = (name: string, act: (client: RawClient) => Promise<void>) =>
    test(name, { timeout: 30_000 }, async () => {
      const client = await stack.client('postgres')
      await client.take()
      await act(client)
      client.vanish()
    })

  /** What it asks for is approved; gives what comes then. */
  async function approved(client: RawClient, got: Exchange): Promise<Exchange> {
    assert.ok(got.held, `not held: ${got.types}`)
    await stack.desk.approve(got.held, BOB)
    return await client.take()
  }

  async function values(sql: string): Promise<unknown[]> {
    return (await admin.query({ text: sql, rowMode: 'array' })).rows.flat()
  }

  connected('PG-30, PG-83: a value of 60 MB, and 1,600 columns', async (client) => {
    const long = await client.query("SELECT repeat('x', 60000000)")
    assert.deepEqual([long.types, long.bytes.length > 60_000_000], ['TDCZ', true])
    const columns = Array.from({ length: 1_600 }, (_, i) => `${i} AS c${i}`)
    const wide = await client.query(`SELECT ${columns} FROM generate_series(1, 100)`)
    assert.equal(wide.types, `T${'D'.repeat(100)}CZ`)
  })

  connected(
    'PG-44: a suspended portal lives through Sync in a block, and not outside',
    async (client) => {
      const open = (sql: string) =>
        say(client, (writer) => {
          writer.parse('', Buffer.from(sql), NO_TYPES).bind('p', '', bindTail([]))
          writer.execute('p', 1).sync()
        })
      const more = () => say(client, (writer) => writer.execute('p', 1).sync())
      await client.query('BEGIN')
      assert.equal((await open('SELECT id FROM t ORDER BY 1')).types, '12DsZ')
      assert.equal((await more()).types, 'DsZ')
      await client.query('COMMIT')
      assert.deepEqual(codes(await more()), ['34000'])
      assert.equal((await open('SELECT id FROM t ORDER BY 1')).types, '12DsZ')
      assert.deepEqual(codes(await more()), ['34000'])
    },
  )

  connected(
    'PG-63: nothing of the broker ends the implicit transaction of a pipeline',
    async (client) => {
      const got = await say(client, (writer) => {
        runs(writer, "INSERT INTO t VALUES (10, 'a')")
        runs(writer, 'SELECT 1')
        runs(writer, 'SELECT 1/0').sync()
      })
      assert.deepEqual(codes(await approved(client, got)), ['22012'])
      assert.deepEqual(await values('SELECT v FROM t WHERE id = 10'), [])
    },
  )

  connected('PG-73: ParameterStatus is no way out for a value', async (client) => {
    const texts = [
      "SELECT set_config('application_name', ssn, false) FROM people",
      "DO $$ BEGIN PERFORM set_config('application_name', ssn, false) FROM people; END $$",
    ]
    for (const text of texts) {
      const got = await client.query(text)
      const all = got.held === null ? got : await approved(client, got)
      assert.deepEqual(secretsIn(all.bytes, NOTHING), [], text)
    }
  })

  connected('PG-74: 20,000 notices, and who may ask for more of them', async (client) => {
    const flood = `DO $$ BEGIN FOR i IN 1..20000 LOOP RAISE NOTICE '${SECRET}%', i; END LOOP; END $$`
    const got = await approved(client, await client.query(flood))
    assert.match(got.types, /^N{20000,}CZ$/)
    assert.deepEqual(secretsIn(got.bytes, NOTHING), [])
    for (const level of ['debug5', 'debug1', 'log', 'info']) {
      assert.deepEqual(codes(await client.query(`SET client_min_messages = ${level}`)), ['42501'])
    }
  })

  connected('PG-75: a notification tells no protected value', async (client) => {
    const heard = await stack.client('postgres')
    await heard.take()
    assert.equal((await heard.query('LISTEN c')).types, 'CZ')
    await admin.query(`NOTIFY c, '${SECRET}'`)
    await approved(client, await client.query("SELECT pg_notify('c', ssn) FROM people"))
    const { bytes, types } = await heard.query('SELECT 1')
    assert.equal(types.replaceAll(/[^A]/g, ''), 'AAA')
    assert.deepEqual(secretsIn(bytes, NOTHING), [])
    const own = await approved(heard, await heard.query("NOTIFY c, 'said by myself'"))
    assert.ok(own.bytes.includes('said by myself'))
    const copied = await approved(
      heard,
      await heard.query("SELECT pg_notify('c', ssn) FROM people"),
    )
    assert.match(copied.types, /A/)
    assert.deepEqual(secretsIn(copied.bytes, NOTHING), [])
    heard.vanish()
  })

  connected('PG-76: no field of an error carries a value', async (client) => {
    const twice = 'INSERT INTO people SELECT 9, name, ssn FROM people WHERE id = 1'
    const failing = 'INSERT INTO people SELECT 9, ssn, NULL FROM people WHERE id = 1'
    for (const [text, code] of [
      ['SELECT ssn::int FROM people', '22P02'],
      ['SELECT 1 / (length(ssn) - 11) FROM people', '22012'],
      [twice, '23505'],
      [failing, '23502'],
    ] as const) {
      const got = await client.query(text)
      const all = got.held === null ? got : await approved(client, got)
      assert.deepEqual(codes(all), [code], text)
      assert.deepEqual(secretsIn(all.bytes, NOTHING), [])
      for (const field of 'DHWq') assert.equal(all.errors[0]?.get(field), undefined)
    }
  })

  connected('PG-79: copies among other statements of one Query', async (client) => {
    const out = await client.query('SELECT 1; COPY t TO STDOUT; SELECT 2')
    assert.equal(out.types, 'TDCHddcCTDCZ')
    const both = await client.query('COPY t FROM STDIN; SELECT 1; COPY t TO STDOUT')
    assert.deepEqual([codes(both), both.status], [['0A000'], 'I'])
  })

  connected('PG-80: COPY is masked by column, whatever its format looks like', async (client) => {
    const formats = [
      "DELIMITER '-'",
      "FORMAT csv, QUOTE '0', FORCE_QUOTE *",
      "FORMAT csv, DELIMITER '0', NULL '1'",
      'FORMAT binary',
    ]
    for (const format of formats) {
      const got = await client.query(`COPY people TO STDOUT (${format})`)
      assert.match(got.types, /^Hd+cCZ$/)
      assert.deepEqual(secretsIn(got.bytes, NOTHING), [], format)
      assert.ok(got.bytes.includes('Ann'))
    }
  })

  connected(
    'PG-85: a client that is gone while its approved write runs: it is finished and recorded',
    async (client) => {
      const slow = "INSERT INTO t SELECT 20, 'slow' FROM pg_sleep(0.2)"
      const { held } = await client.query(slow)
      assert.ok(held)
      await stack.desk.approve(held, BOB)
      const isRunning = `SELECT FROM pg_stat_activity WHERE query LIKE '%0.2)' AND state = 'active' AND pid <> pg_backend_pid()`
      while ((await admin.query(isRunning)).rowCount === 0) await new Promise(setImmediate)
      client.vanish()
      let request = await stack.desk.get(held)
      while (request.outcome === null) {
        await new Promise(setImmediate)
        request = await stack.desk.get(held)
      }
      const rows = await values('SELECT count(*)::int FROM t WHERE id = 20')
      assert.deepEqual([request.outcome.status, rows], ['ok', [1]])
    },
  )

  const whileItsReadRuns = (how: string, leave: (client: RawClient) => void) =>
    connected(
      `a client that ${how} while its read runs: cancelled at the target`,
      async (client) => {
        const sleeping = `SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()`
        client.send((writer) => writer.query('SELECT pg_sleep(600)'))
        while ((await admin.query(sleeping)).rowCount === 0) await new Promise(setImmediate)
        leave(client)
        while ((await admin.query(sleeping)).rowCount !== 0) await new Promise(setImmediate)
        const other = await stack.client('postgres')
        await other.take()
        assert.equal((await other.query('SELECT 1')).types, 'TDCZ', 'others are not touched')
        other.vanish()
      },
    )

  whileItsReadRuns('is gone', (client) => client.vanish())
  whileItsReadRuns('says Terminate', (client) => client.terminate())

  connected('a client that is gone while it does not read: the same', async (client) => {
    const many = 'SELECT i, repeat(chr(65), 1000) FROM generate_series(1, 10000000) i'
    const busy = `SELECT FROM pg_stat_activity WHERE query LIKE '%10000000) i' AND state = 'active' AND pid <> pg_backend_pid()`
    client.reads = false
    client.send((writer) => writer.query(many))
    while (client.unread === 0) await new Promise(setImmediate)
    client.vanish()
    while ((await admin.query(busy)).rowCount !== 0) await new Promise(setImmediate)
  })

  test('AP-25: one more than may wait is refused, and the session goes on', async () => {
    const way = { postgres: server, user: 'app', password: 'app', databases: ['postgres'] as const }
    const strict = await SessionStack.open({ ...way, mask: [], maxPending: 1 })
    const [first, second] = [await strict.client('postgres'), await strict.client('postgres')]
    await Promise.all([first.take(), second.take()])
    const write = "UPDATE t SET v = 'x' WHERE id = 1"
    assert.ok((await first.query(write)).held)
    const refused = await second.query(write)
    assert.deepEqual([codes(refused), refused.status], [['53400'], 'I'])
    assert.match(refused.errors[0]?.get('M') ?? '', /1 requests? of yours waits? on pg-prod/)
    assert.equal((await second.query('SELECT 1')).types, 'TDCZ')
    first.cancel()
    await first.take()
    assert.ok((await second.extended(write)).held)
    assert.deepEqual(strict.faults, [])
    for (const each of [first, second]) each.vanish()
    await strict.close()
  })

  connected('AP-23: what says that a statement is held does not repeat it', async (client) => {
    const { held, bytes } = await client.query(`UPDATE t SET v = '${SECRET}' WHERE id = 1`)
    assert.ok(held)
    assert.deepEqual(secretsIn(bytes, NOTHING), [])
    client.cancel()
    await client.take()
  })

  connected('PG-90: nothing of one client is left for the next', async (client) => {
    const pid = 'SELECT pg_backend_pid()'
    await client.query('SET search_path = pg_catalog; PREPARE mine AS SELECT 1; LISTEN c')
    await approved(client, await client.query('CREATE TEMP TABLE mine (i int)'))
    const first = await client.query(pid)
    client.vanish()
    const other = await stack.client('postgres')
    await other.take()
    const got = await other.query(pid)
    assert.notDeepEqual(got.bytes, first.bytes)
    assert.deepEqual(codes(await other.query('EXECUTE mine')), ['26000'])
    assert.deepEqual(codes(await other.query('SELECT * FROM pg_temp.mine')), ['42P01'])
    assert.ok((await other.query('SHOW search_path')).bytes.includes('"$user", public'))
    other.vanish()
  })

  connected('PG-93: syntax that only this server, or only our parser, knows', async (client) => {
    const [version] = (await values("SELECT current_setting('server_version_num')::int")) as [
      number,
    ]
    for (const [text, since, held] of [
      ['SELECT (1_0)', 160000, false],
      ['SELECT\v1', 170000, false],
      [`SELECT * FROM json_table('[{"a":1}]', '$[*]' COLUMNS (a int PATH '$.a'))`, 170000, false],
      [
        'MERGE INTO t USING (VALUES (1)) s(i) ON t.id = s.i WHEN NOT MATCHED BY SOURCE THEN DELETE',
        170000,
        true,
      ],
      ["UPDATE t SET v = 'x' RETURNING old.v, new.v", 180000, true],
      ["DELETE FROM t WHERE v = 'a' -- c\n 'b'", 0, true],
    ] as const) {
      const got = await client.query(text)
      if (version < since) assert.equal(got.errors.length, 1, text)
      else assert.deepEqual([got.held !== null, got.errors.length], [held, 0], text)
      if (got.held === null) continue
      client.cancel()
      await client.take()
    }
  })
})

async function say(client: RawClient, write: Parameters<RawClient['send']>[0]): Promise<Exchange> {
  client.send(write)
  return await client.take()
}

function runs(writer: Parameters<Parameters<RawClient['send']>[0]>[0], sql: string) {
  return writer.parse('', Buffer.from(sql), NO_TYPES).bind('', '', bindTail([])).execute('', 0)
}

function codes({ errors }: Exchange): (string | undefined)[] {
  return errors.map((fields) => fields.get('C'))
}

const NO_TYPES = Buffer.alloc(0)
const NOTHING = Buffer.alloc(0)
