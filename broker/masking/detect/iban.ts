import {
  BLANK,
  beginsWord,
  CLASS,
  DASH,
  DIGIT,
  endsWord,
  isDigit,
  isLetter,
  isWord,
  LETTER,
} from './bytes.ts'
import { mayBeFramed } from './framing.ts'
import { type Hits, IBAN } from './kinds.ts'

/** Lengths by country (SWIFT's IBAN registry). */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18
DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23
IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30
NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23
ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`
    .split(/\s/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** By the two letters, case folded: the length, 0 = no country. */
const LENGTH = new Uint8Array(1024)
for (const [country, length] of LENGTHS) {
  LENGTH[((country.charCodeAt(0) & 31) << 5) | (country.charCodeAt(1) & 31)] = length
}

const SHORTEST_IBAN = 15

/**
 * Where the IBAN ends that begins at `at`, or -1: in one piece or in groups of four, all in upper
 * or all in lower case, of its country's length, its remainder 1 (ISO 13616). `strict`: it stands alone.
 */
function ibanEnd(bytes: Buffer, at: number, start: number, end: number, strict: boolean): number {
  if (at + SHORTEST_IBAN > end || !isDigit(bytes[at + 2]) || !isDigit(bytes[at + 3])) return -1
  if (!isLetter(bytes[at]) || !isLetter(bytes[at + 1])) return -1
  const length = LENGTH[((bytes[at]! & 31) << 5) | (bytes[at + 1]! & 31)]!
  if (length === 0 || (strict && !beginsWord(bytes, at, start))) return -1
  const separator = bytes[at + 4] === BLANK || bytes[at + 4] === DASH ? bytes[at + 4]! : -1
  const lower = bytes[at]! & 0x20
  let place = at
  let digits = 0
  let remainder = 0
  let head = 0
  for (let count = 0; count < length; count++) {
    if (separator !== -1 && count > 0 && count % 4 === 0 && bytes[place++] !== separator) return -1
    if (place >= end) return -1
    const byte = bytes[place++]!
    const kind = CLASS[byte]! & (DIGIT | LETTER)
    if (kind === 0 || (kind === LETTER && (byte & 0x20) !== lower)) return -1
    if (kind === DIGIT) digits++
    const value = kind === DIGIT ? byte - 0x30 : (byte & 31) + 9
    if (count < 4) head = value > 9 ? head * 100 + value : head * 10 + value
    else remainder = (value > 9 ? remainder * 100 + value : remainder * 10 + value) % 97
  }
  // The first four come last: two letters are four digits.
  if ((remainder * 1_000_000 + head) % 97 !== 1 || digits < FEWEST_DIGITS) return -1
  return strict && place < end && isWord(bytes[place]) ? -1 : place
}

/** Account numbers are mostly digits; words are not. */
const FEWEST_DIGITS = 10

/** So far before its first long run of digits an IBAN in one piece may begin; and groups of four. */
const LOOK_BACK = 12
const GROUPS_BACK = 40

/** The IBAN in which the digits from `at` to `over` stand; its country's letters are before them. */
export function findIban(
  bytes: Buffer,
  at: number,
  over: number,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  if (over - at === 4) {
    const separator = bytes[at - 1]
    if (separator !== BLANK && separator !== DASH) return false
    for (let from = at - 5; from >= Math.max(start, at - GROUPS_BACK); from -= 5) {
      if (bytes[from + 4] !== separator) return false
      if (isLetter(bytes[from]) && takeIban(bytes, from, at, start, end, hits)) return true
    }
    return false
  }
  if (over - at < 8) return false
  for (let from = at - 1; from >= Math.max(start, at - LOOK_BACK) && isWord(bytes[from]); from--) {
    if (isLetter(bytes[from]) && takeIban(bytes, from, at, start, end, hits)) return true
  }
  return false
}

function takeIban(
  bytes: Buffer,
  from: number,
  at: number,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  const over = ibanEnd(bytes, from, start, end, hits !== null)
  if (over <= at || (hits === null && !mayStandAlone(bytes, from, over, start, end))) return false
  if (hits !== null && !hits.knows(IBAN, from)) hits.add(IBAN, from, over)
  return true
}

/** In one of the values that these bytes may hold: a letter behind it may be of the next message. */
function mayStandAlone(
  bytes: Buffer,
  from: number,
  over: number,
  start: number,
  end: number,
): boolean {
  if (!beginsWord(bytes, from, start) && !mayBeFramed(bytes, from, start)) return false
  return endsWord(bytes, over, end) || bytes[over + 1] === 0
}
