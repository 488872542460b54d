import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestService } from '../../../broker/api/deps.ts'
import type { createRequestService } from '../../../broker/approval/service.ts'
import { Duties, Request } from '../../../protocol/api/requests.ts'
import {
  alice,
  bob,
  carol,
  DIGEST,
  dave,
  erin,
  HOUR,
  office,
  person,
  request,
  settle,
} from './support.ts'

test('it is what the API asks for', () => {
  const fits: (service: ReturnType<typeof createRequestService>) => RequestService = (service) =>
    service
  assert.equal(typeof fits, 'function')
})

office('a request as it is shown, through its life', async ({ desk, service, runtime }) => {
  const { id } = await desk.open(request(runtime, { reason: 'ticket 7', parameters: ['1', null] }))
  const at = new Date(runtime.now()).toISOString()
  const pending = await service.get(bob, id)
  assert.deepEqual(Request.parse(pending), pending)
  assert.deepEqual(pending, {
    id,
    kind: 'statement',
    state: 'pending',
    requester: 'alice@example.test',
    connection: 'pg-prod',
    database: 'app',
    session: 's-0000000001',
    statement: 'update people set salary = 1',
    cut: null,
    parameters: ['1', null],
    class: 'write',
    effect: 'changes people',
    digest: DIGEST,
    policy_version: 1,
    reason: 'ticket 7',
    in_transaction: false,
    spooled: null,
    created_at: at,
    expires_at: new Date(runtime.now() + HOUR).toISOString(),
    needs: [{ group: 'dba', count: 1, have: 0 }],
    alternatives: [],
    decisions: [],
    outcome: null,
    rejected_before: { count: 0, last: null },
    questions: [],
    facts: [],
    similar: [],
  })
  const approved = await service.approve(bob, id, { comment: 'fine' })
  assert.equal(approved.state, 'approved')
  assert.deepEqual(approved.needs, [{ group: 'dba', count: 1, have: 1 }])
  assert.deepEqual(approved.decisions, [
    { by: 'bob@example.test', verdict: 'approve', comment: 'fine', at },
  ])
  await desk.spend(id, DIGEST, alice)
  await desk.settle(id, { status: 'ok', sqlstate: null, rows: 5 })
  const done = await service.get(alice, id)
  assert.deepEqual(done.outcome, { status: 'ok', sqlstate: null, rows: 5 })
  assert.deepEqual(Request.parse(done), done)
})

office('AP-25: it is told how often the same was rejected before', async (opened) => {
  const { desk, service, runtime } = opened
  const rejected = async (more: Parameters<typeof request>[1]) => {
    const { id } = await desk.open(request(runtime, more))
    await desk.reject(id, bob, 'not without a ticket')
    runtime.time += 1000
    return id
  }
  const first = await rejected({})
  await rejected({})
  await rejected({ statement: 'another text' })
  await rejected({ connection: 'pg-test' })
  await rejected({ requester: dave })
  const { id } = await desk.open(request(runtime))
  await rejected({ requester: person('al', 'dba', { issuer: 'other', email: alice.email }) })
  const last = { by: 'bob@example.test', at: '1970-01-01T00:16:41.000Z' }
  assert.deepEqual((await service.get(bob, id)).rejected_before, {
    count: 2,
    last: { ...last, reason: 'not without a ticket' },
  })
  assert.equal((await service.get(bob, first)).rejected_before?.count, 0)
  assert.equal((await service.list(bob, { view: 'inbox', limit: 9 }))[0]?.rejected_before, null)
})

office(
  'AP-23: a literal in a statement is shown to those whom it concerns alone',
  async (opened) => {
    const { desk, service, runtime } = opened
    const ssn = '078-05-1120'
    const statement = `update people set notes = 'x' where ssn = '${ssn}'`
    const { id } = await desk.open(request(runtime, { statement, parameters: [ssn] }))
    for (const who of [alice, bob, carol]) {
      assert.equal((await service.get(who, id)).statement, statement)
    }
    assert.deepEqual(await service.list(erin, { view: 'all', limit: 10 }), [])
    const approve = () => service.approve(erin, id, {})
    const looks = [() => service.get(erin, id), () => service.statement(erin, id), approve]
    for (const look of [...looks, () => service.reject(erin, id, 'no')]) {
      await assert.rejects(
        look,
        (error: Error) => !JSON.stringify({ ...error, m: error.message }).includes(ssn),
      )
    }
    const self = await service.approve(alice, id, {}).catch((error: Error) => error.message)
    assert.doesNotMatch(String(self), /078/)
  },
)

