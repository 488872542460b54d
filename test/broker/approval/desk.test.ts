import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDesk } from '../../../broker/approval/desk.ts'
import { openStore } from '../../../broker/store/open.ts'
import { HoopError } from '../../../protocol/errors.ts'
import {
  alice,
  bob,
  carol,
  DIGEST,
  dave,
  erin,
  FakeRuntime,
  HOUR,
  MOST_PENDING,
  type Office,
  openOffice,
  person,
  request,
  settle,
} from './support.ts'

function office(what: string, run: (office: Office) => Promise<void>): void {
  test(what, async () => {
    const opened = await openOffice()
    try {
      await run(opened)
      assert.deepEqual(opened.faults, [])
    } finally {
      await opened.close()
    }
  })
}

office(
  'AP-25: so many of one person wait on one connection, no more',
  async ({ desk, runtime }) => {
    const all = await Promise.allSettled(
      Array.from({ length: MOST_PENDING + 5 }, (_, i) =>
        desk.open(request(runtime, { id: `r-x${i}` })),
      ),
    )
    assert.equal(all.filter((one) => one.status === 'fulfilled').length, MOST_PENDING)
    const twin = person('al', 'dba', { issuer: 'other', email: 'ALICE@example.test' })
    await refused(desk.open(request(runtime, { requester: twin })), 'too_many_pending', 4)
    await desk.open(request(runtime, { connection: 'pg-test' }))
    await desk.open(request(runtime, { requester: dave }))
    await desk.reject('r-x0', bob, 'one after the other')
    await desk.open(request(runtime))
  },
)

office(
  'AP-15: who has two accounts with one e-mail does not approve with the other',
  async (opened) => {
    const { desk, store, runtime } = opened
    const service = person('service-account', 'engineers', {
      issuer: 'ci',
      email: 'Alice@Example.test',
    })
    const { id } = await desk.open(request(runtime, { requester: service }))
    await refused(desk.approve(id, alice), 'self_approval', 4)
    await refused(desk.reject(id, alice, 'no'), 'self_approval', 4)
    const by = {
      ...alice,
      verdict: 'approve',
      comment: null,
      maxRows: null,
      at: runtime.now(),
    } as const
    const forged = store.requests.add(id, [], () => [
      { add: 'decision', decision: { ...by, by: alice } },
    ])
    await assert.rejects(forged, /nobody decides their own request/)
    assert.equal((await desk.approve(id, bob)).state, 'approved')
  },
)

async function refused(work: Promise<unknown>, code: string, exit: number): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof HoopError, String(error))
    assert.deepEqual([error.code, error.exit], [code, exit])
    assert.ok(error.hint)
    return true
  })
}

office('a request is pending, then approved, spent and settled', async ({ desk, runtime }) => {
  const asked = await desk.open(request(runtime))
  assert.equal(asked.state, 'pending')
  assert.equal(asked.expiresAt, runtime.now() + HOUR)
  const approved = await desk.approve(asked.id, bob, { comment: 'fine', maxRows: 10 })
  assert.equal(approved.state, 'approved')
  assert.equal(approved.expiresAt, runtime.now() + 2 * HOUR)
  assert.deepEqual(
    approved.decisions.map((made) => [made.by.subject, made.comment, made.maxRows]),
    [['bob', 'fine', 10]],
  )
  await refused(desk.approve(asked.id, dave), 'not_pending', 1)
  await refused(desk.reject(asked.id, dave, 'too late'), 'not_pending', 1)
  assert.equal((await desk.spend(asked.id, DIGEST, alice)).state, 'executed')
  const done = await desk.settle(asked.id, { status: 'error', sqlstate: '42501', rows: null })
  assert.deepEqual(done.outcome, {
    status: 'error',
    sqlstate: '42501',
    rows: null,
    at: runtime.now(),
  })
  await refused(desk.settle(asked.id, { status: 'ok', sqlstate: null, rows: 1 }), 'wrong_order', 1)
})

office('nobody decides their own request', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime))
  const other = person('al', 'dba', { issuer: 'other', email: alice.email })
  for (const self of [alice, { ...alice, roles: ['approver', 'admin'] }, other]) {
    await refused(desk.approve(id, self), 'self_approval', 4)
    await refused(desk.reject(id, self, 'no'), 'self_approval', 4)
  }
  assert.equal((await desk.get(id)).state, 'pending')
})

office('who is not asked cannot decide', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime))
  for (const who of [carol, erin]) {
    await refused(desk.approve(id, who), 'not_eligible', 4)
    await refused(desk.reject(id, who, 'no'), 'not_eligible', 4)
    await refused(desk.cancel(id, who, null), 'not_eligible', 4)
  }
  await refused(desk.approve('r-zzzzzzzzzz', bob), 'unknown_request', 1)
})

