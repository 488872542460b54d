import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CellMask } from '../../../broker/masking/cell.ts'
import { createCopyMasker } from '../../../broker/masking/copy.ts'
import { MaskingError } from '../../../broker/masking/errors.ts'
import type { CopyOptions } from '../../../protocol/pg/statement.ts'
import { readBinary, readCsv, readText, writeBinary, writeCsv, writeText } from './copy-format.ts'
import {
  anyResult,
  copyData,
  copyOptions,
  copyPayload,
  cut,
  HASHED,
  int16,
  int32,
  LAST_FOUR,
  NULLED,
  planOf,
  REDACT,
  type Row,
} from './support.ts'

function mask(
  columns: readonly (CellMask | null)[],
  options: CopyOptions,
  pieces: readonly Buffer[],
): Buffer {
  const masker = createCopyMasker(planOf(columns), options)
  const out = pieces.map((piece) => masker.push(piece))
  return Buffer.concat([...out, masker.end()])
}

const FORMATS = ['text', 'csv', 'binary'] as const

function write(rows: readonly Row[], options: CopyOptions): Buffer {
  if (options.format === 'binary') return writeBinary(rows)
  return options.format === 'csv' ? writeCsv(rows, options) : writeText(rows, options)
}

function read(bytes: Buffer, options: CopyOptions): Row[] {
  if (options.format === 'binary') return readBinary(bytes)
  return options.format === 'csv' ? readCsv(bytes, options) : readText(bytes, options)
}

/** Characters that PostgreSQL takes for each option and that make it hard. */
const anyOptions: fc.Arbitrary<CopyOptions> = fc
  .tuple(
    fc.constantFrom(...FORMATS),
    fc.constantFrom('\t', ',', '|', '*', ';'),
    fc.constantFrom('\\N', '', 'NULL'),
    fc.constantFrom('"', "'", '*'),
    fc.constantFrom('"', '\\', '*'),
    fc.boolean(),
  )
  .filter(([, delimiter, , quote]) => delimiter !== quote)
  .map(([format, delimiter, marker, quote, escaper, header]) =>
    copyOptions(format, {
      delimiter,
      null: marker,
      quote,
      escape: escaper,
      header: header && format !== 'binary',
    }),
  )

/** What a column's value must be after masking; undefined = anything that is not the value. */
function expected(column: CellMask | null, value: Buffer | null): Buffer | null | undefined {
  if (column === null || value === null) return value
  if (column.how === 'redact') return Buffer.from('***')
  return column.how === 'null' ? null : undefined
}

test('property: the output parses, unmasked values stay, masked ones do not, NULL stays NULL', () => {
  fc.assert(
    fc.property(anyResult, anyOptions, ({ columns, rows }, options) => {
      // In text format an empty or `NULL` value cannot be told from its marker, by anybody.
      const told = options.format === 'text' ? rows.map((row) => row.map(untold(options))) : rows
      const names: Row = columns.map((_, index) => Buffer.from(`column ${index}`))
      const all = options.header ? [names, ...told] : told
      const masked = read(mask(columns, options, [write(all, options)]), options)
      assert.equal(masked.length, all.length)
      if (options.header) assert.deepEqual(masked.shift(), names)
      for (const [at, row] of told.entries()) {
        for (const [index, column] of columns.entries()) {
          const want = expected(column, row[index]!)
          if (want !== undefined) assert.deepEqual(masked[at]![index], want)
        }
      }
    }),
    { numRuns: 400 },
  )
})

function untold(options: CopyOptions): (value: Buffer | null) => Buffer | null {
  return (value) => (value?.toString() === options.null ? null : value)
}

test('property: where the stream is cut makes no difference', () => {
  fc.assert(
    fc.property(
      anyResult,
      anyOptions,
      fc.array(fc.nat(), { maxLength: 8 }),
      (result, options, cuts) => {
        const names: Row = result.columns.map(() => Buffer.from('name'))
        const bytes = write(options.header ? [names, ...result.rows] : result.rows, options)
        const whole = mask(result.columns, options, [bytes])
        assert.deepEqual(mask(result.columns, options, cut(bytes, cuts)), whole)
        const single = [...bytes].map((byte) => Buffer.of(byte))
        assert.deepEqual(mask(result.columns, options, single), whole)
        assert.deepEqual(inMessages(result.columns, options, cut(bytes, cuts)), whole)
        assert.deepEqual(inMessages(result.columns, options, single), whole)
        assert.deepEqual(inParts(result.columns, options, bytes, cuts), whole)
      },
    ),
    { numRuns: 300 },
  )
})

