import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import pg from 'pg'
import { Cursor } from '../../protocol/bytes/cursor.ts'
import { BACKEND_RULES } from '../../protocol/pg/backend.ts'
import { Framer } from '../../protocol/pg/framer.ts'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { BOB, type Exchange, type RawClient, SessionStack } from '../support/sessions.ts'

/** What a session makes for itself: temporary tables, and all that its open transaction made or changed. */

const SECRET = '078-05-1120'
const SETUP = `
CREATE ROLE app LOGIN PASSWORD 'app';
GRANT ALL ON SCHEMA public TO app;
CREATE FUNCTION loud() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
SET ROLE app;
CREATE TABLE people (id int PRIMARY KEY, name text, ssn text);
INSERT INTO people VALUES (1, 'Ann', '${SECRET}'), (2, 'Ben', '219-09-9999');
CREATE VIEW names AS SELECT id, name AS shown FROM people;
CREATE FUNCTION quiet() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE TABLE locked (id int);
CREATE VIEW over_locked AS SELECT id FROM locked;
`

type Copy = readonly [
  what: string,
  making: readonly string[],
  masked: readonly (readonly [text: string, shown: readonly string[]])[],
]

const COPIES: readonly Copy[] = [
  [
    'made from a query',
    ['CREATE TEMP TABLE c AS SELECT id, ssn AS v, length(ssn) AS n FROM people WHERE id = 1'],
    [
      ['SELECT * FROM c', ['1', '***', 'NULL']],
      ['SELECT upper(v), id FROM c', ['***', '1']],
      ['SELECT c.v::varchar FROM c', ['***']],
      ['SELECT id + 1 FROM c', ['2']],
    ],
  ],
  [
    'made by SELECT INTO',
    ['SELECT id, ssn AS v INTO TEMP c FROM people WHERE id = 1'],
    [['SELECT id, lower(v) FROM c', ['1', '***']]],
  ],
  [
    'made by a prepared statement',
    [
      'PREPARE p AS SELECT id, ssn AS v FROM people WHERE id = 1',
      'CREATE TEMP TABLE c AS EXECUTE p',
    ],
    [['SELECT lower(v) FROM c', ['***']]],
  ],
  [
    'made by EXPLAIN ANALYZE',
    ['EXPLAIN ANALYZE CREATE TEMP TABLE c AS SELECT ssn AS v FROM people WHERE id = 1'],
    [['SELECT lower(v) FROM c', ['***']]],
  ],
  [
    'added',
    [
      'CREATE TEMP TABLE c (id int, v text)',
      'INSERT INTO c (v) SELECT ssn FROM people WHERE id = 1',
    ],
    [['SELECT v FROM c', ['***']]],
  ],
  [
    'changed',
    [
      "CREATE TEMP TABLE c AS SELECT 1 AS id, '' AS v",
      'UPDATE c SET v = p.ssn FROM people p WHERE p.id = c.id',
    ],
    [['SELECT id, lower(v) FROM c', ['1', '***']]],
  ],
  [
    'copied again',
    [
      'CREATE TEMP TABLE b AS SELECT ssn FROM people WHERE id = 1',
      'CREATE TEMP TABLE c AS SELECT ssn || ssn AS v FROM b',
    ],
    [['SELECT lower(v) FROM c', ['***']]],
  ],
  [
    'under another name, and in another column',
    [
      'CREATE TEMP TABLE c AS SELECT ssn AS v, 1 AS id FROM people WHERE id = 1',
      'ALTER TABLE c RENAME v TO w',
      'ALTER TABLE c RENAME TO d',
      'ALTER TABLE d ALTER id TYPE text USING w',
    ],
    [['SELECT lower(w), lower(id) FROM d', ['***', '***']]],
  ],
  [
    'made and renamed in one request',
    ['CREATE TEMP TABLE c AS SELECT ssn AS v FROM people WHERE id = 1; ALTER TABLE c RENAME TO d'],
    [['SELECT lower(v) FROM d', ['***']]],
  ],
  [
    'by code that hoop cannot read',
    [
      'CREATE TEMP TABLE c (v text)',
      "DO $$ BEGIN EXECUTE 'INSERT INTO c SELECT ssn FROM people WHERE id = 1'; END $$",
      "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE d AS SELECT ssn AS v FROM people WHERE id = 1'; END $$",
    ],
    [
      ['SELECT lower(v) FROM c', ['***']],
      ['SELECT lower(v) FROM d', ['***']],
    ],
  ],
  [
    'through a view over it',
    [
      'CREATE TEMP TABLE c AS SELECT ssn AS v FROM people WHERE id = 1',
      'CREATE TEMP VIEW over_c AS SELECT lower(v) AS w FROM c',
    ],
    [['SELECT upper(w) FROM over_c', ['***']]],
  ],
]