office('two approvals are two persons', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime, { needs: [{ group: 'dba', count: 2 }] }))
  assert.equal((await desk.approve(id, bob)).state, 'pending')
  await refused(desk.approve(id, bob), 'not_eligible', 4)
  await refused(desk.approve(id, person('b2', 'dba', { email: bob.email })), 'not_eligible', 4)
  assert.equal((await desk.approve(id, dave)).state, 'approved')
})

office('who adds nothing is told who is missing', async ({ desk, runtime }) => {
  const needs = [
    { group: 'dba', count: 1 },
    { group: 'security', count: 1 },
  ]
  const { id } = await desk.open(request(runtime, { needs }))
  await desk.approve(id, bob)
  await refused(desk.approve(id, person('bea', 'dba')), 'not_eligible', 4)
  assert.equal((await desk.approve(id, dave)).state, 'approved')
})

office('a rejection ends it, with a reason', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime, { needs: [{ group: 'dba', count: 2 }] }))
  await desk.approve(id, bob)
  await refused(desk.reject(id, dave, '  '), 'reason_required', 2)
  const rejected = await desk.reject(id, dave, 'not today')
  assert.equal(rejected.state, 'rejected')
  await refused(desk.approve(id, person('bea', 'dba')), 'not_pending', 1)
  await refused(desk.cancel(id, alice, null), 'not_pending', 1)
  await refused(desk.spend(id, DIGEST, alice), 'not_pending', 1)
})

office('cancelled by the requester or the session, approved or not', async ({ desk, runtime }) => {
  const first = await desk.open(request(runtime))
  assert.equal((await desk.cancel(first.id, alice, 'wrong table')).state, 'cancelled')
  await refused(desk.approve(first.id, bob), 'not_pending', 1)
  const second = await desk.open(request(runtime))
  await desk.approve(second.id, bob)
  await desk.cancel(second.id, 'session', 'psql is gone')
  await refused(desk.spend(second.id, DIGEST, alice), 'not_pending', 1)
})

office(
  'AP-16, AP-37: spent once, only when approved, only what was approved, only by the requester',
  async ({ desk, runtime }) => {
    const { id } = await desk.open(request(runtime))
    await refused(desk.spend(id, DIGEST, alice), 'not_approved', 6)
    await desk.approve(id, bob)
    await refused(desk.spend(id, 'b'.repeat(64), alice), 'digest_mismatch', 4)
    await refused(desk.spend(id, DIGEST, bob), 'not_eligible', 4)
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => desk.spend(id, DIGEST, alice)),
    )
    assert.equal(tries.filter((one) => one.status === 'fulfilled').length, 1)
    await refused(desk.cancel(id, 'session', 'gone'), 'not_pending', 1)
  },
)

office('it expires by the clock, with no help', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime))
  const later = await desk.open(request(runtime, { expiresAt: runtime.now() + 3 * HOUR }))
  const decided = desk.decided(id)
  runtime.advance(HOUR)
  assert.equal((await decided).state, 'expired')
  await refused(desk.approve(id, bob), 'expired', 6)
  await refused(desk.spend(id, DIGEST, alice), 'expired', 6)
  assert.equal((await desk.get(later.id)).state, 'pending')
  runtime.advance(2 * HOUR)
  await settle()
  assert.equal((await desk.get(later.id)).state, 'expired')
})

office('nothing is approved late, even before the timer fires', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime))
  runtime.time += HOUR
  await refused(desk.approve(id, bob), 'expired', 6)
  assert.equal((await desk.get(id)).state, 'expired')
})

office('an approval that is not used in time is void', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime, { kind: 'exec', session: null }))
  await desk.approve(id, bob)
  runtime.advance(HOUR)
  await settle()
  assert.equal((await desk.get(id)).state, 'approved')
  runtime.time += HOUR
  await refused(desk.spend(id, DIGEST, alice), 'expired', 6)
  assert.equal((await desk.get(id)).state, 'expired')
})

office('a clock that is set back does not stop anything', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime))
  runtime.time -= HOUR
  await desk.approve(id, bob)
  const { history } = await desk.spend(id, DIGEST, alice)
  const times = history.map((entry) => entry.at)
  assert.deepEqual(times, times.toSorted())
})

office('AP-21: above 64 kB the approver names what they have read', async ({ desk, runtime }) => {
  const statement = `select '${'x'.repeat(64 * 1024)}'`
  const { id, size } = await desk.open(request(runtime, { statement, size: 0 }))
  assert.equal(size, Buffer.byteLength(statement))
  await refused(desk.approve(id, bob), 'digest_required', 4)
  await refused(desk.approve(id, bob, { digest: 'b'.repeat(64) }), 'digest_mismatch', 4)
  assert.equal((await desk.approve(id, bob, { digest: DIGEST })).state, 'approved')
  const spool = { rows: 1, size: 70_000, firstRows: [], digest: DIGEST }
  const copy = await desk.open(request(runtime, { spool }))
  await refused(desk.approve(copy.id, bob), 'digest_required', 4)
  const exact = await desk.open(request(runtime, { statement: 'x'.repeat(64 * 1024) }))
  assert.equal((await desk.approve(exact.id, bob)).state, 'approved')
})

