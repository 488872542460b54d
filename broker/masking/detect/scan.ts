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
export function marksOf(kinds: number): Uint8Array {
  const known = tables.get(kinds)
  if (known !== undefined) return known
  const table = new Uint8Array(256)
  for (const [kind, marks] of MARKS) {
    if (has(kinds, kind)) for (const mark of marks) table[mark.charCodeAt(0)] = kind + 1
  }
  tables.set(kinds, table)
  return table
}

function findMarked(kinds: number, bytes: Buffer, start: number, end: number, hits: Hits): void {
  const marks = marksOf(kinds)
  for (let at = start; at < end; at++) {
    if (marks[bytes[at]!] !== 0) findAt(marks[bytes[at]!]! - 1, bytes, at, start, end, hits)
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

/** What the mark at `at` gives away. `hits` null: whether there may be some, whatever frames it. */
export function findAt(
  kind: number,
  bytes: Buffer,
  at: number,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  if (!isMark(bytes, at)) return false
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
      return findJwt(bytes, at, { start, end }, hits)
    case PRIVATE_KEY:
      return findPem(bytes, at, start, end, hits)
    default:
      return findCloudKey(bytes, at, { start, end }, hits)
  }
}
