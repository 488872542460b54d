import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CellMask } from '../../../broker/masking/cell.ts'
import { MaskingError } from '../../../broker/masking/errors.ts'
import { maskRows } from '../../../broker/masking/rows.ts'
import {
  anyResult,
  dataRow,
  HASHED,
  int16,
  int32,
  LAST_FOUR,
  NULLED,
  planOf,
  REDACT,
  type Row,
  readRows,
} from './support.ts'

const text = (value: string | null): Buffer | null => (value === null ? null : Buffer.from(value))

function mask(columns: readonly (CellMask | null)[], rows: readonly (string | null)[][]): unknown {
  const bytes = Buffer.concat(rows.map((row) => dataRow(row.map(text))))
  const masked = readRows(maskRows(bytes, planOf(columns)))
  return masked.map((row) => row.map((value) => value?.toString() ?? null))
}

test('each way of masking', () => {
  const rows = [
    ['1', '078-05-1120', '4111111111111111', 'note', 'x'],
    ['2', null, null, null, null],
  ]
  const [first, second] = mask([null, REDACT, LAST_FOUR, NULLED, HASHED], rows) as string[][]
  assert.deepEqual(first!.slice(0, 4), ['1', '***', '************1111', null])
  assert.match(first![4]!, /^[0-9a-f]{16}$/)
  assert.deepEqual(second, ['2', null, null, null, null])
})

test('NULL looks like a value where it is hidden', () => {
  const hidden = { ...REDACT, hidesNull: true }
  assert.deepEqual(mask([hidden, REDACT, null], [[null, null, null]]), [['***', null, null]])
})

test('a partial mask never shows more than half of a value', () => {
  const shown = (value: string): string => (mask([LAST_FOUR], [[value]]) as string[][])[0]![0]!
  assert.equal(shown('1234'), '**34')
  assert.equal(shown('12345678'), '****5678')
  assert.equal(shown('9'), '*')
  assert.equal(shown(''), '')
  assert.equal(shown('Ünal戴戴戴'), '****戴戴戴')
  assert.equal(shown('4111111111111111    '), '************1111')
})

test('a partial mask of bytes that are no UTF-8 shows none of them', () => {
  const bytes = dataRow([Buffer.from('4142439090909090', 'hex')])
  assert.deepEqual(readRows(maskRows(bytes, planOf([LAST_FOUR]))), [[Buffer.from('***')]])
  const stray = dataRow([Buffer.from('9041424344', 'hex')])
  assert.deepEqual(readRows(maskRows(stray, planOf([LAST_FOUR]))), [[Buffer.from('***')]])
})

test('a value above a megabyte is redacted whole', () => {
  for (const how of [LAST_FOUR, HASHED]) {
    const bytes = dataRow([Buffer.alloc((1 << 20) + 1, '7')])
    assert.deepEqual(readRows(maskRows(bytes, planOf([how]))), [[Buffer.from('***')]])
  }
})

test('equal values hash alike, others do not, and the key decides', () => {
  const [[a], [b], [c]] = mask([HASHED], [['x'], ['x'], ['y']]) as [[string], [string], [string]]
  assert.equal(a, b)
  assert.notEqual(a, c)
  const other = { ...HASHED, key: Buffer.from('another key') }
  assert.notDeepEqual(mask([other], [['x']]), [[a]])
})

test('a clear plan gives back the very buffer', () => {
  const bytes = dataRow([Buffer.from('1')])
  assert.equal(maskRows(bytes, planOf([null])), bytes)
})

test('property: unmasked columns are byte-identical, NULL stays, nothing of the protected is left', () => {
  fc.assert(
    fc.property(anyResult, ({ columns, rows }) => {
      const input = Buffer.concat(rows.map(dataRow))
      const before = Buffer.from(input)
      const masked = readRows(maskRows(input, planOf(columns)))
      assert.deepEqual(input, before)
      assert.equal(masked.length, rows.length)
      for (const [index, row] of rows.entries()) checkRow(columns, row, masked[index]!)
    }),
  )
})

function checkRow(columns: readonly (CellMask | null)[], row: Row, masked: Row): void {
  for (const [index, column] of columns.entries()) {
    const [value, after] = [row[index]!, masked[index]!]
    if (column === null || value === null) assert.deepEqual(after, value)
    else if (column.how === 'redact') assert.deepEqual(after, Buffer.from('***'))
    else if (column.how === 'null') assert.equal(after, null)
    else if (column.how === 'hash') assert.match(after!.toString(), /^[0-9a-f]{16}$/)
    else {
      const trimmed = [...value.toString().replace(/ +$/, '')]
      const shown = [...after!.toString()].filter((point) => point !== '*').length
      assert.ok(shown <= Math.min(4, trimmed.length / 2))
    }
  }
}

test('property: a protected value is nowhere in the output, in text or in hex', () => {
  const secret = fc.string({ unit: fc.constantFrom(...'0123456789-'), minLength: 9, maxLength: 20 })
  const how = fc.constantFrom(REDACT, NULLED, LAST_FOUR, HASHED)
  fc.assert(
    fc.property(secret, how, (value, column) => {
      const rows = [dataRow([Buffer.from('1'), Buffer.from(value)]), dataRow([null, null])]
      const masked = maskRows(Buffer.concat(rows), planOf([null, column]))
      assert.ok(!masked.includes(value))
      assert.ok(!masked.toString('hex').includes(Buffer.from(value).toString('hex')))
    }),
  )
})

test('property: damaged lengths end in an error or in rows of the right shape, never in a leak', () => {
  const place = fc.nat()
  fc.assert(
    fc.property(place, fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const row = [Buffer.from('id'), Buffer.from('457-55-5462'), Buffer.from('tail')]
      const bytes = Buffer.concat([dataRow(row), dataRow(row)])
      bytes[at % bytes.length] = byte
      try {
        maskRows(bytes, planOf([null, REDACT, null]))
      } catch (error) {
        assert.ok(error instanceof MaskingError)
      }
    }),
  )
})

const header = (length: number): Buffer => Buffer.concat([Buffer.from('D'), int32(length)])
const REFUSED: readonly (readonly [string, Buffer])[] = [
  ['another message', Buffer.concat([Buffer.from('C'), int32(4)])],
  ['a header alone', header(4)],
  ['a length below the header', Buffer.concat([header(3), int16(1), int32(-1)])],
  ['a negative length', Buffer.concat([header(-1), int16(1), int32(-1)])],
  ['a message that goes past the bytes', Buffer.concat([header(99), int16(1), int32(-1)])],
  ['too few columns', dataRow([])],
  ['too many columns', dataRow([null, null])],
  ['a negative column count', Buffer.concat([header(6), int16(-1)])],
  ['no length of the value', Buffer.concat([header(8), int16(1), int16(0)])],
  ['a value past its row', Buffer.concat([header(10), int16(1), int32(5)])],
  ['a value with an impossible length', Buffer.concat([header(10), int16(1), int32(-2)])],
  ['bytes after the last value', Buffer.concat([header(11), int16(1), int32(-1), Buffer.of(7)])],
]

for (const [what, bytes] of REFUSED) {
  test(`AP-33: refused: ${what}`, () => {
    assert.throws(() => maskRows(bytes, planOf([REDACT])), MaskingError)
    const good = dataRow([Buffer.from('secret')])
    assert.throws(() => maskRows(Buffer.concat([good, bytes]), planOf([REDACT])), MaskingError)
  })
}
