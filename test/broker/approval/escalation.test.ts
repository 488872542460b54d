import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escalated } from '../../../broker/approval/escalation.ts'
import { bob, dave, HOUR, openOffice, person, request } from './support.ts'

const MINUTE = 60_000
const size = (way: readonly { count: number }[]) => way.reduce((sum, { count }) => sum + count, 0)

test('members of the further group may take any of the places, in their time', () => {
  const ways = [[{ group: 'dba', count: 2 }]]
  const steps = [{ after: 10 * MINUTE, to: 'oncall' }]
  assert.deepEqual(escalated(ways, steps, 1000), {
    alternatives: [
      [{ group: 'dba', count: 2 }],
      [
        { group: 'dba', count: 1 },
        { group: 'oncall', count: 1 },
      ],
      [{ group: 'oncall', count: 2 }],
    ],
    opens: [0, 1000 + 10 * MINUTE, 1000 + 10 * MINUTE],
  })
})

test('no way becomes smaller, and what counted from the beginning still does', () => {
  const need = fc.record({
    group: fc.constantFrom('a', 'b', 'c'),
    count: fc.integer({ min: 1, max: 3 }),
  })
  const way = fc.uniqueArray(need, { minLength: 1, maxLength: 3, selector: ({ group }) => group })
  const step = fc.record({
    after: fc.integer({ min: 1, max: 99 }),
    to: fc.constantFrom('b', 'x', 'y'),
  })
  fc.assert(
    fc.property(
      fc.array(way, { minLength: 1, maxLength: 3 }),
      fc.array(step, { maxLength: 3 }),
      (ways, steps) => {
        const { alternatives, opens } = escalated(ways, steps, 0)
        const least = Math.min(...ways.map(size))
        assert.equal(alternatives.length, opens.length)
        assert.equal(opens[0], 0)
        for (const [i, each] of alternatives.entries()) {
          assert.ok(size(each) >= least)
          assert.ok(opens[i] === 0 || steps.some(({ after }) => after === opens[i]))
          assert.equal(new Set(each.map(({ group }) => group)).size, each.length)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('before the silence is over nobody else decides; then they may, and as many must', async () => {
  const office = await openOffice()
  const { desk, runtime } = office
  const needs = [{ group: 'dba', count: 2 }]
  const escalate = [{ after: 10 * MINUTE, to: 'oncall' }]
  const expiresAt = runtime.now() + HOUR
  const { id } = await desk.open(request(runtime, { needs, escalate, expiresAt }))
  const erin = () => person('erin', 'oncall', { issuedAt: runtime.now() })
  const frank = () => person('frank', 'oncall', { issuedAt: runtime.now() })
  await assert.rejects(desk.approve(id, erin()), /You cannot decide/)
  runtime.time += 10 * MINUTE
  assert.equal((await desk.approve(id, erin())).state, 'pending')
  assert.equal((await desk.approve(id, frank())).state, 'approved')

  const other = await desk.open(
    request(runtime, { needs, escalate, expiresAt: runtime.now() + HOUR }),
  )
  await desk.approve(other.id, { ...bob, issuedAt: runtime.now() })
  await assert.rejects(desk.approve(other.id, erin()), /You cannot decide/)
  assert.equal(
    (await desk.approve(other.id, { ...dave, issuedAt: runtime.now() })).state,
    'approved',
  )
  await office.close()
})
