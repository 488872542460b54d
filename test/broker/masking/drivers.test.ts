import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import postgres from 'postgres'
import { planRows } from '../../../broker/masking/plan.ts'
import { type MaskRule, protectColumns } from '../../../broker/masking/protect.ts'
import { buildCatalogue } from '../../../protocol/pg/catalogue.ts'
import { type RunningPostgres, startPostgres } from '../../support/postgres.ts'
import { type MaskingProxy, maskingProxy } from './masking-proxy.ts'
import { CATALOGUE, relation } from './targets.ts'

/**
 * Masked rows of a real server, one column for each type, read by drivers that decode by type: what
 * comes out is the mask or NULL, and no driver trips over it.
 */

const COLUMNS: readonly (readonly [name: string, type: string, value: string, masked: unknown])[] =
  [
    ['a_text', 'text', '078-05-1120', '***'],
    ['a_varchar', 'varchar(40)', '078-05-1120', '***'],
    ['a_char', 'char(20)', '078-05-1120', '***'],
    ['a_name', 'name', '078-05-1120', '***'],
    ['one_char', '"char"', '7', '*'],
    ['a_domain', 'ssn_domain', '078-05-1120', '***'],
    ['an_xml', 'xml', '<ssn>078-05-1120</ssn>', '***'],
    ['a_json', 'json', '{"ssn": "078-05-1120"}', '***'],
    ['a_jsonb', 'jsonb', '{"ssn": "078-05-1120"}', '***'],
    ['a_bytea', 'bytea', '078-05-1120', Buffer.from('***')],
    ['texts', 'text[]', '{078-05-1120,x}', ['***']],
    ['jsons', 'json[]', '{"{\\"a\\": 78051120}"}', ['***']],
    ['an_int', 'integer', '780511200', null],
    ['a_bigint', 'bigint', '78051120078051120', null],
    ['a_numeric', 'numeric', '780511.20', null],
    ['a_float', 'float8', '780511.20', null],
    ['a_bool', 'boolean', 'true', null],
    ['a_date', 'date', '1978-05-11', null],
    ['a_time', 'timestamptz', '1978-05-11 20:00:00Z', null],
    ['an_interval', 'interval', '78 days', null],
    ['a_uuid', 'uuid', '07805112-0078-0511-2007-805112007805', null],
    ['an_inet', 'inet', '78.5.11.20', null],
    ['an_enum', 'mood', 'glad', null],
    ['ints', 'integer[]', '{7,8}', null],
    ['a_point', 'point', '(7,8)', null],
    ['a_range', 'int4range', '[7,8)', null],
  ]
const PROTECTED = COLUMNS.map(([name]) => name)
const SELECT = 'SELECT * FROM everything ORDER BY id'

let server: RunningPostgres
let proxy: MaskingProxy

before(async () => {
  server = await startPostgres({ auth: 'trust' })
  const types = COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')
  const values = COLUMNS.map(([, , value]) => pg.escapeLiteral(value)).join(', ')
  const rows = await withPg(server.port, async (direct) => {
    await direct.query(`CREATE DOMAIN ssn_domain AS text; CREATE TYPE mood AS ENUM ('glad', 'sad');
      CREATE TABLE everything (id integer, ${types}, last text);
      INSERT INTO everything VALUES (1, ${values}, 'clear'); INSERT INTO everything VALUES (2)`)
    return (await direct.query(`SELECT 'everything'::regclass::oid::int AS oid`)).rows
  })
  proxy = await maskingProxy(server.port, protectedBy(rows[0].oid))
})

after(async () => {
  proxy.close()
  await server.stop()
})

function protectedBy(oid: number) {
  const everything = relation(oid, 'everything', ['id', ...PROTECTED, 'last'])
  const rules: MaskRule[] = PROTECTED.map((name) => ({
    column: `everything.${name}`,
    how: 'redact',
  }))
  const relations = [...CATALOGUE.relations.values(), everything]
  const [functions, types] = [[], [...CATALOGUE.types.values()]]
  const catalogue = buildCatalogue({ ...CATALOGUE, relations, functions, types })
  return protectColumns(rules, catalogue, Buffer.from('key'))
}

/** What a driver made of the two rows. */
function check(rows: readonly Record<string, unknown>[]): void {
  assert.equal(rows.length, 2)
  const [first, second] = rows
  assert.deepEqual([first?.['id'], first?.['last']], [1, 'clear'])
  for (const [name, , , masked] of COLUMNS) assert.deepEqual(first?.[name], masked, name)
  for (const name of PROTECTED) assert.equal(second?.[name], null, name)
}

async function withPg<T>(port: number, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: server.superuser })
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

test('node-postgres reads masked rows of a simple query', async () => {
  await withPg(proxy.port, async (client) => check((await client.query(SELECT)).rows))
})

test('node-postgres reads masked rows of a prepared statement', async () => {
  await withPg(proxy.port, async (client) => {
    const { rows } = await client.query({
      name: 'prepared',
      text: `${SELECT} LIMIT $1`,
      values: [2],
    })
    check(rows)
  })
})

/** No driver for Node decodes binary results, so the server itself says whether it can read them. */
for (const [name, type, , masked] of COLUMNS) {
  if (masked === null) continue
  test(`PostgreSQL reads the binary mask of ${name}`, async () => {
    await withPg(server.port, async (client) => {
      const { fields } = await client.query(`SELECT ${name} FROM everything`)
      const [field] = fields
      const described = {
        name,
        table: field!.tableID,
        column: field!.columnID,
        type: field!.dataTypeID,
      }
      const { columns } = planRows([{ ...described, format: 1 }], null, protectedBy(field!.tableID))
      const sql = `SELECT $1::${type} AS value`
      const { rows } = await client.query(sql, [columns[0]!.fixed])
      assert.deepEqual(
        typeof rows[0].value === 'string' ? rows[0].value.trim() : rows[0].value,
        masked,
      )
    })
  })
}

test('postgres.js reads masked rows', async () => {
  const where = { host: '127.0.0.1', port: proxy.port, user: server.superuser }
  const sql = postgres({ ...where, max: 1, fetch_types: false })
  try {
    const rows: readonly Record<string, unknown>[] = await sql.unsafe(SELECT, [], { prepare: true })
    // Without a look into the catalogue it takes arrays as text.
    assert.deepEqual([rows[0]?.['texts'], rows[0]?.['jsons']], ['{***}', '{"\\"***\\""}'])
    check([{ ...rows[0], texts: ['***'], jsons: ['***'] }, rows[1]!])
  } finally {
    await sql.end()
  }
})

test('a protected value never comes back, in any column or format', async () => {
  proxy.rows.splice(0)
  await withPg(proxy.port, async (client) => {
    await client.query(SELECT)
    const binary = { text: SELECT, values: [], binary: true, types: RAW }
    await client.query(binary as unknown as pg.QueryConfig)
  })
  const hex = Buffer.concat(proxy.rows).toString('hex')
  assert.ok(hex.includes(Buffer.from('clear').toString('hex')))
  for (const secret of SECRETS) assert.ok(!hex.includes(secret.toString('hex')), secret.toString())
})

/** The values above as text, and those that are other bytes in binary format. */
const SECRETS: readonly Buffer[] = [
  ...['078-05-1120', '78051120', '780511', '1978-05', 'glad', '78 days'].map((text) =>
    Buffer.from(text),
  ),
  Buffer.from('2e85a7e0', 'hex'), // integer 780511200
  Buffer.from('07805112007805112007805112007805', 'hex'), // uuid
]

const RAW = { getTypeParser: () => (value: unknown) => value }
