import { type CellMask, writeMasked } from './cell.ts'
import { MaskingError } from './errors.ts'
import { Output } from './output.ts'
import type { RowPlan } from './plan.ts'

const DATA_ROW = 0x44
const HEADER = 5
const SLACK = 256

/**
 * Masks whole DataRow messages (protocol-message-formats: Byte1('D') Int32 Int16, then for each
 * column Int32 and the value). One pass: what stays is copied in runs from one masked value to the
 * next, across messages; nothing is allocated for a value. Lengths come from the target and are
 * checked before they are used.
 */
export function maskRows(bytes: Buffer, plan: RowPlan): Buffer {
  if (plan.clear) return bytes
  const { columns } = plan
  const out = new Output(bytes.length + SLACK)
  let kept = 0
  let at = 0
  while (at < bytes.length) {
    const end = rowEnd(bytes, at, columns.length)
    const header = out.length + at - kept
    kept = maskRow(bytes, at + HEADER + 2, end, columns, kept, out)
    const length = out.length + end - kept - header - 1
    // Before `kept` all is written: if the header is there, its length is of the masked row now.
    if (header < out.length) out.patchInt32(header + 1, length)
    at = end
  }
  out.copy(bytes, kept, at)
  return out.take()
}

function rowEnd(bytes: Buffer, at: number, columns: number): number {
  if (bytes[at] !== DATA_ROW) throw new MaskingError('a message among the rows is not a row')
  if (bytes.length - at < HEADER + 2) throw new MaskingError('a row is cut short')
  const end = at + 1 + bytes.readInt32BE(at + 1)
  if (end < at + HEADER + 2 || end > bytes.length) {
    throw new MaskingError('a row has a length that cannot be')
  }
  if (bytes.readInt16BE(at + HEADER) !== columns) {
    throw new MaskingError('a row has not the columns that were described')
  }
  return end
}

/** Gives back where the bytes begin that are not written yet. */
function maskRow(
  bytes: Buffer,
  start: number,
  end: number,
  columns: readonly (CellMask | null)[],
  keptFrom: number,
  out: Output,
): number {
  let kept = keptFrom
  let at = start
  for (let column = 0; column < columns.length; column++) {
    if (at + 4 > end) throw new MaskingError('a row ends before its last column')
    const length =
      (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    const value = at + 4
    at = length === -1 ? value : value + length
    if (length < -1 || at > end) throw new MaskingError('a value has a length that cannot be')
    const mask = columns[column]!
    if (mask === null || (length === -1 && !mask.hidesNull)) continue
    out.copy(bytes, kept, value)
    maskValue(mask, bytes, value, at, out)
    kept = at
  }
  if (at !== end) throw new MaskingError('a row goes on after its last column')
  return kept
}

/** The value's length is the last thing written. */
function maskValue(mask: CellMask, bytes: Buffer, start: number, end: number, out: Output): void {
  const from = out.length
  const isNull = !writeMasked(mask, bytes, start, end, out)
  out.patchInt32(from - 4, isNull ? -1 : out.length - from)
}