/** The same stream as CopyData messages, two pushes. */
function inMessages(
  columns: readonly (CellMask | null)[],
  options: CopyOptions,
  payloads: readonly Buffer[],
): Buffer {
  const masker = createCopyMasker(planOf(columns), options)
  const messages = payloads.map(copyData)
  const half = messages.length >> 1
  const groups = [messages.slice(0, half), messages.slice(half)]
  const out = Buffer.concat(groups.map((group) => masker.messages(Buffer.concat(group))))
  masker.end()
  return copyPayload(out)
}

/** One message for all, in parts; the header comes whole. */
function inParts(
  columns: readonly (CellMask | null)[],
  options: CopyOptions,
  payload: Buffer,
  cuts: readonly number[],
): Buffer {
  const masker = createCopyMasker(planOf(columns), options)
  const message = copyData(payload)
  const pieces = [message.subarray(0, 5), ...cut(message.subarray(5), cuts)]
  const out = pieces.map((piece) => masker.messages(piece))
  masker.end()
  return copyPayload(Buffer.concat(out))
}

test('property: a protected value is nowhere in the output, whatever the options', () => {
  const secret = fc.string({
    unit: fc.constantFrom(...'0123456789-,"\\\n\t*'),
    minLength: 9,
    maxLength: 24,
  })
  const how = fc.constantFrom(REDACT, NULLED, LAST_FOUR, HASHED)
  fc.assert(
    fc.property(secret, how, anyOptions, fc.boolean(), (text, column, options, asMarker) => {
      const value = Buffer.from(text)
      const used = { ...options, header: false }
      // A client may choose the secret that it guesses as the marker for NULL.
      const hasMarker = asMarker && /^[0-9-]+$/.test(text) && options.format === 'text'
      const chosen = hasMarker ? { ...used, null: text } : used
      const masked = mask([null, column], chosen, [write([[Buffer.from('1'), value]], chosen)])
      const [row] = read(masked, hasMarker ? { ...chosen, null: '\\N' } : chosen)
      const after = row![1]
      if (column.how === 'partial') {
        assert.ok([...after!.toString()].filter((point) => point !== '*').length <= 4)
      } else if (!(hasMarker && column.how === 'null')) assert.ok(!masked.includes(value))
    }),
    { numRuns: 400 },
  )
})

test('a value that was quoted needs no quotes any more', () => {
  const options = copyOptions('csv')
  const bytes = Buffer.from('1,"a ""quoted"", one\nwith a line"\n2,\n3,""\n')
  assert.equal(mask([null, REDACT], options, [bytes]).toString(), '1,***\n2,\n3,***\n')
})

test('NULL looks like a value where it is hidden, in every format', () => {
  const hidden = { ...REDACT, hidesNull: true }
  for (const format of ['text', 'csv', 'binary'] as const) {
    const options = copyOptions(format)
    const bytes = mask([hidden, REDACT], options, [write([[null, null]], options)])
    assert.deepEqual(read(bytes, options), [[Buffer.from('***'), null]], format)
  }
})

test('a mask that looks like a delimiter is written so that it parses', () => {
  const text = copyOptions('text', { delimiter: '*' })
  assert.equal(mask([REDACT, null], text, [Buffer.from('a*b\n')]).toString(), '\\*\\*\\**b\n')
  const csv = copyOptions('csv', { delimiter: '*' })
  assert.equal(mask([REDACT, null], csv, [Buffer.from('a*b\n')]).toString(), '"***"*b\n')
})

test('a mask that looks like the marker for NULL is quoted', () => {
  const csv = copyOptions('csv', { null: '***' })
  assert.equal(mask([REDACT], csv, [Buffer.from('a\n***\n')]).toString(), '"***"\n***\n')
})

test('a marker for NULL that could be a guess is not believed', () => {
  const guess = copyOptions('text', { null: '078-05-1120' })
  const bytes = Buffer.from('078-05-1120\n219-09-9999\n')
  assert.equal(mask([REDACT], guess, [bytes]).toString(), '***\n***\n')
})