office('who took it back is shown', async ({ desk, service, runtime }) => {
  const one = await desk.open(request(runtime))
  const cancelled = await service.cancel(alice, one.id, 'wrong table')
  assert.deepEqual(
    cancelled.decisions.map(({ by, verdict, comment }) => [by, verdict, comment]),
    [['alice@example.test', 'cancel', 'wrong table']],
  )
  const two = await desk.open(request(runtime))
  await desk.cancel(two.id, 'session', 'psql is gone')
  assert.equal((await service.get(alice, two.id)).decisions[0]?.by, 'hoop')
})

office('each sees what is theirs to see', async ({ desk, service, runtime }) => {
  const own = await desk.open(request(runtime))
  const other = await desk.open(request(runtime, { requester: dave }))
  const views = async (who: typeof alice) => {
    const list = async (view: 'inbox' | 'mine' | 'all') =>
      (await service.list(who, { view, limit: 10 })).map(({ id }) =>
        id === own.id ? 'own' : id === other.id ? 'other' : id,
      )
    return { inbox: await list('inbox'), mine: await list('mine'), all: await list('all') }
  }
  assert.deepEqual(await views(alice), { inbox: ['other'], mine: ['own'], all: ['other', 'own'] })
  assert.deepEqual(await views(bob), { inbox: ['other', 'own'], mine: [], all: ['other', 'own'] })
  assert.deepEqual(await views(dave), { inbox: ['own'], mine: ['other'], all: ['other', 'own'] })
  assert.deepEqual(await views(carol), { inbox: [], mine: [], all: ['other', 'own'] })
  assert.deepEqual(await views(erin), { inbox: [], mine: [], all: [] })
})

office('the inbox holds what still waits for me', async ({ desk, service, runtime }) => {
  const two = await desk.open(request(runtime, { needs: [{ group: 'dba', count: 2 }] }))
  await desk.approve(two.id, bob)
  assert.deepEqual(await service.list(bob, { view: 'inbox', limit: 10 }), [])
  assert.equal((await service.list(dave, { view: 'inbox', limit: 10 })).length, 1)
})

office(
  'a list is as long as it may be, however many are hidden',
  async ({ desk, service, runtime }) => {
    const exec = { kind: 'exec', session: null } as const
    const { id } = await desk.open(request(runtime, { ...exec, requester: erin }))
    for (let i = 0; i < 450; i++) await desk.open(request(runtime, { ...exec, id: `r-x${i}` }))
    const mine = await service.list(erin, { view: 'all', limit: 5 })
    assert.deepEqual(
      mine.map((one) => one.id),
      [id],
    )
    assert.equal((await service.list(bob, { view: 'all', limit: 430 })).length, 430)
    assert.equal(
      (await service.list(bob, { view: 'inbox', connection: 'none', limit: 5 })).length,
      0,
    )
  },
)

office(
  'to others it does not exist; who decides without being asked is told why',
  async ({ desk, service, runtime }) => {
    const { id } = await desk.open(request(runtime))
    for (const look of [
      service.get(erin, id),
      service.statement(erin, id),
      service.duties(erin, id),
    ]) {
      await assert.rejects(look, { code: 'unknown_request', exit: 1 })
    }
    await assert.rejects(service.approve(erin, id, {}), { code: 'not_eligible', exit: 4 })
    await assert.rejects(service.reject(erin, id, 'no'), { code: 'not_eligible', exit: 4 })
  },
)

