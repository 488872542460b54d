import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contains, endsAt, isZone, parseSpan } from '../../protocol/calendar.ts'

const at = (text: string) => Date.parse(text)
const span = (text: string, zone = 'Europe/Berlin') => parseSpan(text, zone)!

test('office hours are those of the zone, in winter and in summer', () => {
  const office = span('mon-fri 09:00-17:00')
  assert.equal(contains(office, at('2026-01-14T07:59:59Z')), false)
  assert.equal(contains(office, at('2026-01-14T08:00:00Z')), true)
  assert.equal(contains(office, at('2026-07-15T07:00:00Z')), true)
  assert.equal(contains(office, at('2026-07-15T15:00:00Z')), false)
  assert.equal(contains(office, at('2026-01-17T10:00:00Z')), false, 'a Saturday')
})

test('over midnight: what begins on Saturday goes on into Sunday, and not into Monday', () => {
  const night = span('sat 22:00-02:00')
  assert.equal(contains(night, at('2026-01-17T20:59:00Z')), false)
  assert.equal(contains(night, at('2026-01-17T21:00:00Z')), true)
  assert.equal(contains(night, at('2026-01-18T00:59:59Z')), true)
  assert.equal(contains(night, at('2026-01-18T01:00:00Z')), false)
  assert.equal(contains(night, at('2026-01-18T22:00:00Z')), false)
  assert.equal(endsAt(night, at('2026-01-17T21:30:10Z')), at('2026-01-18T01:00:00Z'))
})

test('days may be a list, go over the weekend, or be all', () => {
  assert.deepEqual([...span('fri-mon 10:00-11:00').days], [4, 5, 6, 0])
  assert.deepEqual([...span('tue,thu 10:00-11:00').days], [1, 3])
  assert.equal(contains(span('daily 00:00-24:00'), at('2026-05-05T22:00:00Z')), true)
})

test('the night on which the clocks go forward has no half past two, the one on which they go back has two', () => {
  const early = span('sun 02:00-03:00')
  const minutes = (from: string) =>
    Array.from({ length: 360 }, (_, i) => at(from) + i * 60_000).filter((one) =>
      contains(early, one),
    )
  assert.equal(minutes('2026-03-28T22:00:00Z').length, 0)
  assert.equal(minutes('2026-10-24T22:00:00Z').length, 120)
})

test('what is not a span, or not a zone, is none', () => {
  for (const text of [
    '',
    'sat',
    'sat 22:00',
    'xyz 10:00-11:00',
    'sat 10:00-10:00',
    'sat 25:00-26:00',
    'mon-tue-wed 10:00-11:00',
    'sat 10:61-11:00',
    'sat 24:00-02:00',
    'sat  10:00-11:00',
  ])
    assert.equal(parseSpan(text, 'UTC'), null, text)
  for (const zone of ['', 'Mars/Olympus', '+02:00', 'UTC; drop', 'Europe/'])
    assert.equal(parseSpan('sat 10:00-11:00', zone), null, zone)
  assert.equal(isZone('America/New_York'), true)
})

test('it is over when it says so, and not a minute before', () => {
  const spans = fc.record({
    day: fc.constantFrom('mon', 'fri-sun', 'daily', 'sat,tue'),
    from: fc.integer({ min: 0, max: 1439 }),
    length: fc.integer({ min: 1, max: 1439 }),
    zone: fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
    ),
    when: fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') }),
  })
  const two = (n: number) => String(n).padStart(2, '0')
  const clock = (n: number) => `${two(Math.floor(n / 60))}:${two(n % 60)}`
  fc.assert(
    fc.property(spans, ({ day, from, length, zone, when }) => {
      const one = span(`${day} ${clock(from)}-${clock((from + length) % 1440)}`, zone)
      const end = endsAt(one, when)
      if (!contains(one, when)) return assert.equal(end, when)
      assert.ok(end > when)
      assert.equal(contains(one, end), false)
      assert.equal(contains(one, end - 1), true)
    }),
    { numRuns: 60 },
  )
})
