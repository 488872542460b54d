import { BLANK, beginsWord, DASH, DOT, isDigit, isWord } from './bytes.ts'
import { type Hits, PHONE } from './kinds.ts'

const PLUS = 0x2b
const OPEN = 0x28
const CLOSE = 0x29

/** The number that the `+` or `(` at `at` begins. True: there is one. */
export function findPhone(
  bytes: Buffer,
  at: number,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  const over = phoneEnd(bytes, at, start, end, hits !== null)
  if (over === -1 || hits === null) return over !== -1
  // The area code of one that began before.
  const last = hits.count - 1
  if (hits.kinds[last] !== PHONE || hits.ends[last]! <= at) hits.add(PHONE, at, over)
  return true
}

/**
 * Where the telephone number ends that begins at `at`, or -1: `+` and 8 to 15 digits (E.164), single
 * blanks, dots, dashes and one pair of brackets between them; or `(415) 555-0123`. Not `strict`:
 * whatever stands beside it.
 */
function phoneEnd(bytes: Buffer, at: number, start: number, end: number, strict: boolean): number {
  if (bytes[at] === OPEN) return americanEnd(bytes, at, start, end, strict)
  if (bytes[at] !== PLUS || bytes[at + 1] === 0x30 || !isDigit(bytes[at + 1])) return -1
  if (strict && at > start && (!beginsWord(bytes, at, start) || bytes[at - 1] === PLUS)) return -1
  let digits = 0
  let over = -1
  let brackets = 0
  for (let place = at + 1; place < end; place++) {
    const byte = bytes[place]!
    if (isDigit(byte)) {
      digits++
      over = place + 1
      continue
    }
    if (byte === OPEN && brackets === 0 && digits <= 3) brackets = 1
    else if (byte === CLOSE && brackets === 1 && isDigit(bytes[place - 1])) brackets = 2
    else if (!isGap(byte)) break
    // One gap between two groups, a bracket beside it.
    else if (isGap(bytes[place - 1])) break
  }
  if (digits < 8 || digits > 15 || brackets === 1) return -1
  return strict && over < end && isWord(bytes[over]) ? -1 : over
}

function isGap(byte: number | undefined): boolean {
  return byte === BLANK || byte === DASH || byte === DOT
}

/** (NXX) NXX-XXXX, N from 2 to 9. */
function americanEnd(
  bytes: Buffer,
  at: number,
  start: number,
  end: number,
  strict: boolean,
): number {
  if (at + 13 > end || (strict && at > start && isWord(bytes[at - 1]))) return -1
  const gap = bytes[at + 5] === BLANK ? 1 : 0
  const over = at + 13 + gap
  if (over > end || bytes[at + 4] !== CLOSE || bytes[at + 8 + gap] !== DASH) return -1
  const places = [1, 2, 3, 5 + gap, 6 + gap, 7 + gap, 9 + gap, 10 + gap, 11 + gap, 12 + gap]
  if (!places.every((place) => isDigit(bytes[at + place]))) return -1
  if (bytes[at + 1]! < 0x32 || bytes[at + 5 + gap]! < 0x32) return -1
  return strict && over < end && isWord(bytes[over]) ? -1 : over
}
