import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { decodeRowDescription } from '../../protocol/pg/backend.ts'
import { AWS_ID, AWS_SECRET, GITHUB, JWT, PEM } from '../broker/masking/detect/support.ts'
import { kindsOf, read } from '../protocol/log/second-reader.ts'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { BOB, type RawClient, SessionStack } from '../support/sessions.ts'

/** Values in columns that no mask is about, on every way to a client, on a real server. */

const CARD = '4111111111111111'
const SSN = '078-05-1120'
const SECRETS = [
  CARD,
  '5555555555554444',
  '4111-1111-1111-1111',
  SSN,
  JWT,
  AWS_ID,
  AWS_SECRET,
  GITHUB,
]
const KEY_LINE = 'MIIEpAIBAAKCAQEA'
const HIDDEN = [...SECRETS, KEY_LINE, 'bob@example.com']

const SETUP = `
CREATE ROLE app LOGIN PASSWORD 'app';
GRANT ALL ON SCHEMA public TO app;
SET ROLE app;
CREATE TYPE pair AS (label text, pan text, n bigint);
CREATE TYPE textrange AS RANGE (subtype = text);
CREATE DOMAIN remark AS text;
CREATE TABLE notes (
  id int, v text, c char(40), d remark, n bigint, m numeric, j json, b jsonb, x xml, a text[], p pair, q pair[],
  l bigint[], r textrange
);
CREATE TABLE cards (pan text PRIMARY KEY);
INSERT INTO cards VALUES ('${CARD}');
`
const VALUES = SECRETS.map((secret) => `aws_secret_access_key=${secret} there`).concat(
  PEM,
  'bob@example.com',
)

