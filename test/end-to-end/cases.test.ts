import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { CASE_DATA, CASE_ROLES, type Case, cases, here, isSetUp } from '../support/cases.ts'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { secretsIn } from '../support/secrets.ts'
import { BOB, bindTail, type Exchange, type RawClient, SessionStack } from '../support/sessions.ts'
import { World } from '../support/world.ts'

/**
 * The SQL cases, each in a session of its own on a real server. What would change anything is held
 * or refused, and nothing whatever has changed then, which a superuser looks at beside the gate; what
 * only reads is not held and answers as the server does; no protected value comes out in any message.
 */

/** What this server or the gate says otherwise, and why that is right. */
const OTHERWISE = new Map([
  ['r-vt-space', 'PostgreSQL 18 reads it'],
  ['t-begin-iso-rw', 'READ WRITE of a client is accepted and means nothing'],
  ['t-begin-rw-deferrable', 'likewise'],
  ['t-begin-ro-then-rw', 'likewise'],
  ['l-scs-smuggle', 'the setting was refused, so the text is one SELECT'],
  ['l-string-continuation', 'our parser cannot read it, so it is held'],
  ['m-cursor-to-xml', 'not known to be harmless: held'],
  ['r-guc-unstash', 'the setting was refused, so there is none'],
  ['r-guc-unstash-show', 'likewise'],
  ['m-function-notice', 'VOLATILE and PL/pgSQL: held'],
  ['m-function-error', 'likewise'],
  ['m-err-plpgsql-context', 'likewise'],
])

/** A superuser, or an approved statement, has copied the value to where no column says that it is one. */
const COPIED: ReadonlySet<string> = new Set([
  ...['m-ctas-copy', 'm-partial-index-def', 'm-partition-bound', 'm-enum-labels'],
])

/** Done beside the gate, as the superuser: a look that sees nothing proves nothing. */
const EFFECTS: readonly (readonly [sql: string, facet: string])[] = [
  ["UPDATE audit SET msg = 'x'", 'r audit'],
  ['SELECT * FROM people WHERE id = 1 FOR UPDATE', 'r people'],
  ['BEGIN; DELETE FROM audit; ROLLBACK', 'transactions'],
  ["SELECT nextval('plain_seq')", 'S plain_seq'],
  ['SELECT lo_create(4711)', 'pg_largeobject_metadata'],
  ["SELECT lo_put(4711, 0, 'x')", 'pg_largeobject'],
  ["COMMENT ON TABLE audit IS 'x'", 'pg_description'],
  ['CREATE TEMP TABLE mine (i int)', 'pg_class'],
  ["ALTER SYSTEM SET work_mem = '5MB'", 'settings'],
  ["NOTIFY gwch, 'x'", 'heard'],
  ["SELECT pg_create_physical_replication_slot('s')", 'slots'],
  ["BEGIN; CREATE TABLE two (); PREPARE TRANSACTION 'x'", 'prepared'],
  ['SELECT pg_stat_reset()', 'statistics'],
  ["SELECT lo_export(4711, 'here.txt')", 'files'],
  ['SELECT pg_switch_wal()', 'log'],
  [
    "SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity WHERE application_name = 'gw_victim'",
    'sessions',
  ],
]

/** Who asks for a number of this transaction gets one; nothing else comes of it. */
const NUMBERED: ReadonlyMap<string, readonly string[]> = new Map([
  ['r-txid-current', ['transactions']],
])

/** Their setup changes what other cases stand on. */
const ALONE: ReadonlySet<string> = new Set([
  ...['w-op-shadow', 'm-renamed-col', 'm-table-swapped', 'm-constraint-def'],
])

/** Reads whose rows are masked, and which tell by grouping, comparing or the number of rows besides. */
const TELLS: ReadonlySet<string> = new Set([
  ...['m-except', 'm-row-distinct', 'm-x-json-path', 'm-group-by', 'm-group-by-expr'],
  ...['m-xmltable', 'm-explain-const', 'm-grouping-sets', 'm-json-table-like'],
])

