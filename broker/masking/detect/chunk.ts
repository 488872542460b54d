import { CLASS, GROUPED } from './bytes.ts'
import { clearEnd, NUMBERS } from './numbers.ts'
import { findAt, marksOf } from './scan.ts'

/** The lengths of values in fewer bytes have a highest byte of 0. */
const FRAMED = 1 << 24

/** Of two bytes: both may be of a number; one of them may give a secret away. */
const BOTH_GROUPED = 1
const MARKED = 2
/** So many pairs, wherever they begin, are in each run that is long enough for a number. */
const PAIRS = 0b1111

const tables = new Map<number, Uint8Array>()

function pairsOf(kinds: number): Uint8Array {
  const known = tables.get(kinds)
  if (known !== undefined) return known
  const marks = marksOf(kinds)
  const isGrouped = (byte: number): boolean =>
    (kinds & NUMBERS) !== 0 && (CLASS[byte]! & GROUPED) !== 0
  const table = new Uint8Array(1 << 16)
  for (let pair = 0; pair < table.length; pair++) {
    const [one, other] = [pair & 0xff, pair >> 8]
    if (marks[one] !== 0 || marks[other] !== 0) table[pair] = MARKED
    else if (isGrouped(one) && isGrouped(other)) table[pair] = BOTH_GROUPED
  }
  tables.set(kinds, table)
  return table
}

/**
 * May there be anything of these kinds in these bytes, which may hold many values and what frames
 * them? Never false where `find` finds something in one of the values.
 */
export function mayHold(kinds: number, bytes: Buffer, start: number, end: number): boolean {
  if (end - start >= FRAMED) return true
  const table = pairsOf(kinds)
  const marks = marksOf(kinds)
  const mayBegin = (at: number): boolean =>
    marks[bytes[at]!] !== 0 && findAt(marks[bytes[at]!]! - 1, bytes, at, start, end, null)
  let grouped = 0
  let at = start
  for (; at + 1 < end; at += 2) {
    const pair = table[bytes[at]! | (bytes[at + 1]! << 8)]!
    grouped = ((grouped << 1) | (pair & BOTH_GROUPED)) & PAIRS
    if (pair === MARKED) {
      if (mayBegin(at) || mayBegin(at + 1)) return true
    } else if (grouped === PAIRS) {
      const over = clearEnd(kinds, bytes, at, start, end)
      if (over === -1) return true
      at = over - 2
      grouped = 0
    }
  }
  return at < end && mayBegin(at)
}
