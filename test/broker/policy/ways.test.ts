import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePolicy, policyFaults } from '../../../broker/policy/parse.ts'
import type { Asked, Need } from '../../../broker/policy/policy.ts'
import { MOST_WAYS, together, waysOf } from '../../../broker/policy/ways.ts'

const rules = (write: string, more = '') =>
  `connections:\n  pg:\n    request: [engineers]\n    rules:\n      read: allow\n      write: ${write}\n${more}`

const policyOf = (text: string) => parsePolicy(text, 'policy.yaml').connections.get('pg')!

test('any: each way is enough, the first is what is shown as needs', () => {
  const { rules: of } = policyOf(
    rules('{ hold: { any: [[{ group: dba, count: 2 }], [security, cto], ceo] } }'),
  )
  const two = [{ group: 'dba', count: 2 }]
  const both = [
    { group: 'security', count: 1 },
    { group: 'cto', count: 1 },
  ]
  assert.deepEqual(of.write, {
    decision: 'hold',
    needs: two,
    alternatives: [two, both, [{ group: 'ceo', count: 1 }]],
  })
})

test('any: faults are named where they stand', () => {
  const faults = (write: string, more = '') =>
    policyFaults(rules(write, more), 'p.yaml').map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    )
  assert.match(faults('{ hold: { any: [[dba]] } }')[0] ?? '', /^6:\d+ .*at least two ways/)
  assert.match(faults('{ hold: { any: [[dba], []] } }')[0] ?? '', /^6:\d+ /)
  assert.match(faults('{ hold: { any: [dba, dba], of: 1 } }')[0] ?? '', /^6:\d+ /)
  assert.match(
    faults('{ hold: { any: [[dba, dba], x] } }')[0] ?? '',
    /^6:14 the group dba is named twice/,
  )
})

test('separate: faults are named where they stand', () => {
  const faults = (separate: string) =>
    policyFaults(rules('deny', `    separate: ${separate}\n`), 'p.yaml').map(
      ({ line, message }) => `${line} ${message}`,
    )
  assert.deepEqual(faults('[{ groups: [engineers, dba], may_not: approve }]'), [])
  assert.match(faults('[{ groups: [engineers], may_not: approve }]')[0] ?? '', /^7 .*at least two/)
  assert.match(faults('[{ groups: [a, b], may_not: ask }]')[0] ?? '', /^7 may_not is/)
})

test('too many ways together are a fault of the file', () => {
  const any = (of: string) => `{ any: [${of}1, ${of}2, ${of}3, ${of}4, ${of}5] }`
  const more = `      ddl: { hold: ${any('b')} }\n      admin: { hold: ${any('c')} }\n`
  const text = rules(`{ hold: ${any('a')} }`, more)
  assert.match(policyFaults(text, 'p.yaml')[0]?.message ?? '', /more than 64 ways/)
})

const group = fc.constantFrom('a', 'b', 'c', 'd')
const way: fc.Arbitrary<readonly Need[]> = fc.uniqueArray(
  fc.record({ group, count: fc.integer({ min: 1, max: 2 }) }),
  { minLength: 1, maxLength: 3, selector: (need) => need.group },
)
const asked: fc.Arbitrary<Asked> = fc
  .array(way, { minLength: 1, maxLength: 4 })
  .map((ways) => ({ needs: ways[0]!, alternatives: ways.length > 1 ? ways : [] }))

/** Enough of each group for all that is asked, if everybody counted for each of their groups. */
const enough = (held: Asked, have: ReadonlyMap<string, number>): boolean =>
  waysOf(held).some((needs) => needs.every((need) => (have.get(need.group) ?? 0) >= need.count))

test('together is enough exactly where each is enough by itself', () => {
  const have = fc
    .array(fc.tuple(group, fc.nat({ max: 2 })), { maxLength: 4 })
    .map((pairs) => new Map(pairs))
  fc.assert(
    fc.property(fc.array(asked, { minLength: 1, maxLength: 3 }), have, (holds, some) => {
      const all = together(holds)
      if (all === null)
        return assert.ok(holds.reduce((n, one) => n * waysOf(one).length, 1) > MOST_WAYS)
      assert.ok(waysOf(all).every((needs) => needs.length > 0))
      assert.equal(
        enough(all, some),
        holds.every((hold) => enough(hold, some)),
      )
    }),
    { numRuns: 500 },
  )
})