office('what sha256sum says of the shown file will do, too', async ({ desk, runtime }) => {
  const statement = `-- ${'x'.repeat(70_000)}`
  const { id } = await desk.open(request(runtime, { statement, parameters: [] }))
  const digest = createHash('sha256').update(statement).digest('hex')
  assert.equal((await desk.approve(id, bob, { digest })).state, 'approved')
  const bound = await desk.open(request(runtime, { statement, parameters: ['1'] }))
  await refused(desk.approve(bound.id, bob, { digest }), 'digest_mismatch', 4)
})

office('a wrong digest is refused for small ones, too', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime))
  await refused(desk.approve(id, bob, { digest: 'b'.repeat(64) }), 'digest_mismatch', 4)
})

office(
  'waiting: told of a decision, of one already made, and not after an abort',
  async ({ desk, runtime }) => {
    const { id } = await desk.open(request(runtime))
    const stop = new AbortController()
    const both = [desk.decided(id), desk.decided(id)]
    const aborted = desk.decided(id, stop.signal)
    stop.abort(new Error('psql is gone'))
    await assert.rejects(aborted, /psql is gone/)
    await assert.rejects(desk.decided(id, stop.signal), /psql is gone/)
    await desk.approve(id, bob)
    for (const one of await Promise.all(both)) assert.equal(one.state, 'approved')
    assert.equal((await desk.decided(id)).state, 'approved')
    await refused(desk.decided('r-zzzzzzzzzz'), 'unknown_request', 1)
  },
)

office(
  'every change is told, in order; who fails to listen stops nobody',
  async ({ desk, runtime, faults }) => {
    const told: string[] = []
    desk.onChange(() => {
      throw new Error('a handler with a fault')
    })
    const stop = desk.onChange((changed) => told.push(changed.state))
    const { id } = await desk.open(request(runtime))
    await desk.approve(id, bob)
    await desk.spend(id, DIGEST, alice)
    stop()
    await desk.settle(id, { status: 'ok', sqlstate: null, rows: 1 })
    await settle()
    assert.deepEqual(told, ['pending', 'approved', 'executed'])
    assert.equal(faults.length, 4)
    faults.length = 0
  },
)

office('a desk that is closed holds nobody', async ({ desk, runtime }) => {
  const { id } = await desk.open(request(runtime))
  const waiting = desk.decided(id)
  await settle()
  await desk.close()
  await refused(waiting, 'broker_stopping', 7)
  await refused(desk.approve(id, bob), 'broker_stopping', 7)
  assert.equal(runtime.timers, 0)
})

test('AP-36: a broker that comes back: statements are over, exec requests are not, nothing runs twice', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'hoop-desk-'))
  const before = await openOffice(dataDir)
  const { desk, runtime } = before
  const exec = { kind: 'exec', session: null } as const
  const ids: Record<string, string> = {}
  for (const [name, more] of Object.entries({
    held: {},
    approved: {},
    waits: exec,
    late: { ...exec, expiresAt: runtime.now() + 10 },
    sent: exec,
    settled: exec,
  })) {
    ids[name] = (await desk.open(request(runtime, more))).id
  }
  for (const name of ['approved', 'sent', 'settled']) await desk.approve(ids[name]!, bob)
  for (const name of ['sent', 'settled']) await desk.spend(ids[name]!, DIGEST, alice)
  await desk.settle(ids['settled']!, { status: 'ok', sqlstate: null, rows: 3 })
  await before.close()

  const again = new FakeRuntime()
  again.time = runtime.time + 1000
  const store = await openStore({ dataDir, now: () => again.now() })
  const next = await openDesk({
    store,
    runtime: again,
    spendWithin: HOUR,
    maxPending: 5,
    onFault: assert.ifError,
  })
  const state = async (name: string) => (await next.get(ids[name]!)).state
  assert.equal(await state('held'), 'cancelled')
  assert.equal(await state('approved'), 'cancelled')
  assert.equal(await state('waits'), 'pending')
  assert.equal(await state('late'), 'expired')
  assert.equal((await next.get(ids['sent']!)).outcome?.status, 'unknown')
  assert.equal((await next.get(ids['settled']!)).outcome?.rows, 3)
  await refused(next.spend(ids['sent']!, DIGEST, alice), 'not_pending', 1)
  assert.equal((await next.approve(ids['waits']!, bob)).state, 'approved')
  await next.close()
  await store.close()
  rmSync(dataDir, { recursive: true })
})
