import {
  CLASS,
  DASH,
  DOMAIN,
  DOT,
  holdsWord,
  isDigit,
  isLetter,
  LOCAL,
  runEnd,
  runStart,
} from './bytes.ts'
import type { Hits } from './kinds.ts'
import { EMAIL } from './kinds.ts'

const LONGEST_LOCAL = 64
const LONGEST_LABEL = 63
/** How far before a name the `://` of its address may stand. */
const LONGEST_SCHEME = 128
const COLON = 0x3a
/** Names of files that only look like hosts: icon@2x.png. */
const FILES: ReadonlySet<string> = new Set([
  'png',
  'jpg',
  'jpeg',
  'gif',
  'webp',
  'svg',
  'css',
  'js',
])

/** Finds the address around the `@` at `at`. True: there is one. */
export function findEmail(
  bytes: Buffer,
  at: number,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  if (hits === null) return mayBeEmail(bytes, at, start, end)
  const over = domainEnd(bytes, at + 1, end)
  if (over === -1) return false
  const low = Math.max(start, at - LONGEST_LOCAL - 1)
  const from = localStart(bytes, runStart(bytes, at, low, LOCAL), at, start)
  if (from === at || bytes[at - 1] === DOT) return false
  if (at - from > LONGEST_LOCAL || isOfUrl(bytes, from, over, start, end)) return false
  hits.add(EMAIL, from, over)
  return true
}

/** A name before it, and a dot with a letter behind it: framing may follow on the domain at once. */
function mayBeEmail(bytes: Buffer, at: number, start: number, end: number): boolean {
  if (at === start || (CLASS[bytes[at - 1]!]! & LOCAL) === 0) return false
  const over = runEnd(bytes, at + 1, end, DOMAIN)
  for (let dot = at + 2; dot + 1 < over; dot++) {
    if (bytes[dot] === DOT && (isLetter(bytes[dot + 1]) || bytes[dot + 1]! >= 0x80)) return true
  }
  return false
}

/** What stands behind a backslash belongs to it: `\n`, `\u00e9`. A dot does not begin a name. */
function localStart(bytes: Buffer, from: number, at: number, start: number): number {
  let first = from
  if (first > start && bytes[first - 1] === 0x5c) first += bytes[first] === 0x75 ? 5 : 1
  while (first < at && bytes[first] === DOT) first++
  return Math.min(first, at)
}

/** Labels of letters, digits and dashes, at least two, the last one of letters. */
function domainEnd(bytes: Buffer, start: number, end: number): number {
  let over = runEnd(bytes, start, Math.min(end, start + 255), DOMAIN)
  while (over > start && (bytes[over - 1] === DOT || bytes[over - 1] === DASH)) over--
  let label = start
  let labels = 0
  for (let at = start; at <= over; at++) {
    if (at < over && bytes[at] !== DOT) continue
    if (at === label || at - label > LONGEST_LABEL || bytes[label] === DASH) return -1
    labels++
    if (at < over) label = at + 1
  }
  if (labels < 2 || over - label < 2 || !isTop(bytes, label, over)) return -1
  return over
}

function isTop(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (!isLetter(byte) && byte < 0x80 && !(CLASS[bytes[start]!] !== 0 && isPuny(bytes, start))) {
      return false
    }
  }
  return !FILES.has(bytes.toString('latin1', start, end).toLowerCase())
}

function isPuny(bytes: Buffer, start: number): boolean {
  return (
    holdsWord(bytes, start, start + 2, 'xn') &&
    bytes[start + 2] === DASH &&
    bytes[start + 3] === DASH &&
    !isDigit(bytes[start])
  )
}

/** user@host of an address (postgres://user:…@host/) and git@host:path name no person. */
function isOfUrl(bytes: Buffer, from: number, over: number, start: number, end: number): boolean {
  if (over < end && bytes[over] === COLON && over + 1 < end && isLetter(bytes[over + 1])) {
    if (bytes.toString('latin1', from, from + 4) === 'git@') return true
  }
  for (let at = from - 1; at >= Math.max(start, from - LONGEST_SCHEME); at--) {
    const byte = bytes[at]!
    if (byte <= 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x2c) return false
    if (byte === 0x2f) return at - 2 >= start && bytes[at - 1] === 0x2f && bytes[at - 2] === COLON
  }
  return false
}
