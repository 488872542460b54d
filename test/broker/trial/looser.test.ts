import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { differs, isLooser, type Side, showsMore } from '../../../broker/trial/looser.ts'

const hold = (...needs: [string, number][]): Side => ({
  decision: 'hold',
  ways: [needs.map(([group, count]) => ({ group, count }))],
})
const allow: Side = { decision: 'allow', ways: [] }
const deny: Side = { decision: 'deny', ways: [] }

test('less is asked, or of fewer: that is looser', () => {
  const looser: [Side, Side][] = [
    [hold(['dba', 1]), allow],
    [deny, hold(['dba', 1])],
    [deny, allow],
    [hold(['dba', 2]), hold(['dba', 1])],
    [hold(['dba', 1], ['security', 1]), hold(['dba', 1])],
    // Others than before: nobody can say that it is as strict.
    [hold(['dba', 1]), hold(['interns', 1])],
  ]
  const either: Side = {
    decision: 'hold',
    ways: [...hold(['dba', 1]).ways, ...hold(['security', 1]).ways],
  }
  looser.push([hold(['dba', 1]), either])
  for (const [from, to] of looser) assert.ok(isLooser(from, to))
  const stricter: [Side, Side][] = [
    [allow, hold(['dba', 1])],
    [hold(['dba', 1]), deny],
    [
      { decision: 'hold', ways: [...hold(['dba', 1]).ways, ...hold(['x', 1]).ways] },
      hold(['x', 1]),
    ],
    [hold(['dba', 1]), hold(['dba', 2], ['security', 1])],
  ]
  for (const [from, to] of stricter) assert.ok(!isLooser(from, to) && differs(from, to))
})

test('a mask that shows more is looser; one that shows something else is, too', () => {
  const partial = (last: number) => ({ how: 'partial', last }) as const
  const hash = { how: 'hash', last: 0 } as const
  const redact = { how: 'redact', last: 0 } as const
  const none = { how: 'null', last: 0 } as const
  for (const [from, to] of [
    [redact, null],
    [redact, hash],
    [none, partial(4)],
    [partial(2), partial(4)],
    [hash, partial(4)],
    [partial(4), hash],
  ] as const) {
    assert.ok(showsMore(from, to))
  }
  for (const [from, to] of [
    [null, hash],
    [hash, redact],
    [redact, none],
    [partial(4), partial(2)],
    [hash, hash],
    [null, null],
  ] as const) {
    assert.ok(!showsMore(from, to))
  }
})

const side = fc.oneof(
  fc.constant(allow),
  fc.constant(deny),
  fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 3 })), {
      minLength: 1,
      selector: ([group]) => group,
    })
    .map((needs) => hold(...needs)),
)

test('what differs is looser one way or the other; nothing becomes looser step by step unseen', () => {
  fc.assert(
    fc.property(side, side, side, (a, b, c) => {
      assert.equal(differs(a, b), isLooser(a, b) || isLooser(b, a))
      assert.equal(isLooser(a, a), false)
      if (!isLooser(a, b) && !isLooser(b, c)) assert.ok(!isLooser(a, c))
    }),
  )
})