describe('what a session makes for itself', () => {
  let server: RunningPostgres
  let admin: pg.Client
  let stack: SessionStack
  let client: RawClient

  before(async () => {
    server = await startPostgres()
    admin = new pg.Client(server.url())
    await admin.connect()
    await admin.query(SETUP)
    stack = await SessionStack.open({
      ...{ postgres: server, user: 'app', password: 'app', databases: ['postgres'] },
      mask: ['people.ssn'],
    })
  })
  after(async () => {
    await stack.close()
    await admin.end()
    await server.stop()
  })

  // What it has left open holds locks.
  afterEach(() => client.vanish())

  /** A session of its own, in which the approver has let all of this run. */
  async function session(...texts: string[]): Promise<void> {
    client = await stack.client('postgres')
    await client.take()
    for (const text of texts) await approved(text)
  }

  async function approved(text: string): Promise<Exchange> {
    const got = await client.query(text)
    if (got.held === null) {
      assert.deepEqual(codes(got), [], text)
      return got
    }
    await stack.desk.approve(got.held, BOB)
    const done = await client.take()
    assert.deepEqual(codes(done), [], text)
    return done
  }

  /** Of a read that nobody is asked about. */
  async function rows(text: string): Promise<string[]> {
    const simple = await client.query(text)
    assert.deepEqual([simple.held, codes(simple)], [null, []], text)
    assert.ok(!simple.bytes.includes(SECRET), text)
    const extended = await client.extended(text)
    assert.deepEqual([extended.held, codes(extended)], [null, []], text)
    assert.deepEqual(cells(extended), cells(simple), text)
    return cells(simple)
  }

  async function isHeld(text: string): Promise<boolean> {
    const got = await client.query(text)
    if (got.held === null) return false
    await stack.desk.reject(got.held, BOB, 'no')
    await client.take()
    return true
  }

  describe('in temporary tables', () => {
    test('is read as it is where nothing of it is masked', async () => {
      await session('CREATE TEMP TABLE t AS SELECT id, name FROM people')
      assert.deepEqual(await rows('SELECT * FROM t ORDER BY id'), ['1', 'Ann', '2', 'Ben'])
      assert.deepEqual(await rows('SELECT upper(name) FROM t WHERE id = 1'), ['ANN'])
      await approved("INSERT INTO t VALUES (3, 'Cid'); UPDATE t SET name = 'Dot' WHERE id = 2")
      assert.deepEqual(await rows('SELECT t.name FROM t ORDER BY id'), ['Ann', 'Dot', 'Cid'])
      assert.deepEqual(await rows('SELECT name FROM pg_temp.t WHERE id = 3'), ['Cid'])
    })

    test('is each session of its own, whatever others call theirs', async () => {
      await session('CREATE TEMP TABLE mine AS SELECT 1 AS a, ssn AS b FROM people')
      const first = client
      await session("CREATE TEMP TABLE mine AS SELECT 'open' AS b")
      assert.deepEqual(await rows('SELECT lower(b) FROM mine'), ['open'])
      const second = client
      client = first
      assert.deepEqual(await rows('SELECT * FROM mine LIMIT 1'), ['1', '***'])
      assert.deepEqual(await rows('SELECT lower(b) FROM mine LIMIT 1'), ['***'])
      second.vanish()
    })

    for (const [what, making, masked] of COPIES) {
      test(`keeps its masks: ${what}`, async () => {
        await session(...making)
        for (const [text, shown] of masked) assert.deepEqual(await rows(text), shown, text)
      })
    }

    test('tells no more of a copy than of what it was copied from', async () => {
      await session('CREATE TEMP TABLE c AS SELECT ssn FROM people')
      for (const text of ["SELECT 1 FROM c WHERE ssn LIKE '0%'", 'SELECT 1 FROM c ORDER BY ssn'])
        assert.deepEqual(codes(await client.query(text)), ['42501'], text)
    })

    test('tells it from the moment on at which it is copied', async () => {
      await session('CREATE TEMP TABLE c (id int, v text)')
      const text = "SELECT id FROM c WHERE v LIKE '0%'"
      assert.deepEqual(await rows(text), [])
      await approved('INSERT INTO c SELECT id, ssn FROM people')
      assert.deepEqual(codes(await client.query(text)), ['42501'])
    })

    test('keeps its masks in the request that copies', async () => {
      await session('CREATE TEMP TABLE c (v text)')
      const got = await approved(
        'INSERT INTO c SELECT ssn FROM people; SELECT v FROM c; SELECT upper(v) FROM c',
      )
      assert.ok(!got.bytes.includes(SECRET))
      const insert = 'INSERT INTO c SELECT ssn FROM people RETURNING v'
      for (const text of [insert, `WITH x AS (${insert}) SELECT upper(v) FROM x`])
        assert.ok(!(await approved(text)).bytes.includes(SECRET), text)
      const made = await approved('CREATE TEMP TABLE d AS SELECT ssn v FROM people; TABLE d')
      assert.ok(!made.bytes.includes(SECRET))
    })
  })

  describe('in a transaction', () => {
    test('is read there, and nowhere else', async () => {
      await session(
        'BEGIN',
        'CREATE TABLE fresh (id int, v text)',
        "INSERT INTO fresh VALUES (1, 'x')",
      )
      assert.deepEqual(await rows('SELECT * FROM fresh'), ['1', 'x'])
      await approved('CREATE VIEW fresh_view AS SELECT upper(v) AS u FROM fresh')
      await approved("CREATE FUNCTION fresh_fn() RETURNS int LANGUAGE sql AS 'SELECT 2'")
      await approved("CREATE TYPE mood AS ENUM ('sad', 'ok')")
      assert.deepEqual(await rows('SELECT u, fresh_fn() FROM fresh_view'), ['X', '2'])
      assert.deepEqual(await rows("SELECT 'ok'::mood"), ['ok'])
      const own = client
      await session()
      assert.deepEqual(codes(await client.query('SELECT * FROM fresh')), ['42P01'])
      client = own
      await client.query('COMMIT')
      assert.deepEqual(await rows('SELECT u FROM fresh_view'), ['X'])
      await approved('DROP TABLE fresh CASCADE; DROP FUNCTION fresh_fn; DROP TYPE mood')
    })

    test('is gone when it is undone', async () => {
      await session(
        'BEGIN',
        'CREATE TABLE kept (id int)',
        'SAVEPOINT s',
        'CREATE TABLE lost (id int)',
      )
      assert.deepEqual(await rows('SELECT * FROM lost'), [])
      await client.query('ROLLBACK TO s')
      assert.deepEqual(await rows('SELECT * FROM kept'), [])
      assert.deepEqual(codes(await client.query('SELECT * FROM lost')), ['42P01'])
      await client.query('ROLLBACK')
      assert.deepEqual(codes(await client.query('SELECT * FROM kept')), ['42P01'])
    })

    test('keeps its masks: a copy that is not committed', async () => {
      await session('BEGIN', 'CREATE TABLE copied AS SELECT id, ssn AS v FROM people')
      assert.deepEqual(await rows('SELECT * FROM copied ORDER BY id'), ['1', '***', '2', '***'])
      assert.deepEqual(await rows('SELECT reverse(v) FROM copied'), ['***', '***'])
      await client.query('ROLLBACK')
    })

    test('keeps its masks: columns that change their names', async () => {
      await session('BEGIN')
      const swap = ['ssn TO was_ssn', 'name TO ssn', 'was_ssn TO name']
      for (const each of swap) await approved(`ALTER TABLE people RENAME ${each}`)
      for (const text of ['SELECT name FROM people', 'SELECT upper(name) FROM people'])
        assert.deepEqual(await rows(text), ['***', '***'], text)
      // The view shows the column that it showed before.
      assert.ok(!(await client.query('SELECT upper(shown) FROM names')).bytes.includes(SECRET))
      await client.query('ROLLBACK')
      assert.deepEqual(await rows('SELECT upper(shown) FROM names ORDER BY id'), ['ANN', 'BEN'])
    })

    test('keeps its masks: a view that is replaced', async () => {
      await session('BEGIN')
      assert.deepEqual(await rows('SELECT upper(shown) FROM names ORDER BY id'), ['ANN', 'BEN'])
      await approved('CREATE OR REPLACE VIEW names AS SELECT id, ssn AS shown FROM people')
      assert.deepEqual(await rows('SELECT upper(shown) FROM names'), ['***', '***'])
      await client.query('ROLLBACK')
    })

    test('is held where it runs code that hoop cannot read', async () => {
      await session('BEGIN')
      assert.deepEqual(await rows('SELECT quiet()'), ['1'])
      await approved(`CREATE OR REPLACE FUNCTION quiet() RETURNS int LANGUAGE plpgsql
        AS 'BEGIN RETURN 1; END'`)
      assert.equal(await isHeld('SELECT quiet()'), true)
      await client.query('ROLLBACK')
      assert.deepEqual(await rows('SELECT quiet()'), ['1'])
    })

    test('a table that poses as the catalogue tells nothing', async () => {
      const poses = ['pg_class', 'pg_proc', 'pg_attribute', 'pg_namespace', 'pg_rewrite', 'pg_type']
      await session('BEGIN')
      for (const name of poses) await approved(`CREATE TEMP TABLE ${name} (oid oid, name text)`)
      await approved('CREATE TABLE fresh (id int)')
      assert.deepEqual(await rows('SELECT * FROM public.fresh'), [])
      assert.equal(await isHeld('SELECT loud()'), true)
      await client.query('ROLLBACK')
    })

    test('is unknown, and held, where the transaction does not see what others commit', async () => {
      await session('BEGIN ISOLATION LEVEL REPEATABLE READ', 'CREATE TABLE fresh (id int)')
      assert.equal(await isHeld('SELECT * FROM fresh'), true)
      await client.query('ROLLBACK')
    })

    test('is unknown, and held, as long as somebody keeps it from being looked at', async () => {
      await admin.query('BEGIN; LOCK locked IN ACCESS EXCLUSIVE MODE')
      await session('BEGIN', 'CREATE TEMP TABLE c AS SELECT ssn AS v FROM people')
      assert.equal(await isHeld('SELECT upper(v) FROM c'), true)
      await client.query('ROLLBACK')
      await session('BEGIN', 'CREATE TEMP TABLE c AS SELECT ssn AS v FROM people', 'COMMIT')
      await admin.query('ROLLBACK')
      assert.deepEqual(await rows('SELECT upper(v) FROM c'), ['***', '***'])
    })

    test('search_path and settings are as the client has set them', async () => {
      await session('BEGIN', "SET LOCAL statement_timeout = '7s'", 'SET LOCAL search_path = public')
      await approved('CREATE TABLE fresh (id int)')
      assert.deepEqual(await rows('SELECT * FROM fresh'), [])
      assert.deepEqual(await rows('SHOW statement_timeout'), ['7s'])
      assert.deepEqual(await rows('SHOW search_path'), ['public'])
      await client.query('ROLLBACK')
    })
  })
})

function codes({ errors }: Exchange) {
  return errors.map((fields) => fields.get('C'))
}

/** Of all DataRow messages, one after the other. */
function cells({ bytes }: Exchange): string[] {
  const framer = new Framer({ ...BACKEND_RULES, stream: new Set() })
  framer.push(bytes)
  const found: string[] = []
  for (let frame = framer.next(); frame !== null; frame = framer.next()) {
    if (frame.type !== 0x44) continue
    const cursor = new Cursor(frame.bytes, 5)
    for (let left = cursor.uint16(); left > 0; left--) {
      const length = cursor.int32()
      found.push(length < 0 ? 'NULL' : cursor.slice(length).toString())
    }
  }
  return found
}