describe('detectors', () => {
  let server: RunningPostgres
  let admin: pg.Client
  let stack: SessionStack

  before(async () => {
    server = await startPostgres()
    admin = new pg.Client(server.url())
    await admin.connect()
    await admin.query(SETUP)
    const insert = `INSERT INTO notes SELECT $1::int, $2::text, left($2, 40), $2, ${CARD}, 378282246310005,
      json_build_object('n', ${CARD}, 'v', $2::text), jsonb_build_object('n', array[${CARD}], 'v', $2::text),
      xmlelement(name v, $2), array[$2, 'a "b"'], row('x', $2, ${CARD})::pair, array[row('x', $2, ${CARD})::pair],
      array[${CARD}, 5], textrange($2, $2 || 'z')`
    for (const [at, value] of VALUES.entries()) await admin.query(insert, [at, value])
    stack = await SessionStack.open({
      ...{ postgres: server, user: 'app', password: 'app', databases: ['postgres'], mask: [] },
      detect: '{email: redact}',
    })
  })
  after(async () => {
    assert.deepEqual(stack.faults, [])
    await stack.close()
    await admin.end()
    await server.stop()
  })

  const connected = (name: string, act: (client: RawClient) => Promise<void>) =>
    test(name, { timeout: 60_000 }, async () => {
      const client = await stack.client('postgres')
      await client.take()
      await act(client)
      client.vanish()
    })

  const clear = (bytes: Buffer) =>
    assert.deepEqual(
      HIDDEN.filter((one) => bytes.includes(one)),
      [],
    )

  const COLUMNS = ['v', 'c', 'd', 'n', 'm', 'j', 'b', 'x', 'a', 'p', 'q', 'l', 'r', 'notes']

  for (const column of COLUMNS) {
    connected(`${column}: as text and in binary, alone and in a row`, async (client) => {
      const sql = `SELECT ${column}, id FROM notes ORDER BY id`
      const text = await client.query(sql)
      clear(text.bytes)
      const binary = await client.extended(sql, [], true)
      clear(binary.bytes)
      assert.equal(text.types, `T${'D'.repeat(VALUES.length)}CZ`)
      assert.deepEqual(binaryNumbers(binary.bytes), [])
    })
  }

  connected('the target takes back every value that was covered', async (client) => {
    for (const column of COLUMNS.slice(0, -1)) {
      const { bytes } = await client.query(`SELECT ${column} FROM notes ORDER BY id`)
      const type = await typeOf(admin, column)
      for (const value of valuesOf(bytes)) await admin.query(`SELECT $1::${type}`, [value])
    }
  })

  connected('what is computed: joined, in capitals, in JSON, in EXPLAIN', async (client) => {
    const all = [
      `SELECT string_agg(v, ', ') || upper(string_agg(v, '|')) FROM notes`,
      'SELECT to_json(notes), row_to_json(notes)::text, notes::text FROM notes',
      `SELECT json_agg(v), array_agg(v), xmlagg(x) FROM notes`,
      `EXPLAIN (COSTS OFF) SELECT * FROM notes WHERE v = '${CARD}'`,
    ]
    for (const sql of all) clear((await client.query(sql)).bytes)
  })

  const COPIES = [
    'text',
    `text, DELIMITER '-'`,
    `text, DELIMITER '@'`,
    `text, DELIMITER ' '`,
    `text, DELIMITER '*'`,
    'csv',
    `csv, DELIMITER ' '`,
    `csv, DELIMITER '-', FORCE_QUOTE *`,
    `csv, QUOTE '1'`,
    `csv, QUOTE '-', ESCAPE '1'`,
    `csv, QUOTE 'e', ESCAPE '_'`,
    `csv, ESCAPE 'e'`,
  ]
  for (const options of COPIES) {
    connected(
      `COPY, ${options}: nothing comes out, and the target reads it again`,
      async (client) => {
        const columns = 'id, v, c, d, n, m, j, b, x, a, p, q, l, r'
        const { bytes, types } = await client.query(
          `COPY (SELECT ${columns} FROM notes ORDER BY id) TO STDOUT (FORMAT ${options})`,
        )
        assert.equal(types, `H${'d'.repeat(VALUES.length)}cCZ`)
        const decoded = await readBack(server, copyData(bytes), options)
        clear(Buffer.from(JSON.stringify(decoded)))
        assert.equal(decoded.length, VALUES.length)
      },
    )
  }

  connected('COPY in binary', async (client) => {
    const { bytes } = await client.query(
      'COPY (SELECT v, n, m, q, j FROM notes) TO STDOUT (FORMAT binary)',
    )
    clear(bytes)
    assert.deepEqual(binaryNumbers(bytes), [])
  })

  connected('rows and COPY data of any size, in little memory', async (client) => {
    const filler = `repeat('some words. ', 100000)`
    const value = `${filler} || string_agg(v, ' ' || ${filler}) || ${filler}`
    const sql = `SELECT ${value}, string_agg(v, '') FROM notes`
    const big = await client.query(sql)
    clear(big.bytes)
    const copied = await client.query(`COPY (${sql}) TO STDOUT`)
    clear(copied.bytes)
    const { rows } = await admin.query(
      `SELECT length(${value}) + length(string_agg(v, '')) AS n FROM notes`,
    )
    assert.ok(big.bytes.length > Number(rows[0].n))
    const stars = big.bytes.reduce((sum, byte) => sum + (byte === 0x2a ? 1 : 0), 0)
    assert.ok(stars > 0)
  })

  connected('errors, notices and notifications', async (client) => {
    const cast = await client.query('SELECT v::int FROM notes ORDER BY id')
    assert.equal(cast.errors[0]?.get('C'), '22P02')
    clear(cast.bytes)
    const twice = await client.query('INSERT INTO cards SELECT pan FROM cards')
    await stack.desk.approve(twice.held ?? '', BOB)
    const error = await client.take()
    assert.equal(error.errors[0]?.get('C'), '23505')
    clear(error.bytes)
    const raises = await client.query(
      `DO $$ BEGIN RAISE NOTICE 'a card: %', (SELECT min(pan) FROM cards); END $$`,
    )
    await stack.desk.approve(raises.held ?? '', BOB)
    clear((await client.take()).bytes)
    await client.query('LISTEN news')
    await admin.query(`NOTIFY news, 'mail bob@example.com, card ${CARD}'`)
    const told = await client.take(1, 'A')
    clear(told.bytes)
  })

  test('what is no find passes as it is, byte for byte', async () => {
    const plain = await SessionStack.open({
      ...{ postgres: server, user: 'app', password: 'app', databases: ['postgres'], mask: [] },
    })
    const clients = [await stack.client('postgres'), await plain.client('postgres')] as const
    const sql = `SELECT g, g * 1700000000000000::bigint, md5(g::text), gen.* FROM generate_series(1, 500) g,
      LATERAL (SELECT timestamptz '2024-01-01' + g * interval '1 hour', repeat('a.b-c d', g % 9), ('{"a":' || g || '}')::json) gen`
    const bytes: Buffer[] = []
    for (const client of clients) {
      await client.take()
      const got = [
        await client.query(sql),
        await client.query(`COPY (${sql}) TO STDOUT`),
        await client.extended(sql, [], true),
      ]
      bytes.push(Buffer.concat(got.map((each) => each.bytes)))
      client.vanish()
    }
    assert.deepEqual(bytes[0], bytes[1])
    await plain.close()
  })

  test('the record says what was found where, and never the value', async () => {
    const client = await stack.client('postgres')
    await client.take()
    await client.query('SELECT v, id FROM notes')
    await client.query('SELECT 1')
    client.vanish()
    const [log] = globSync(join(stack.folder, 'sessions', '*', `${client.session?.id}.hoop`))
    const bytes = readFileSync(log ?? '')
    clear(bytes)
    const kinds = kindsOf(readFileSync(new URL('../../docs/record.md', import.meta.url), 'utf8'))
    const reading = read(bytes, kinds)
    assert.equal(reading.wrong, null)
    const found = reading.entries.filter(({ kind }) => kind === 'found')
    assert.deepEqual(found, [
      {
        kind: 'found',
        ref: 1,
        where: ['v', 'v', 'v', 'v', 'v', 'v'],
        what: ['card', 'ssn', 'email', 'jwt', 'private_key', 'cloud_key'],
        counts: [3, 1, 1, 1, 1, 3],
      },
    ])
  })
})