/** What is computed of a masked column, and shown masked; and plain equality with constants. */
const SHOWN_MASKED: ReadonlySet<string> = new Set([
  ...['m-x-hashtextextended', 'm-x-length', 'm-x-similarity', 'm-timing', 'm-array-position'],
  'm-in-list',
])

const MASK = ['people.ssn', 'people.card_number', 'events.ssn']

describe('the SQL cases through whole sessions', () => {
  let server: RunningPostgres
  let keeper: pg.Client

  before(async () => {
    const settings = { shared_preload_libraries: 'pg_stat_statements', autovacuum: 'off' }
    server = await startPostgres({
      auth: 'trust',
      settings: { ...settings, wal_level: 'logical', max_prepared_transactions: '10' },
    })
    keeper = new pg.Client(server.url())
    await keeper.connect()
    await keeper.query(CASE_ROLES)
    await keeper.query('CREATE DATABASE cases')
    const loader = new pg.Client(server.url('cases'))
    await loader.connect()
    await loader.query(CASE_DATA)
    await loader.end()
  })
  after(async () => {
    // A test that failed has not closed its own.
    for (const left of open) await close(left)
    await keeper.end()
    await server.stop()
  })

  /** A copy of the cases' database, what stands in front of it, and who looks behind it. */
  async function place(
    database: string,
    more: Predicates = { predicates: 'allow' },
  ): Promise<Place> {
    await keeper.query(`CREATE DATABASE ${database} TEMPLATE cases`)
    const world = await World.open(server, database)
    const way = { postgres: server, user: 'app', password: 'app' }
    const stack = await SessionStack.open({ ...way, databases: [database], mask: MASK, ...more })
    const made = { database, port: server.port, world, stack }
    open.add(made)
    return made
  }

  describe('as the fixture is', () => {
    let shared: Place
    before(async () => {
      shared = await place('shared')
      await shared.world.changes()
    })
    after(() => close(shared))
    for (const one of cases.filter((each) => !isSetUp(each))) {
      test(title(one), () => run(one, shared))
    }
  })

  describe('after their setup', () => {
    let shared: Place
    const sharing = new Set<string>()
    const those = cases.filter(isSetUp)
    before(async () => {
      shared = await place('prepared')
      for (const one of those.filter(({ id }) => !ALONE.has(id))) {
        if (await isPrepared(one, shared)) sharing.add(one.id)
      }
      await shared.world.changes()
    })
    after(() => close(shared))
    for (const [index, one] of those.entries()) {
      test(title(one), async () => {
        if (sharing.has(one.id)) return run(one, shared)
        const own = await place(`own_${index}`)
        assert.ok(await isPrepared(one, own))
        await own.world.changes()
        await run(one, own)
        await close(own)
        await shared.world.changes()
      })
    }
  })

  test('what tells the values of masked columns is refused unless the policy allows it', async () => {
    const own = await place('telling', {})
    const reads = cases.filter((one) => one.expect === 'pass' && !isSetUp(one) && !one.session)
    const refused = new Set<string>()
    for (const one of reads.filter(({ id }) => !OTHERWISE.has(id))) {
      const client = await own.stack.client('telling')
      await client.take()
      const got = await exchange(client, one, saidBy(one, 'telling', server.port))
      client.vanish()
      if (verdictOf(got) === 'refuse') refused.add(one.id)
      else {
        const wanted = one.pg_read_only_app === 'ok' ? 'pass' : 'error'
        const why = got.errors.map((fields) => `${fields.get('C')} ${fields.get('M')}`).join()
        assert.equal(verdictOf(got), wanted, `${one.id} ${why}`)
      }
    }
    await close(own)
    const inferred = reads.filter((one) => one.policy === 'inference').map(({ id }) => id)
    const told = [...inferred.filter((id) => !SHOWN_MASKED.has(id)), ...TELLS]
    assert.deepEqual([...refused].sort(), told.sort())
  })

  test('the look behind the gate sees what is done beside it', async () => {
    const own = await place('beside')
    for (const [sql, facet] of EFFECTS) {
      await own.world.changes()
      await own.world.admin.query(sql)
      const changed = await own.world.changes()
      assert.ok(changed.includes(facet), `${sql}: ${changed}`)
    }
    await close(own)
  })
})

