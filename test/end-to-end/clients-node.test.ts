import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pg from 'pg'
import postgres from 'postgres'
import { driven } from '../support/driven.ts'

/** Node's two drivers: each does the same at the local port and at the target, and sees the same. */

type Steps = Record<string, () => Promise<unknown>>

describe("Node's drivers", () => {
  const at = driven()

  const target = () => {
    const { host, port: number, user, password, database } = at.demo.ready.target
    return `postgres://${user}:${password}@${host}:${number}/${database}`
  }

  const same = async (drive: (url: string) => Promise<string[]>) => {
    const direct = await drive(target())
    assert.deepEqual(await drive(at.port.ready.url), direct)
    assert.ok(at.bob.take() > 0, 'its writes were approved')
  }

  test('pg: simple, with parameters, prepared, in transactions', () => same(withPg))
  test('postgres: pipelines, transactions, cursors, COPY, cancel', () => same(withPostgres))

  test('a table that was made in a transaction is known once it is committed', async () => {
    const client = await at.port.client()
    try {
      await client.query('BEGIN')
      await client.query('CREATE TABLE made (id serial PRIMARY KEY, a text)')
      await client.query('COMMIT')
      const made = await client.query("INSERT INTO made (a) VALUES ('x') RETURNING id, a")
      assert.deepEqual(made.rows, [{ id: 1, a: 'x' }])
      assert.deepEqual((await client.query('SELECT a FROM made')).rows, [{ a: 'x' }])
    } finally {
      await client.query('DROP TABLE IF EXISTS made')
      await client.end()
    }
  })

  test('a temporary table can be read by whom it was approved for', async () => {
    const client = await at.port.client()
    try {
      await client.query('CREATE TEMP TABLE scratch (id serial, a text)')
      await client.query("INSERT INTO scratch (a) VALUES ('x')")
      const { rows } = await client.query("SELECT a, currval('scratch_id_seq') AS id FROM scratch")
      assert.deepEqual(rows, [{ a: 'x', id: '1' }])
    } finally {
      await client.end()
    }
  })
})

async function withPg(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const query = async (text: string, values?: unknown[]) => {
    const answer = await client.query({ text, values: values ?? [] } as pg.QueryConfig)
    return [answer.command, answer.rowCount, answer.rows]
  }
  const byName = { name: 'by-id', text: 'SELECT id, item FROM orders WHERE id = $1' }
  const prepared = async (id: number) => (await client.query({ ...byName, values: [id] })).rows
  const answers = await run({
    select: () => query('SELECT 1 AS one, $1::text AS text', ['x']),
    simple: async () =>
      ((await client.query('SELECT 1 AS a; SELECT 2 AS b')) as unknown as pg.QueryResult[]).map(
        ({ rows }) => rows,
      ),
    'prepared, first': () => prepared(1),
    'prepared, again': () => prepared(2),
    create: () => query('CREATE TABLE n1 (id serial PRIMARY KEY, a text, at date DEFAULT now())'),
    insert: () => query('INSERT INTO n1 (a) VALUES ($1), ($2) RETURNING id, a', ['x', 'y']),
    begin: () => query('BEGIN'),
    update: () => query('UPDATE n1 SET a = $1 WHERE id = $2', ['z', 1]),
    error: () => query('SELECT 1/0'),
    aborted: () => query('SELECT 1'),
    rollback: () => query('ROLLBACK'),
    'as it was': () => query('SELECT a FROM n1 ORDER BY id'),
    'two writes in one': () => client.query("DELETE FROM n1; INSERT INTO n1 (a) VALUES ('only')"),
    left: () => query('SELECT a FROM n1'),
    drop: () => query('DROP TABLE n1'),
    missing: () => query('SELECT * FROM n1'),
  })
  await client.end()
  return answers
}

async function withPostgres(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  const insert = (a: string) => sql`INSERT INTO n2 (a) VALUES (${a}) RETURNING a`
  const answers = await run({
    select: () => sql`SELECT ${1}::int AS one, ${'x'}::text AS text`,
    'several at once': () =>
      Promise.all([1, 2, 3].map((id) => sql`SELECT item FROM orders WHERE id = ${id}`)),
    create: () => sql`CREATE TABLE n2 (id serial PRIMARY KEY, a text)`,
    insert: () => insert('x'),
    'writes at once': () => Promise.all(['a', 'b', 'c'].map(insert)),
    transaction: () =>
      sql.begin((sql) => [sql`INSERT INTO n2 (a) VALUES ('t')`, sql`SELECT count(*) FROM n2`]),
    'failed transaction': () => sql.begin((sql) => [sql`DELETE FROM n2`, sql`SELECT 1/0`]),
    savepoint: () =>
      sql.begin(async (sql) => {
        await sql.savepoint((sql) => sql`SELECT 1/0`).catch(() => undefined)
        return sql`SELECT count(*) FROM n2`
      }),
    cursor: async () => {
      const pages: number[] = []
      await sql`SELECT id FROM orders`.cursor(10, (rows) => {
        pages.push(rows.length)
      })
      return pages
    },
    'copy out': async () => {
      const chunks: Buffer[] = []
      for await (const chunk of await sql`COPY orders (id, item) TO STDOUT`.readable())
        chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    },
    'copy in': async () => {
      const copy = await sql`COPY n2 (a) FROM STDIN`.writable()
      await new Promise<void>((resolve, reject) => {
        copy.on('error', reject).on('finish', resolve).end('c\nd\n')
      })
      return sql`SELECT a FROM n2 ORDER BY id`
    },
    cancel: async () => {
      const slow = sql`SELECT pg_sleep(20)`.execute()
      setTimeout(() => slow.cancel(), 500)
      return slow
    },
    simple: () => sql.unsafe('SELECT 1 AS a; SELECT 2 AS b'),
    describe: async () =>
      (await sql`SELECT id, item FROM orders`.describe()).columns.map(({ name, type }) => [
        name,
        type,
      ]),
    drop: () => sql`DROP TABLE n2`,
  })
  await sql.end()
  return answers
}

async function run(steps: Steps): Promise<string[]> {
  const answers: string[] = []
  for (const [name, step] of Object.entries(steps)) {
    answers.push(`${name}: ${await step().then(told, refused)}`)
  }
  return answers
}

function told(answer: unknown): string {
  const [command, count] = [
    Reflect.get(Object(answer), 'command'),
    Reflect.get(Object(answer), 'count'),
  ]
  return JSON.stringify([command, count, answer])
}

function refused(error: Error & { code?: string }): string {
  return `${error.code} ${error.message}`
}