test('the header line stays, in both formats that have one', () => {
  for (const format of ['text', 'csv'] as const) {
    const options = copyOptions(format, { header: true, delimiter: ',' })
    const masked = mask([null, REDACT], options, [Buffer.from('id,ssn\n1,078-05-1120\n')])
    assert.equal(masked.toString(), 'id,ssn\n1,***\n')
  }
})

test('a redacted or nulled value of any size is not kept in memory; a partial one is redacted', () => {
  for (const column of [REDACT, NULLED, LAST_FOUR, HASHED]) {
    for (const format of FORMATS) {
      const options = copyOptions(format)
      const bytes = write([[Buffer.alloc(3 << 20, '4'), Buffer.from('x')]], options)
      const pieces = cut(bytes, [100, 70_000, 1 << 20, (2 << 20) + 5])
      const after = column === NULLED ? null : Buffer.from('***')
      assert.deepEqual(read(mask([column, null], options, pieces), options), [
        [after, Buffer.from('x')],
      ])
    }
  }
})

test('a clear plan gives back the very buffer', () => {
  const masker = createCopyMasker(planOf([null]), copyOptions('text'))
  const bytes = Buffer.from('a\tb\tc')
  assert.equal(masker.push(bytes), bytes)
  assert.equal(masker.messages(bytes), bytes)
})

const BINARY = writeBinary([[Buffer.from('secret')]])
const HEAD = BINARY.subarray(0, 19)
const REFUSED: readonly (readonly [string, CopyOptions['format'], Buffer])[] = [
  ['too many columns', 'text', Buffer.from('a\tb\n')],
  ['a stream that ends within a row', 'text', Buffer.from('a')],
  ['a stream that ends behind a backslash', 'text', Buffer.from('a\n\\')],
  ['too many columns', 'csv', Buffer.from('a,b\n')],
  ['a stream that ends within a row', 'csv', Buffer.from('a\nb')],
  ['a stream that ends in quotes', 'csv', Buffer.from('"a\n')],
  ['a quote in a bare value', 'csv', Buffer.from('a"b"\n')],
  ['more after the closing quote', 'csv', Buffer.from('"a"b\n')],
  ['another signature', 'binary', Buffer.from('PGCOPX\n\xff\r\n\0', 'latin1')],
  ['flags', 'binary', Buffer.concat([BINARY.subarray(0, 11), int32(1 << 16)])],
  ['an impossible extension', 'binary', Buffer.concat([BINARY.subarray(0, 15), int32(-4)])],
  ['no trailer', 'binary', BINARY.subarray(0, -2)],
  ['bytes after the trailer', 'binary', Buffer.concat([BINARY, Buffer.of(0)])],
  ['another column count', 'binary', Buffer.concat([HEAD, int16(2)])],
  ['an impossible length', 'binary', Buffer.concat([HEAD, int16(1), int32(-7)])],
]

for (const [what, format, bytes] of REFUSED) {
  test(`refused: ${what} (${format})`, () => {
    assert.throws(() => mask([REDACT], copyOptions(format), [bytes]), MaskingError)
    assert.throws(() => mask([REDACT], copyOptions(format), cut(bytes, [3, 7])), MaskingError)
  })
}

test('refused: a row with too few columns', () => {
  for (const format of ['text', 'csv'] as const) {
    const run = (): Buffer =>
      mask([null, REDACT], copyOptions(format), [Buffer.from('078-05-1120\n')])
    assert.throws(run, MaskingError)
  }
})

test('refused: messages that are no CopyData, or cut', () => {
  const masker = createCopyMasker(planOf([REDACT]), copyOptions('text'))
  assert.throws(() => masker.messages(Buffer.from('c\0\0\0\x04')), MaskingError)
  assert.throws(() => masker.messages(Buffer.from('d\0\0')), MaskingError)
  const cutShort = createCopyMasker(planOf([REDACT]), copyOptions('text'))
  cutShort.messages(Buffer.from('d\0\0\0\x09abc\n'))
  assert.throws(() => cutShort.end(), MaskingError)
  assert.throws(() => masker.messages(Buffer.from('d\0\0\0\x03abc')), MaskingError)
})
