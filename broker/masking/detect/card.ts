import {
  BACKSLASH,
  BLANK,
  DASH,
  DIGIT,
  DOT,
  isDigit,
  isLetter,
  LETTER,
  runEnd,
  runStart,
  UNDERSCORE,
} from './bytes.ts'

/** How card numbers are printed: groups of digits with one blank or dash between them. */
const PRINTED: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
]
const SSN_GROUPS: readonly number[] = [3, 2, 4]

/** All that are issued begin with a digit from 2 to 6. */
export function isFirst(byte: number): boolean {
  return byte >= 0x32 && byte <= 0x36
}

/**
 * Where the card number ends that begins with the digit at `at`, or -1. In one piece or in the
 * groups that cards have; a length and first digits that are issued, and the check digit (Luhn).
 */
export function cardEnd(bytes: Buffer, at: number, start: number, end: number): number {
  if (!isFirst(bytes[at]!) || isLoose(bytes, at, start)) return -1
  const over = runEnd(bytes, at, end, DIGIT)
  if (over - at >= 13) {
    return over - at <= 19 && isFree(bytes, at, over, start, end) && isCard(bytes, at, over)
      ? over
      : -1
  }
  if (over - at !== 4) return -1
  for (const groups of PRINTED) {
    const last = groupsEnd(bytes, at, end, groups)
    if (last === -1) continue
    if (isApart(bytes, at, last, start, end) && isCard(bytes, at, last)) return last
  }
  return -1
}

/** Where the US social security number ends that begins at `at`, or -1: 078-05-1120. */
export function ssnEnd(bytes: Buffer, at: number, start: number, end: number): number {
  if (bytes[at + 3] !== DASH || !isArea(bytes, at) || isLoose(bytes, at, start)) return -1
  const over = groupsEnd(bytes, at, end, SSN_GROUPS)
  if (over === -1 || !isApart(bytes, at, over, start, end)) return -1
  return number(bytes, at + 4, 2) > 0 && number(bytes, at + 7, 4) > 0 ? over : -1
}

/** Do social security numbers begin with these three digits? */
export function isArea(bytes: Buffer, at: number): boolean {
  const area = number(bytes, at, 3)
  return area !== 0 && area !== 666
}

/** The four digits behind `\u` are a character. */
function isLoose(bytes: Buffer, at: number, start: number): boolean {
  return at - 2 >= start && bytes[at - 1] === 0x75 && bytes[at - 2] === BACKSLASH
}

/** Beside a number there may be a word (`Visa4111…`), but no other digits and no fraction. */
function isFree(bytes: Buffer, at: number, over: number, start: number, end: number): boolean {
  if (at > start) {
    const before = bytes[at - 1]!
    if (before === UNDERSCORE) return false
    if (before === DOT && at - 2 >= start && isDigit(bytes[at - 2])) return false
    if (isLetter(before)) {
      const word = runStart(bytes, at, start, LETTER)
      if (word > start && (isDigit(bytes[word - 1]) || bytes[word - 1] === UNDERSCORE)) return false
    }
  }
  if (over >= end) return true
  const behind = bytes[over]!
  if (behind === UNDERSCORE) return false
  if (behind === DOT && over + 1 < end && isDigit(bytes[over + 1])) return false
  if (!isLetter(behind)) return true
  const word = runEnd(bytes, over, end, LETTER)
  return word >= end || (!isDigit(bytes[word]) && bytes[word] !== UNDERSCORE)
}

/** Groups are all there is between the dashes: these are not the middle of an identifier. */
function isApart(bytes: Buffer, at: number, over: number, start: number, end: number): boolean {
  if (!isFree(bytes, at, over, start, end)) return false
  if (at - 2 >= start && bytes[at - 1] === DASH && isAlphanumeric(bytes[at - 2])) return false
  return !(over + 1 < end && bytes[over] === DASH && isAlphanumeric(bytes[over + 1]))
}

function isAlphanumeric(byte: number | undefined): boolean {
  return isDigit(byte) || isLetter(byte)
}

/** Where groups of so many digits end, the same blank or dash between any two; -1 = others. */
function groupsEnd(bytes: Buffer, start: number, end: number, groups: readonly number[]): number {
  const separator = bytes[start + groups[0]!]
  if (separator !== BLANK && separator !== DASH) return -1
  let at = start
  for (let group = 0; group < groups.length; group++) {
    if (group > 0 && bytes[at++] !== separator) return -1
    const over = at + groups[group]!
    if (over > end) return -1
    while (at < over) if (!isDigit(bytes[at++])) return -1
  }
  return at < end && isDigit(bytes[at]) ? -1 : at
}

function number(bytes: Buffer, at: number, digits: number): number {
  let value = 0
  for (let i = at; i < at + digits; i++) value = value * 10 + bytes[i]! - 0x30
  return value
}

function isCard(bytes: Buffer, start: number, end: number): boolean {
  let digits = 0
  let first = 0
  for (let at = start; at < end; at++) {
    if (!isDigit(bytes[at])) continue
    if (digits < 6) first = first * 10 + bytes[at]! - 0x30
    digits++
  }
  return isIssued(first, digits) && passesLuhn(bytes, start, end)
}

function passesLuhn(bytes: Buffer, start: number, end: number): boolean {
  let sum = 0
  let doubled = false
  for (let at = end - 1; at >= start; at--) {
    if (!isDigit(bytes[at])) continue
    const digit = bytes[at]! - 0x30
    sum += doubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
    doubled = !doubled
  }
  return sum % 10 === 0
}

/** Do cards have these first six digits with that length (ISO/IEC 7812, the schemes' ranges)? */
export function isIssued(first: number, digits: number): boolean {
  const two = Math.floor(first / 10_000)
  const four = Math.floor(first / 100)
  if (two >= 40 && two <= 49) return digits === 13 || digits === 16 || digits === 19
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return digits === 16
  if (two === 34 || two === 37) return digits === 15
  if (two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059)) return digits === 14
  if (four >= 3528 && four <= 3589) return digits >= 16
  if (four === 6011 || (four >= 6440 && four <= 6599)) return digits === 16 || digits === 19
  if (two === 62 || (four >= 2200 && four <= 2204)) return digits >= 16
  return MAESTRO.has(four) && digits >= 13
}

const MAESTRO: ReadonlySet<number> = new Set([5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763])
