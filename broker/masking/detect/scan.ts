import { DASH, UNDERSCORE } from './bytes.ts'
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

/** The lengths of values in so many bytes have a highest byte of 0. */
const FRAMED = 1 << 24

/**
 * May there be anything of these kinds in these bytes, which may hold many values and what frames
 * them? Never false where `find` finds something in one of the values.
 */
export function mayHold(kinds: number, bytes: Buffer, start: number, end: number): boolean {
  if (end - start >= FRAMED) return true
  if (findMarked(kinds, bytes, start, end, null)) return true
  return (kinds & NUMBERS) !== 0 && findNumbers(kinds, bytes, start, end, null)
}

/** By which byte each kind is noticed: a rare one, not always its first. */
const MARKS: readonly (readonly [kind: number, marks: string])[] = [
  [EMAIL, '@'],
  [PHONE, '+('],
  [JWT, 'J'],
  [PRIVATE_KEY, 'V'],
  [CLOUD_KEY, '_xIXK~'],
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
    if (isMark(bytes, at) && findAt(marks[bytes[at]!]! - 1, bytes, at, bounds, hits)) {
      found = true
      if (hits === null) return true
    }
    at++
  }
}

/** By what stands beside it: words and names have these bytes too. */
function isMark(bytes: Buffer, at: number): boolean {
  const before = at > 0 ? bytes[at - 1]! : 0
  const behind = at + 1 < bytes.length ? bytes[at + 1]! : 0
  switch (bytes[at]) {
    // eyJ
    case 0x4a:
      return before === 0x79
    // PRIVATE
    case 0x56:
      return before === 0x49
    // AKIA, ASIA, ABIA; AIza
    case 0x49:
      return behind === 0x41 || behind === 0x7a
    // Key, KEY
    case 0x4b:
      return (behind | 0x20) === 0x65
    // xoxb-, xapp-
    case 0x78:
      return (behind === 0x6f || behind === 0x61) && bytes[at + 4] === DASH
    // GOCSPX-
    case 0x58:
      return behind === DASH
    // Q~
    case 0x7e:
      return before === 0x51
    case UNDERSCORE:
      return (behind | 0x20) === 0x6b || endsPrefix(bytes, at, before)
    default:
      return true
  }
}

/** gh?_, _pat_, npm_, _live_, whsec_ */
function endsPrefix(bytes: Buffer, at: number, before: number): boolean {
  const second = at > 1 ? bytes[at - 2]! : 0
  return (
    second === 0x68 ||
    (second === 0x61 && before === 0x74) ||
    (second === 0x70 && before === 0x6d) ||
    (second === 0x76 && before === 0x65) ||
    (second === 0x65 && before === 0x63)
  )
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