office('the exact bytes of a statement', async ({ desk, service, runtime }) => {
  const statement = `select '${'é'.repeat(100_000)}'`
  const { id } = await desk.open(request(runtime, { statement }))
  assert.deepEqual(await service.statement(bob, id), Buffer.from(statement))
  const [listed] = await service.list(bob, { view: 'inbox', limit: 1 })
  assert.equal(listed?.cut?.size, Buffer.byteLength(statement))
  assert.deepEqual(Request.parse(listed), listed)
})

office(
  'watching: only what one may see, until it is enough',
  async ({ desk, service, runtime }) => {
    const seen: string[] = []
    const watch = service.watch(bob, 'inbox', ({ id, state }) => seen.push(`${id} ${state}`))
    const hidden: string[] = []
    service.watch(erin, 'all', ({ id }) => hidden.push(id))
    const { id } = await desk.open(request(runtime))
    await service.reject(bob, id, 'no')
    await settle()
    watch.cancel()
    await desk.open(request(runtime))
    assert.deepEqual(seen, [`${id} pending`, `${id} rejected`])
    assert.deepEqual(hidden, [])
    const mine: string[] = []
    service.watch(dave, 'mine', (one) => mine.push(one.requester))
    await desk.open(request(runtime))
    await desk.open(request(runtime, { requester: dave }))
    await settle()
    assert.deepEqual(mine, ['dave@example.test'])
  },
)

office(
  'an emergency is told to every approver and auditor who watches, and to nobody else',
  async ({ desk, service, runtime }) => {
    const heard: string[] = []
    const fred = person('fred', 'dba', { roles: ['requester'] })
    for (const who of [bob, carol, dave, erin, fred]) {
      service.watch(who, 'inbox', ({ kind }) => heard.push(`${who.subject} ${kind}`))
    }
    const needs = [{ group: 'security', count: 1 }]
    await desk.open(request(runtime, { kind: 'break_glass', session: null, needs }))
    await settle()
    assert.deepEqual(heard.sort(), [
      'bob break_glass',
      'carol break_glass',
      'dave break_glass',
      'erin break_glass',
    ])
  },
)

office(
  'sod explain: everybody the broker has met, the caller first',
  async ({ desk, service, runtime }) => {
    for (const who of [alice, bob, carol, dave, erin]) await service.saw(who)
    const { id } = await desk.open(request(runtime, { needs: [{ group: 'dba', count: 2 }] }))
    await desk.approve(id, bob)
    const duties = await service.duties(alice, id)
    assert.deepEqual(Duties.parse(duties), duties)
    assert.deepEqual(duties.people[0], {
      person: 'alice@example.test',
      may: false,
      why: 'nobody decides their own request',
      you: true,
      also: [],
      machine: false,
    })
    const of = (name: string) => duties.people.find(({ person }) => person.startsWith(name))
    assert.deepEqual([of('bob')?.may, of('bob')?.why], [false, 'has decided: approve'])
    assert.deepEqual([of('dave')?.may, of('dave')?.why], [true, 'an approver in dba'])
    assert.deepEqual(
      [of('carol')?.may, of('carol')?.why],
      [false, 'carol@example.test is not an approver here'],
    )
    assert.deepEqual([of('erin')?.may, of('erin')?.why], [false, 'it needs somebody of dba'])
    assert.deepEqual(duties.needs, [{ group: 'dba', count: 2, have: 1 }])
    await desk.approve(id, dave)
    const after = await service.duties(carol, id)
    assert.ok(after.people.every((one) => !one.may))
  },
)

office(
  'a person is written down when something is new, and now and then',
  async ({ store, service, runtime }) => {
    const seenAt = async () => (await store.people.all(1))[0]?.seenAt
    const start = runtime.now()
    await service.saw(bob)
    runtime.advance(1000)
    await service.saw(bob)
    assert.equal(await seenAt(), start)
    await service.saw({ ...bob, groups: ['dba', 'oncall'] })
    assert.equal(await seenAt(), start + 1000)
    runtime.advance(HOUR)
    await service.saw({ ...bob, groups: ['dba', 'oncall'] })
    assert.equal(await seenAt(), start + 1000 + HOUR)
  },
)
