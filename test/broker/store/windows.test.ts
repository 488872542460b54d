/** What ran in a window: what the store counts, and what the database itself refuses. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { windowFacts } from '../../../broker/approval/window.ts'
import type { WindowTerms } from '../../../protocol/api/windows.ts'
import {
  alice,
  bob,
  DIGEST,
  HOUR,
  type Office,
  openOffice,
  person,
  request,
} from '../approval/support.ts'

let office: Office
before(async () => {
  office = await openOffice()
})
after(() => office.close())

const TERMS: WindowTerms = {
  classes: ['write'],
  tables: null,
  max_rows: 10,
  for_ms: HOUR,
  every: null,
}

async function ask(terms: Partial<WindowTerms> = {}): Promise<string> {
  const facts = windowFacts({ ...TERMS, ...terms })
  const more = { kind: 'window', session: null, digest: DIGEST, facts } as const
  return (await office.desk.open(request(office.runtime, more))).id
}

async function open(terms: Partial<WindowTerms> = {}): Promise<string> {
  const id = await ask(terms)
  await office.desk.approve(id, bob)
  return id
}

const use = (id: string, session = 's-1') =>
  office.store.windows.begin(id, { session, at: office.runtime.now() })
const end = (id: string, place: number, rows: number | null) =>
  office.store.windows.end(id, place, rows, office.runtime.now())

test('each takes all that is left, and gives back what it did not use', async () => {
  const id = await open()
  const one = await use(id)
  assert.deepEqual(one, { place: 0, maxRows: 10 })
  assert.equal(await use(id, 's-2'), null, 'nothing is left while the first runs')
  await end(id, 0, 4)
  assert.deepEqual(await use(id, 's-2'), { place: 1, maxRows: 6 })
  await end(id, 1, null)
  assert.equal(await use(id), null, 'what nobody counted is used up')
  assert.deepEqual(await office.store.windows.used(id), { statements: 2, rows: 10 })
})

test('without a bound on rows there is always something left', async () => {
  const id = await open({ max_rows: null })
  assert.deepEqual(await use(id), { place: 0, maxRows: null })
  assert.deepEqual(await use(id), { place: 1, maxRows: null })
})

test('nothing runs in what is not open: before the approval, after the end, after it was revoked', async () => {
  await assert.rejects(
    ask().then((id) => use(id)),
    /not open/,
  )
  const revoked = await open()
  await office.desk.revoke(revoked, bob, null)
  await assert.rejects(use(revoked), /not open/)
  const statement = await office.desk.open(request(office.runtime))
  await office.desk.approve(statement.id, bob)
  await assert.rejects(use(statement.id), /not open/, 'it is no window')
  const over = await open()
  office.runtime.time += HOUR
  await assert.rejects(use(over), /not open/)
})

test('one emergency is owed at a time, and it neither ends by itself nor is taken back', async () => {
  const facts = windowFacts({ ...TERMS, max_rows: null })
  const emergency = (requester = alice) =>
    request(office.runtime, { kind: 'break_glass', session: null, facts, requester })
  const { id } = await office.desk.open(emergency())
  await assert.rejects(office.desk.open(emergency()), /another emergency is owed/)
  const account = person('alice-admin', 'dba', { email: alice.email })
  await assert.rejects(office.desk.open(emergency(account)), /another emergency is owed/)
  assert.deepEqual(await use(id), { place: 0, maxRows: null })
  await assert.rejects(office.desk.cancel(id, 'session', null), /is the review of an emergency/)
  await office.desk.reject(id, { ...bob, issuedAt: office.runtime.now() }, 'no fire')
  await office.desk.open(emergency())
})

test('nobody counts more than was reserved, or twice', async () => {
  const id = await open()
  await use(id)
  await assert.rejects(end(id, 0, 11), /more rows than were reserved/)
  await end(id, 0, 1)
  await assert.rejects(end(id, 0, 0), /UNIQUE/)
  await assert.rejects(end(id, 7, 0), /FOREIGN KEY/)
})
