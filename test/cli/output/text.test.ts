import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tableLines } from '../../../cli/output/table.ts'
import { describeDuration, parseDuration } from '../../../cli/output/time.ts'
import { chop, fit, pad, widthOf, wrap } from '../../../cli/output/width.ts'
import { HoopError } from '../../../protocol/errors.ts'

const plain = (text: unknown, style: string) => (style === '' ? '' : String(text))
const terminal = (width: number) => ({
  onTerminal: true,
  width,
  style: (_s: never, t: string) => plain(t, 'x'),
})

test('columns of a terminal: wide characters take two, marks none', () => {
  assert.equal(widthOf('abc'), 3)
  assert.equal(widthOf('山田'), 4)
  assert.equal(widthOf('e\u0301'), 1)
  assert.equal(widthOf('✓'), 1)
  assert.equal(widthOf('🚀'), 2)
  assert.equal(pad('山', 4), '山  ')
  assert.equal(pad('1', 3, 'right'), '  1')
})

test('what is cut says so; what is chopped loses nothing', () => {
  assert.equal(fit('abcdef', 4), 'abc…')
  assert.equal(fit('abcd', 4), 'abcd')
  assert.equal(fit('山田太郎', 4), '山…')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 20 }), (text, width) => {
      const pieces = chop(text, width)
      assert.equal(pieces.join(''), text)
      for (const piece of pieces) assert.ok(widthOf(piece) <= width)
      assert.ok(widthOf(fit(text, width)) <= width)
    }),
  )
})

test('text is broken at blanks', () => {
  assert.deepEqual(wrap('one two three', 8), ['one two', 'three'])
  assert.deepEqual(wrap('a\nb', 8), ['a', 'b'])
  assert.deepEqual(wrap('unbreakable', 4), ['unbreakable'])
})

test('a table fits the terminal: the flexible column gives way', () => {
  const rows = [{ id: 'r-1', text: 'UPDATE people SET everything' }]
  const columns = [
    { title: 'ID', of: (row: { id: string }) => row.id },
    { title: 'TEXT', of: (row: { text: string }) => row.text, flexible: true },
  ]
  assert.deepEqual(tableLines(rows, columns, terminal(20)), ['ID   TEXT', 'r-1  UPDATE people …'])
  const piped = { ...terminal(20), onTerminal: false }
  assert.equal(tableLines(rows, columns, piped)[1], 'r-1  UPDATE people SET everything')
})

test('what others wrote cannot break a table', () => {
  const columns = [{ title: 'T', of: (text: string) => text }]
  assert.deepEqual(tableLines(['a\nb\x1b[1m'], columns, terminal(80)), ['T', 'a⏎b⟨U+001B⟩[1m'])
})

test('lengths of time', () => {
  const cases: [string, number][] = [
    ['90', 90_000],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['250ms', 250],
  ]
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text)
  for (const text of ['', '0', '0s', '-1s', 'soon', '1h 30m', '1w', '5x', '1e3', '9'.repeat(40)]) {
    assert.throws(
      () => parseDuration(text),
      (error) => error instanceof HoopError && error.exit === 2,
    )
  }
  assert.equal(describeDuration(12_300), '12s')
  assert.equal(describeDuration(3_600_000), '60m')
  assert.equal(describeDuration(7_200_000), '2h')
  assert.equal(describeDuration(-5), '0s')
})
