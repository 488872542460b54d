import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connectPostgres } from '../../broker/upstream/postgres.ts'
import { Gateway, type Wire } from '../support/gateway.ts'
import { read } from '../support/messages.ts'
import { assertSameCutTogether } from '../support/pieces.ts'
import { type RecordedStep, recordedClient } from '../support/recorded-client.ts'
import { BOB, RawClient, SessionStack } from '../support/sessions.ts'

/**
 * asyncpg 0.31 as it was recorded, message by message: the same said to the target itself, through a whole
 * session, through one that gets it byte by byte, and at the gate, cut wherever TCP may. All see the same.
 */

const SCHEMA = `
CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL);
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');
ALTER TABLE t OWNER TO writer; GRANT SELECT ON t TO reader; GRANT ALL ON t TO app;
`
const SCENES = recordedClient('asyncpg.jsonl')

describe('asyncpg, as it was recorded', () => {
  let gateway: Gateway
  let stack: SessionStack

  before(async () => {
    gateway = await Gateway.start(SCHEMA)
    const way = { postgres: gateway.server, user: 'app', password: 'app' }
    stack = await SessionStack.open({ ...way, databases: ['postgres'], mask: ['people.ssn'] })
  })
  after(async () => {
    assert.deepEqual(stack.faults, [])
    await stack.close()
    await gateway.stop()
  })

  /** At the target itself, in a session that may write. */
  const direct = async (): Promise<Session> => {
    const { host, port } = gateway.server
    const way = { host, port, database: 'postgres', user: 'app', password: () => 'app' }
    const upstream = await connectPostgres(
      { ...way, tls: { mode: 'disable' }, connectTimeoutMs: 30_000 },
      { applicationName: 'direct', params: {} },
    )
    const client = new RawClient()
    client.onData((bytes) => upstream.write(bytes))
    upstream.onData((bytes) => client.write(bytes))
    upstream.onClose(() => client.close())
    await client.query('SET default_transaction_read_only = off')
    return { client, cancel: () => void upstream.cancel(), say: (bytes) => client.sendBytes(bytes) }
  }

  const through = async (): Promise<Session> => {
    const client = await stack.client('postgres', { client_encoding: "'utf-8'" })
    await client.take()
    return { client, cancel: () => client.cancel(), say: (bytes) => client.sendBytes(bytes) }
  }

  const slowly = async (): Promise<Session> => {
    const session = await through()
    const say = (bytes: Buffer): void => {
      for (const byte of bytes) session.client.sendBytes(Buffer.from([byte]))
    }
    return { ...session, say }
  }

  const play = async (open: () => Promise<Session>, steps: readonly RecordedStep[]) => {
    const session = await open()
    const seen: string[] = []
    for (const step of steps) seen.push(...(await took(session, step)))
    return seen
  }

  const took = async (session: Session, step: RecordedStep): Promise<string[]> => {
    const { client } = session
    if ('cancel' in step) {
      await sleeps()
      session.cancel()
      return shown((await client.take()).bytes)
    }
    if ('behind' in step) await gateway.admin.query(step.behind)
    else session.say(step.say)
    if (step.until === null) return []
    let got = await client.take(1, step.until)
    const seen = shown(got.bytes)
    while (got.held !== null) {
      await stack.desk.approve(got.held, BOB)
      got = await client.take(1, step.until)
      seen.push(...shown(got.bytes))
    }
    return seen
  }

  const sleeps = async () => {
    const sleeping = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while ((await gateway.admin.query(sleeping)).rowCount === 0) await new Promise(setImmediate)
  }

  const atGate = async (wire: Wire, step: RecordedStep): Promise<void> => {
    if ('cancel' in step) {
      await sleeps()
      wire.feed({ type: 'cancel' })
      await wire.answers()
      return
    }
    if ('behind' in step) await gateway.admin.query(step.behind)
    else wire.send(step.say)
    if (step.until === 'Z') await wire.answersApproved()
    else if (step.until !== null) await wire.see(step.until)
  }

  for (const [scene, steps] of SCENES) {
    test(scene, async () => {
      const expected = (await play(direct, steps)).map(withoutPayload)
      assert.deepEqual(await play(through, steps), expected)
      assert.deepEqual(await play(slowly, steps), expected)
      const wire = await gateway.connect()
      for (const step of steps) await atGate(wire, step)
      assertSameCutTogether(wire.inputs, wire.options)
    })
  }
})

interface Session {
  readonly client: RawClient
  say(bytes: Buffer): void
  cancel(): void
}

/** But for what tells of the session: the notice of what is held, its settings, numbers of processes. */
function shown(bytes: Buffer): string[] {
  return read(bytes)
    .filter(
      (each) => !/^N .*held for approval|^S (application_name|default_transaction_)/.test(each),
    )
    .map((each) => (each.startsWith('A ') ? each.slice(0, 2) + each.slice(6) : each))
}

/** What another session notifies of is hidden where the policy masks anything. */
function withoutPayload(text: string): string {
  return text.startsWith('A ') ? text.replace('·word·', '·***·') : text
}