/** Masks are what most of the cases are about: what predicates tell has a test of its own. */
type Predicates = { readonly predicates?: 'allow' }

interface Place {
  readonly database: string
  readonly port: number
  readonly world: World
  readonly stack: SessionStack
}

/** Places that are not closed yet. */
const open = new Set<Place>()

async function close(place: Place): Promise<void> {
  const { stack, world } = place
  open.delete(place)
  await stack.close()
  await world.close()
}

function title(one: Case): string {
  return `${one.id}: ${OTHERWISE.get(one.id) ?? one.expect}`
}

/** False: another case has made something of the same name. */
async function isPrepared(one: Case, { world, database, port }: Place): Promise<boolean> {
  try {
    for (const text of [one.setup ?? [], one.setup_simple ?? []].flat()) {
      await world.admin.query(here(text, database, port))
    }
    return true
  } catch (error) {
    assert.match(String(error), /already exists/)
    return false
  }
}

async function run(one: Case, { world, stack, database, port }: Place): Promise<void> {
  const client = await stack.client(database)
  await client.take()
  for (const text of one.setup_rw_session ?? []) await approved(client, stack, text)
  if (one.setup_rw_session !== undefined) await world.changes()
  for (const { name, sql } of one.session_ext ?? []) {
    client.send((writer) => writer.parse(name, Buffer.from(sql), NO_TYPES).sync())
    await client.take()
  }
  for (const text of one.session ?? []) await withdrawn(client, await client.query(text))
  const said = saidBy(one, database, port)
  const got = await exchange(client, one, said)
  await withdrawn(client, got)
  const changed = await world.changes()
  client.vanish()
  if (one.setup_rw_session !== undefined) await world.withoutTemporary()
  assert.deepEqual(changed, NUMBERED.get(one.id) ?? [], one.sql)
  const own = Buffer.concat([said, ...(one.params ?? []).map((value) => Buffer.from(value))])
  if (!COPIED.has(one.id)) assert.deepEqual(secretsIn(got.bytes, own), [])
  if (!OTHERWISE.has(one.id)) assert.ok(isExpected(one, verdictOf(got)), verdictOf(got))
}

function saidBy({ bytes_hex: hex, sql }: Case, database: string, port: number): Buffer {
  return hex === undefined ? Buffer.from(here(sql, database, port)) : Buffer.from(hex, 'hex')
}

/** `refuse` by the broker, `error` by the target. */
type Verdict = 'hold' | 'refuse' | 'pass' | 'error'

/** The target's own errors say where in its source they come from; the broker's do not. */
function verdictOf({ held, closed, errors }: Exchange): Verdict {
  if (held !== null) return 'hold'
  if (closed) return 'refuse'
  if (errors.length === 0) return 'pass'
  return errors.some((fields) => !fields.has('R')) ? 'refuse' : 'error'
}

/** What can never run may have the target's error at once, without a question to anybody. */
function isExpected(one: Case, verdict: Verdict): boolean {
  if (one.expect === 'pass') return verdict === (one.pg_read_only_app === 'ok' ? 'pass' : 'error')
  if (verdict === 'error') return one.pg_read_write !== 'ok'
  return verdict !== 'pass'
}

async function exchange(client: RawClient, one: Case, text: Buffer): Promise<Exchange> {
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

async function approved(client: RawClient, stack: SessionStack, text: string): Promise<void> {
  const { held } = await client.query(text)
  await stack.desk.approve(held ?? '', BOB)
  assert.deepEqual((await client.take()).errors, [])
}

async function withdrawn(client: RawClient, got: Exchange): Promise<void> {
  if (got.held === null) return
  client.cancel()
  await client.take()
}

const NO_TYPES = Buffer.alloc(0)
