import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decider } from '../../../broker/approval/person.ts'
import { HoopError } from '../../../protocol/errors.ts'
import { alice, bob, DIGEST, dave, type Office, openOffice, person, request } from './support.ts'

/** What the desk does about persons, machines, alternatives and old tokens: attacks first. */

const office = (name: string, run: (office: Office) => Promise<void>) =>
  test(name, async () => {
    const opened = await openOffice()
    await run(opened)
    assert.deepEqual(opened.faults, [])
    await opened.close()
  })

async function code(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => 'done',
    (thrown: unknown) => thrown,
  )
  if (error === 'done') return 'done'
  assert.ok(error instanceof HoopError, String(error))
  return `${error.code} ${error.exit}`
}

const account = (subject: string, keys: readonly string[], more: Partial<Decider> = {}): Decider =>
  person(subject, 'dba', { email: null, keys: [`account:idp ${subject}`, ...keys], ...more })

const known = (who: Decider) => ({ ...who, seenAt: 1 })

office('nobody gets round it through accounts that only a third one joins', async (at) => {
  const { desk, store, runtime } = at
  const a = account('a', ['email:x@y'])
  const b = account('b', ['email:x@y', 'claim:id=7'])
  const c = account('c', ['claim:id=7'])
  const { id } = await desk.open(request(runtime, { requester: a }))
  await store.people.saw(known({ ...b, email: 'x@y' }))
  assert.equal(await code(desk.approve(id, c)), 'self_approval 4')
  assert.equal(await code(desk.reject(id, c, 'no')), 'self_approval 4')
  assert.equal(await code(desk.approve(id, bob)), 'done')
})

office('two accounts of one person are one approval, joined by a third', async (at) => {
  const { desk, store, runtime } = at
  const needs = [{ group: 'dba', count: 2 }]
  const { id } = await desk.open(request(runtime, { needs }))
  const b = account('b', ['email:x@y'])
  const c = account('c', ['claim:id=7'])
  assert.equal(await code(desk.approve(id, b)), 'done')
  await store.people.saw(known(account('m', ['claim:id=7'], { email: 'x@y' })))
  assert.equal(await code(desk.approve(id, c)), 'not_eligible 4')
  assert.equal((await desk.get(id)).state, 'pending')
})

office(
  'what is learned after the approval counts at execution',
  async ({ desk, store, runtime }) => {
    const a = account('a', ['email:x@y'])
    const { id } = await desk.open(request(runtime, { requester: a }))
    await desk.approve(id, account('c', ['claim:id=7']))
    await store.people.saw(known(account('m', ['claim:id=7'], { email: 'x@y' })))
    assert.equal(await code(desk.spend(id, DIGEST, a)), 'not_distinct 4')
    assert.equal((await desk.get(id)).state, 'approved')
  },
)

office('a machine: its owner decides nothing of it and it nothing of its owner’s', async (at) => {
  const { desk, runtime } = at
  const ci = account('ci', ['account:idp bob'], { machine: true })
  const other = account('other', ['account:idp bob'], { machine: true })
  const { id } = await desk.open(request(runtime, { requester: ci }))
  assert.equal(await code(desk.approve(id, bob)), 'self_approval 4')
  assert.equal(await code(desk.approve(id, ci)), 'self_approval 4')
  assert.equal(await code(desk.approve(id, other)), 'self_approval 4')
  assert.equal(await code(desk.approve(id, dave)), 'done')
  for (const who of [bob, other, dave]) {
    assert.equal(await code(desk.spend(id, DIGEST, who)), 'not_eligible 4')
  }
  assert.equal(await code(desk.spend(id, DIGEST, ci)), 'done')

  const his = await desk.open(request(runtime, { requester: bob }))
  assert.equal(await code(desk.approve(his.id, ci)), 'self_approval 4')
  assert.equal(await code(desk.cancel(his.id, ci, null)), 'not_eligible 4')
  await desk.approve(his.id, dave)
  assert.equal(await code(desk.spend(his.id, DIGEST, ci)), 'not_eligible 4')
  const hers = await desk.open(request(runtime, { requester: alice }))
  assert.equal(await code(desk.approve(hers.id, ci)), 'not_eligible 4')
  const mine = await desk.open(request(runtime, { requester: ci }))
  assert.equal(await code(desk.cancel(mine.id, bob, 'the owner says no')), 'done')
})

office('who changed the rule neither asks by it nor decides by it', async ({ desk, runtime }) => {
  const rule = { labels: ['pg-prod.rules.write'], authors: bob.keys }
  assert.equal(await code(desk.open(request(runtime, { requester: bob, rule }))), 'own_rule 4')
  const { id } = await desk.open(request(runtime, { rule }))
  assert.equal(await code(desk.approve(id, bob)), 'own_rule 4')
  assert.equal(await code(desk.approve(id, dave)), 'done')
})

office('alternatives: the first that is complete is enough, halves of two are not', async (at) => {
  const { desk, runtime } = at
  const two = [{ group: 'dba', count: 2 }]
  const both = [
    { group: 'security', count: 1 },
    { group: 'cto', count: 1 },
  ]
  const open = () => desk.open(request(runtime, { needs: two, alternatives: [two, both] }))
  const sam = person('sam', 'security')
  const cleo = person('cleo', 'cto')
  const first = await open()
  assert.equal((await desk.approve(first.id, bob)).state, 'pending')
  assert.equal((await desk.approve(first.id, sam)).state, 'pending')
  assert.equal(await code(desk.approve(first.id, person('sue', 'security'))), 'not_eligible 4')
  assert.equal((await desk.approve(first.id, cleo)).state, 'approved')
  const { id } = await open()
  await desk.approve(id, bob)
  await desk.approve(id, sam)
  const done = await desk.approve(id, dave)
  assert.equal(done.state, 'approved')
  assert.deepEqual(done.alternatives, [two, both])
})

office('an old token decides nothing and executes nothing', async ({ desk, runtime }) => {
  const old = { issuedAt: runtime.now() - 60_001 }
  const young = { issuedAt: runtime.now() - 60_000 }
  const { id } = await desk.open(request(runtime))
  assert.equal(await code(desk.approve(id, { ...bob, ...old })), 'stale_token 3')
  assert.equal(await code(desk.reject(id, { ...bob, ...old }, 'no')), 'stale_token 3')
  assert.equal(await code(desk.approve(id, { ...bob, ...young })), 'done')
  assert.equal(await code(desk.spend(id, DIGEST, { ...alice, ...old })), 'stale_token 3')
  assert.equal(await code(desk.spend(id, DIGEST, { ...alice, ...young })), 'done')
})
