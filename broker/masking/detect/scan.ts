import { findEmail } from './email.ts'
import { CLOUD_KEY, EMAIL, type Hits, has, JWT, PHONE, PRIVATE_KEY } from './kinds.ts'
import { findNumbers, NUMBERS } from './numbers.ts'
import { phoneEnd } from './phone.ts'
import { findCloudKey, findJwt, findPem } from './secrets.ts'

/**
 * Everything of these kinds in the bytes from `start` to `end`, which are one value. In no order;
 * two may overlap.
 */
export function find(kinds: number, bytes: Buffer, start: number, end: number, hits: Hits): void {
  findMarked(kinds, bytes, start, end, hits)
  if ((kinds & NUMBERS) !== 0) findNumbers(kinds, bytes, start, end, hits)
}

/**
 * May there be anything of these kinds in these bytes, which may hold many values and what frames
 * them? Never false where `find` finds something in one of the values.
 */
export function mayHold(kinds: number, bytes: Buffer, start: number, end: number): boolean {
  if (findMarked(kinds, bytes, start, end, null)) return true
  return (kinds & NUMBERS) !== 0 && findNumbers(kinds, bytes, start, end, null)
}

/** By which byte each kind is noticed: a rare one, not always its first. */
const MARKS: readonly (readonly [kind: number, marks: string])[] = [
  [EMAIL, '@'],
  [PHONE, '+('],
  [JWT, 'J'],
  [PRIVATE_KEY, 'V'],
  [CLOUD_KEY, '_xIzXK~'],
]

const tables = new Map<number, Uint8Array>()

/** By byte: the kind that it may give away plus one, or 0. */
function marksOf(kinds: number): Uint8Array {
  const known = tables.get(kinds)
  if (known !== undefined) return known
  const table = new Uint8Array(256)
  for (const [kind, marks] of MARKS) {
    if (has(kinds, kind)) for (const mark of marks) table[mark.charCodeAt(0)] = kind + 1
  }
  tables.set(kinds, table)
  return table
}

function findMarked(
  kinds: number,
  bytes: Buffer,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  const marks = marksOf(kinds)
  const bounds = { start, end }
  let found = false
  let at = start
  for (;;) {
    // Four at a time: nearly no byte is a mark.
    while (
      at + 4 <= end &&
      (marks[bytes[at]!]! |
        marks[bytes[at + 1]!]! |
        marks[bytes[at + 2]!]! |
        marks[bytes[at + 3]!]!) ===
        0
    ) {
      at += 4
    }
    while (at < end && marks[bytes[at]!] === 0) at++
    if (at >= end) return found
    if (findAt(marks[bytes[at]!]! - 1, bytes, at, bounds, hits)) {
      found = true
      if (hits === null) return true
    }
    at++
  }
}

function findAt(
  kind: number,
  bytes: Buffer,
  at: number,
  bounds: { readonly start: number; readonly end: number },
  hits: Hits | null,
): boolean {
  const { start, end } = bounds
  switch (kind) {
    case EMAIL:
      return findEmail(bytes, at, start, end, hits)
    case PHONE: {
      const over = phoneEnd(bytes, at, start, end, hits !== null)
      if (over === -1 || hits === null) return over !== -1
      // The area code of one that began before.
      const last = hits.count - 1
      if (hits.kinds[last] !== PHONE || hits.ends[last]! <= at) hits.add(PHONE, at, over)
      return true
    }
    case JWT:
      return findJwt(bytes, at, bounds, hits)
    case PRIVATE_KEY:
      return findPem(bytes, at, start, end, hits)
    default:
      return findCloudKey(bytes, at, bounds, hits)
  }
}
