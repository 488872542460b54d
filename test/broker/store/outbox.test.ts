/** What waits to be told: written with what happened, told in order, and lost by no restart. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore } from '../../../broker/store/open.ts'
import type { Addition, Person, RequestContent, Store } from '../../../broker/store/store.ts'

const folder = mkdtempSync(join(tmpdir(), 'hoop-outbox-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const person = (subject: string): Person => ({
  ...{ issuer: 'idp', subject, email: `${subject}@x.org`, groups: ['dba'] },
  ...{ keys: [`account:idp ${subject}`], machine: false },
})

const content = (id: string): RequestContent => ({
  ...{ id, kind: 'exec', session: null, requester: person('alice'), connection: 'pg' },
  ...{ database: 'app', statement: 'delete from t', parameters: [], class: 'write' },
  ...{ effect: 'deletes', digest: 'a'.repeat(64), size: 13, reason: null, inTransaction: false },
  ...{ needs: [{ group: 'dba', count: 1 }], facts: null, spool: null, policyVersion: 1 },
  ...{ alternatives: [], opens: [], separate: [], rule: { labels: [], authors: [] } },
})

const PENDING = { state: 'pending', at: 10, until: 100, by: null, why: null } as const

const asks = (store: Store, id: string) => store.requests.insert(content(id), PENDING)

const APPROVAL: readonly Addition[] = [
  {
    add: 'decision',
    decision: { by: person('bob'), verdict: 'approve', comment: 'ok', maxRows: null, at: 20 },
  },
  { add: 'seats', seats: [{ decision: 0, group: 'dba', alternative: 0 }] },
  {
    add: 'state',
    entry: { state: 'approved', at: 20, until: 90, by: person('bob'), why: null },
  },
]

const open = (dataDir: string | null = null) => openStore({ dataDir, now: () => 0 })
const NOW = 1_000

test('what happens to a request is told, each to the endpoints that there are', async () => {
  const store = await open()
  await store.outbox.endpoints(['chat', 'audit'])
  await asks(store, 'r-1')
  await store.requests.add('r-1', [], () => APPROVAL)
  const told: string[] = []
  for (let next = await first(store, 'chat'); next; next = await first(store, 'chat')) {
    told.push(next.event)
    await store.outbox.told('chat', next.number, NOW)
  }
  assert.deepEqual(told, ['held', 'decided', 'approved'])
  assert.equal((await first(store, 'audit'))?.event, 'held')
  await store.close()
})

async function first(store: Store, endpoint: string) {
  return (await store.outbox.due(endpoint, NOW, 1, []))[0]
}

test('an emergency is told as one', async () => {
  const store = await open()
  await store.outbox.endpoints(['chat'])
  await store.requests.insert({ ...content('r-1'), kind: 'break_glass' }, PENDING)
  assert.equal((await first(store, 'chat'))?.event, 'break_glass')
  await store.close()
})

test('where nobody is to be told, nothing is kept', async () => {
  const store = await open()
  await asks(store, 'r-1')
  await store.requests.add('r-1', [], () => [
    { add: 'event', event: 'reminder', at: 15, detail: null },
  ])
  await store.outbox.endpoints(['late'])
  assert.deepEqual(await store.outbox.due('late', NOW, 9, []), [])
  await store.close()
})

test('an event that a step adds goes with the step, or not at all', async () => {
  const store = await open()
  await store.outbox.endpoints(['chat'])
  await asks(store, 'r-1')
  await store.requests.add('r-1', [], () => [
    { add: 'event', event: 'escalated', at: 15, detail: 'to oncall' },
  ])
  const early: Addition = {
    add: 'state',
    entry: { state: 'expired', at: 20, until: null, by: null, why: null },
  }
  const reminder: Addition = { add: 'event', event: 'reminder', at: 16, detail: null }
  await assert.rejects(
    store.requests.add('r-1', [], () => [reminder, early]),
    /not expired yet/,
  )
  const [held] = await store.outbox.due('chat', NOW, 9, [])
  await store.outbox.told('chat', held!.number, NOW)
  const [escalated] = await store.outbox.due('chat', NOW, 9, [])
  assert.deepEqual([escalated?.event, escalated?.detail], ['escalated', 'to oncall'])
  await store.outbox.told('chat', escalated!.number, NOW)
  assert.deepEqual(await store.outbox.due('chat', NOW, 9, []), [])
  await store.close()
})

test('one after the other within a request; requests do not wait for one another', async () => {
  const store = await open()
  await store.outbox.endpoints(['chat'])
  await asks(store, 'r-1')
  await asks(store, 'r-2')
  await store.requests.add('r-1', [], () => APPROVAL)
  const heads = await store.outbox.due('chat', NOW, 9, [])
  assert.deepEqual(
    heads.map(({ request, event }) => [request, event]),
    [
      ['r-1', 'held'],
      ['r-2', 'held'],
    ],
  )
  await store.outbox.failed('chat', heads[0]!.number, {
    at: NOW,
    error: 'answered 500',
    again: NOW + 5,
  })
  assert.deepEqual(
    (await store.outbox.due('chat', NOW, 9, [])).map(({ request }) => request),
    ['r-2'],
  )
  assert.deepEqual(await store.outbox.due('chat', NOW, 9, ['r-2']), [])
  const [again] = await store.outbox.due('chat', NOW + 5, 9, ['r-2'])
  assert.deepEqual([again?.event, again?.attempts], ['held', 1])
  await store.close()
})

test('what is given up lets the next one pass, and is counted', async () => {
  const store = await open()
  await store.outbox.endpoints(['chat'])
  await asks(store, 'r-1')
  await store.requests.add('r-1', [], () => APPROVAL)
  const held = await first(store, 'chat')
  await store.outbox.failed('chat', held!.number, { at: NOW, error: 'answered 404', again: null })
  assert.equal((await first(store, 'chat'))?.event, 'decided')
  assert.deepEqual(await store.outbox.states(), [
    {
      ...{ name: 'chat', waiting: 2, oldest: 20, givenUp: 1, failingSince: NOW },
      ...{ lastError: 'answered 404', toldAt: null },
    },
  ])
  await store.close()
})

test('a restart loses nothing, and an endpoint that is gone is forgotten', async () => {
  const dataDir = join(folder, 'restart')
  const before = await open(dataDir)
  await before.outbox.endpoints(['chat', 'old'])
  await asks(before, 'r-1')
  await before.close()
  const store = await open(dataDir)
  await store.outbox.endpoints(['chat', 'new'])
  assert.equal((await first(store, 'chat'))?.event, 'held')
  assert.equal(await first(store, 'new'), undefined)
  assert.deepEqual(
    (await store.outbox.states()).map(({ name, waiting }) => [name, waiting]),
    [
      ['chat', 1],
      ['new', 0],
    ],
  )
  await store.close()
})
