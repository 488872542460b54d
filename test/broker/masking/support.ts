import fc from 'fast-check'
import type { CellMask } from '../../../broker/masking/cell.ts'
import type { RowPlan } from '../../../broker/masking/plan.ts'
import type { CopyOptions } from '../../../protocol/pg/statement.ts'

/** Builds and reads messages by other means than the code under test. */

export type Row = readonly (Buffer | null)[]

const NOTHING = Buffer.alloc(0)

export const REDACT: CellMask = mask('redact')
export const NULLED: CellMask = { ...mask('null'), fixed: NOTHING }
export const LAST_FOUR: CellMask = mask('partial', 4)
export const HASHED: CellMask = mask('hash')

function mask(how: CellMask['how'], last = 0): CellMask {
  return {
    how,
    fixed: Buffer.from('***'),
    last,
    key: Buffer.from('a key of the tests'),
    hidesNull: false,
  }
}

export function planOf(columns: readonly (CellMask | null)[]): RowPlan {
  const masked = columns.map((column) => column !== null)
  return { clear: !masked.includes(true), columns, masked }
}

export function dataRow(row: Row): Buffer {
  const parts = row.flatMap((value) =>
    value === null ? [int32(-1)] : [int32(value.length), value],
  )
  const body = Buffer.concat([int16(row.length), ...parts])
  return Buffer.concat([Buffer.from('D'), int32(body.length + 4), body])
}

export function readRows(bytes: Buffer): Row[] {
  const rows: Row[] = []
  let rest = bytes
  while (rest.length > 0) {
    const size = rest.readInt32BE(1) + 1
    rows.push(readRow(rest.subarray(5, size)))
    rest = rest.subarray(size)
  }
  return rows
}

function readRow(body: Buffer): Row {
  const row: (Buffer | null)[] = []
  let rest = body.subarray(2)
  for (let left = body.readInt16BE(0); left > 0; left--) {
    const length = rest.readInt32BE(0)
    row.push(length === -1 ? null : Buffer.from(rest.subarray(4, 4 + length)))
    rest = rest.subarray(4 + Math.max(length, 0))
  }
  if (rest.length > 0) throw new Error('bytes after the last column')
  return row
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function copyData(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from('d'), int32(payload.length + 4), payload])
}

export function copyPayload(messages: Buffer): Buffer {
  const payloads: Buffer[] = []
  for (let at = 0; at < messages.length; at += messages.readInt32BE(at + 1) + 1) {
    payloads.push(messages.subarray(at + 5, at + messages.readInt32BE(at + 1) + 1))
  }
  return Buffer.concat(payloads)
}

export function copyOptions(
  format: CopyOptions['format'],
  more: Partial<CopyOptions> = {},
): CopyOptions {
  const isCsv = format === 'csv'
  return {
    ...{ format, delimiter: isCsv ? ',' : '\t', null: isCsv ? '' : '\\N' },
    ...{ quote: '"', escape: '"', header: false, ...more },
  }
}

/** Cuts at the given places, which are taken modulo the length. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
}

export const anyMask: fc.Arbitrary<CellMask> = fc.constantFrom(REDACT, NULLED, LAST_FOUR, HASHED)
export const anyText: fc.Arbitrary<Buffer> = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.string({ unit: fc.constantFrom(...'\\\n\r\t",;*N.\b\f\v\'|ab9 é'), maxLength: 12 }),
  )
  .map((text) => Buffer.from(text.replaceAll('\0', '')))
export const anyValue: fc.Arbitrary<Buffer | null> = fc.option(anyText, { freq: 5 })

/** A result: which columns are masked, and its rows. */
export const anyResult: fc.Arbitrary<{ columns: (CellMask | null)[]; rows: Row[] }> = fc
  .array(fc.option(anyMask, { freq: 2 }), { minLength: 1, maxLength: 5 })
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map(() => anyValue)), { maxLength: 8 }),
    }),
  )