/** A card as int8, and as the digits of a numeric. */
function binaryNumbers(bytes: Buffer): string[] {
  const int8 = Buffer.alloc(8)
  int8.writeBigInt64BE(BigInt(CARD))
  const numeric = Buffer.from('0004000300000000017a20360c260005', 'hex').subarray(8)
  return [int8, numeric].filter((one) => bytes.includes(one)).map((one) => one.toString('hex'))
}

async function typeOf(admin: pg.Client, column: string): Promise<string> {
  const { rows } = await admin.query(
    `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'notes'::regclass AND attname = $1`,
    [column],
  )
  return rows[0].type
}

/** The first column of every DataRow. */
function valuesOf(bytes: Buffer): (string | null)[] {
  assert.equal(decodeRowDescription(messages(bytes)[0]!).length, 1)
  return messages(bytes)
    .filter((message) => message[0] === 0x44)
    .map((message) => (message.readInt32BE(7) < 0 ? null : message.toString('utf8', 11)))
}

function copyData(bytes: Buffer): Buffer {
  return Buffer.concat(
    messages(bytes)
      .filter((message) => message[0] === 0x64)
      .map((message) => message.subarray(5)),
  )
}

function messages(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    found.push(bytes.subarray(at, end))
    at = end
  }
  return found
}

/** What another server makes of it: all columns as text. */
async function readBack(
  server: RunningPostgres,
  data: Buffer,
  options: string,
): Promise<unknown[]> {
  const client = new pg.Client(server.url())
  await client.connect()
  const path = `/tmp/hoop-detect-${process.pid}-${Date.now()}`
  const back = async (): Promise<unknown[]> => {
    // With the usual options by its types; others cover a quote and its escape by two characters.
    const names = 'id v c d n m j b x a p q l r'.split(' ').map((name) => `${name} text`)
    const shape = options === 'text' || options === 'csv' ? 'LIKE notes' : names.join(', ')
    await client.query(`CREATE TEMP TABLE back (${shape})`)
    const hex = data.toString('hex')
    const made = await client.query(`SELECT lo_from_bytea(0, decode($1, 'hex')) AS oid`, [hex])
    await client.query(`SELECT lo_export($1, $2)`, [made.rows[0].oid, path])
    await client.query(
      `COPY back FROM '${path}' (FORMAT ${options.replace(', FORCE_QUOTE *', '')})`,
    )
    const { rows } = await client.query('SELECT back::text AS row FROM back')
    return rows
  }
  return await back().finally(async () => {
    await rm(path, { force: true })
    await client.end()
  })
}
