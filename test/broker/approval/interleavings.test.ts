import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Decider } from '../../../broker/approval/person.ts'
import { samePerson } from '../../../broker/approval/person.ts'
import type { Need, RequestRecord } from '../../../broker/store/store.ts'
import { HoopError } from '../../../protocol/errors.ts'
import {
  alice,
  bob,
  carol,
  DIGEST,
  dave,
  erin,
  HOUR,
  type Office,
  openOffice,
  person,
  request,
  settle,
} from './support.ts'

/**
 * Several persons, several requests, calls that race: whatever the order, the duties hold. What is
 * checked is worked out here anew, from the calls that succeeded and what the store then says.
 */

const twin = person('alice-admin', 'dba security', { issuer: 'other', email: 'Alice@example.test' })
const bobAgain = person('bob-admin', 'dba security', { email: bob.email })
const bea = person('bea', 'dba')
const sam = person('sam', 'security')
const PEOPLE: readonly Decider[] = [alice, twin, bob, bobAgain, bea, dave, sam, carol, erin]

const NEEDS: readonly (readonly Need[])[] = [
  [{ group: 'dba', count: 1 }],
  [{ group: 'dba', count: 2 }],
  [
    { group: 'dba', count: 1 },
    { group: 'security', count: 1 },
  ],
  [
    { group: 'security', count: 1 },
    { group: 'dba', count: 2 },
  ],
]

type Call =
  | {
      readonly do: 'approve' | 'reject' | 'cancel' | 'spend'
      readonly by: Decider
      readonly digest: string
    }
  | { readonly do: 'session' | 'settle' }
  | { readonly do: 'wait'; readonly ms: number }

/** One call on one request, a few turns of the loop after its turn began. */
interface Move {
  readonly call: Call
  readonly on: number
  readonly turns: number
}

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'approve' as const,
        'approve' as const,
        'reject' as const,
        'cancel' as const,
        'spend' as const,
      ),
      by: fc.constantFrom(...PEOPLE),
      digest: fc.constantFrom(DIGEST, DIGEST, DIGEST, 'b'.repeat(64)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('session' as const, 'settle' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, HOUR / 2, HOUR - 1, HOUR),
    }),
  },
)
const move = fc.record({
  call,
  on: fc.integer({ min: 0, max: 1 }),
  turns: fc.integer({ min: 0, max: 6 }),
})
const rounds = fc.array(fc.array(move, { minLength: 1, maxLength: 6 }), { maxLength: 8 })

interface Done {
  readonly move: Move
  readonly id: string
  readonly result: RequestRecord | null
}

async function play(office: Office, ids: readonly string[], one: Move): Promise<Done> {
  const id = ids[one.on]!
  for (let i = 0; i < one.turns; i++) await Promise.resolve()
  try {
    return { move: one, id, result: await act(office, id, one.call) }
  } catch (error) {
    assert.ok(error instanceof HoopError, String(error))
    return { move: one, id, result: null }
  }
}

async function act(
  { desk, runtime }: Office,
  id: string,
  wish: Call,
): Promise<RequestRecord | null> {
  switch (wish.do) {
    case 'approve':
      return desk.approve(id, wish.by, wish.digest === DIGEST ? {} : { digest: wish.digest })
    case 'reject':
      return desk.reject(id, wish.by, 'no')
    case 'cancel':
      return desk.cancel(id, wish.by, null)
    case 'spend':
      return desk.spend(id, wish.digest, wish.by)
    case 'session':
      return desk.cancel(id, 'session', 'gone')
    case 'settle':
      return desk.settle(id, { status: 'ok', sqlstate: null, rows: 1 })
    case 'wait':
      runtime.advance(wish.ms)
      return null
  }
}

const NEXT: Readonly<Record<string, readonly string[]>> = {
  pending: ['approved', 'rejected', 'expired', 'cancelled'],
  approved: ['executed', 'expired', 'cancelled'],
}

