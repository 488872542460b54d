import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assignSeats, progress } from '../../../broker/approval/seats.ts'
import type { Decision, Need } from '../../../broker/store/store.ts'
import { person } from './support.ts'

const approval = (subject: string, groups: string, verdict: Decision['verdict'] = 'approve') => ({
  by: person(subject, groups),
  verdict,
  comment: null,
  maxRows: null,
  at: 0,
})

const needs = (...list: readonly (readonly [string, number])[]): Need[] =>
  list.map(([group, count]) => ({ group, count }))

test('a person moves to another seat so that the next can sit', () => {
  const both = needs(['dba', 1], ['security', 1])
  const dave = approval('dave', 'security dba')
  const bob = approval('bob', 'dba')
  assert.deepEqual(progress(both, [dave]), [
    { group: 'dba', count: 1, have: 1 },
    { group: 'security', count: 1, have: 0 },
  ])
  assert.deepEqual(assignSeats(both, [dave, bob]), [
    { decision: 1, group: 'dba', alternative: 0 },
    { decision: 0, group: 'security', alternative: 0 },
  ])
})

test('one person has one seat, in however many groups they are', () => {
  assert.equal(
    assignSeats(needs(['dba', 2], ['security', 1]), [approval('d', 'dba security')]).length,
    1,
  )
})

test('those who reject, and those of other groups, have none', () => {
  const list = [approval('a', 'dba', 'reject'), approval('b', 'oncall')]
  assert.deepEqual(assignSeats(needs(['dba', 1]), list), [])
})

/** By trying everything: the most seats that can be filled. */
function most(chairs: readonly string[], people: readonly (readonly string[])[]): number {
  const [first, ...rest] = people
  if (first === undefined) return 0
  const standing = most(chairs, rest)
  const seated = chairs.flatMap((group, i) =>
    (first as readonly string[]).includes(group) ? [1 + most(chairs.toSpliced(i, 1), rest)] : [],
  )
  return Math.max(standing, ...seated)
}

test('as many seats as can be filled, each by a person of that group', () => {
  const group = fc.constantFrom('a', 'b', 'c')
  const groups = fc.uniqueArray(group)
  const wanted = fc.uniqueArray(fc.tuple(group, fc.integer({ min: 1, max: 2 })), {
    selector: ([name]) => name,
  })
  fc.assert(
    fc.property(wanted, fc.array(groups, { maxLength: 5 }), (list, people) => {
      const decisions = people.map((of, i) => approval(`p${i}`, of.join(' ')))
      const seats = assignSeats(needs(...list), decisions)
      const chairs = list.flatMap(([name, count]) => Array.from({ length: count }, () => name))
      assert.equal(seats.length, most(chairs, people))
      assert.equal(new Set(seats.map((seat) => seat.decision)).size, seats.length)
      for (const seat of seats)
        assert.ok(people[seat.decision]!.some((group) => group === seat.group))
      for (const [name, count] of list) {
        assert.ok(seats.filter((seat) => seat.group === name).length <= count)
      }
    }),
  )
})