function check(record: RequestRecord, done: readonly Done[]): void {
  const mine = done.filter((one) => one.id === record.id && one.result !== null)
  const succeeded = (what: Call['do']) => mine.filter((one) => one.move.call.do === what)
  const states = record.history.map((entry) => entry.state)
  assert.equal(states[0], 'pending')
  assert.equal(states.at(-1), record.state)
  for (const [i, state] of states.slice(1).entries()) assert.ok(NEXT[states[i]!]?.includes(state))

  const approvals = record.decisions.filter((made) => made.verdict === 'approve')
  assert.equal(succeeded('approve').length, approvals.length)
  assert.equal(succeeded('reject').length, states.includes('rejected') ? 1 : 0)
  assert.equal(succeeded('spend').length, states.includes('executed') ? 1 : 0)
  assert.ok(succeeded('settle').length <= (states.includes('executed') ? 1 : 0))
  for (const { move } of mine) checkCaller(record, move.call)
  checkDeciders(record)
  checkTimes(record)
  if (states.includes('approved')) {
    assert.equal(approvals.length, record.decisions.length)
    assert.ok(
      fills(
        record.needs,
        approvals.map((made) => made.by.groups),
      ),
    )
  } else if (record.state === 'pending') {
    assert.ok(
      !fills(
        record.needs,
        approvals.map((made) => made.by.groups),
      ),
    )
  }
}

/** Of a call that succeeded: only the requester spends or cancels, and only with the right digest. */
function checkCaller({ requester }: RequestRecord, call: Call): void {
  if (!('by' in call)) return
  if (call.do === 'spend' || call.do === 'cancel') assert.ok(samePerson(call.by, requester))
  if (call.do === 'spend' || call.do === 'approve') assert.equal(call.digest, DIGEST)
}

function checkDeciders({ requester, decisions, needs }: RequestRecord): void {
  for (const [i, { by }] of decisions.entries()) {
    const known = PEOPLE.find((one) => one.subject === by.subject)!
    assert.ok(known.roles.includes('approver'))
    assert.ok(needs.some((need) => known.groups.includes(need.group)))
    assert.ok(!samePerson(by, requester))
    assert.ok(by.email?.toLowerCase() !== requester.email?.toLowerCase())
    for (const other of decisions.slice(i + 1)) assert.ok(!samePerson(by, other.by))
  }
}

function checkTimes({ history, decisions }: RequestRecord): void {
  for (const [i, entry] of history.slice(1).entries()) {
    const before = history[i]!
    assert.ok(entry.at >= before.at)
    if (entry.state === 'expired') assert.ok(entry.at >= before.until!)
    else if (entry.state !== 'cancelled') assert.ok(entry.at < before.until!)
  }
  for (const made of decisions) assert.ok(made.at < history[0]!.until!)
}

/** Can these people fill every place, one place each? By trying all of it. */
function fills(needs: readonly Need[], people: readonly (readonly string[])[]): boolean {
  const [chair, ...rest] = needs.flatMap((need) =>
    Array.from({ length: need.count }, () => need.group),
  )
  if (chair === undefined) return true
  const left = rest.map((group) => ({ group, count: 1 }))
  return people.some((groups, i) => groups.includes(chair) && fills(left, people.toSpliced(i, 1)))
}

test('AP-17: whatever the order and the races, the duties hold', async () => {
  const needs = fc.tuple(fc.constantFrom(...NEEDS), fc.constantFrom(...NEEDS))
  await fc.assert(
    fc.asyncProperty(needs, rounds, async (wanted, all) => {
      const office = await openOffice()
      const { desk, runtime } = office
      const told = new Map<string, string[]>()
      desk.onChange(({ id, state }) => told.set(id, [...(told.get(id) ?? []), state]))
      const ids = await Promise.all(
        wanted.map(async (list) => {
          const exec = { kind: 'exec', session: null } as const
          return (await desk.open(request(runtime, { ...exec, needs: list }))).id
        }),
      )
      const waiting = ids.map((id) =>
        desk.decided(id).then(
          (one) => one.state,
          () => null,
        ),
      )
      const done: Done[] = []
      for (const round of all) {
        done.push(...(await Promise.all(round.map((one) => play(office, ids, one)))))
        await settle()
        for (const id of ids) check(await desk.get(id), done)
      }
      for (const [i, id] of ids.entries()) {
        const record = await desk.get(id)
        assert.equal(told.get(id)?.at(-1), record.state)
        if (record.state !== 'pending') assert.equal(await waiting[i], record.history[1]!.state)
      }
      assert.deepEqual(office.faults, [])
      await office.close()
      await Promise.all(waiting)
    }),
    { numRuns: 150 },
  )
})
