import {
  BACKSLASH,
  BLANK,
  beginsWord,
  CLASS,
  DASH,
  DIGIT,
  endsWord,
  GROUPED,
  isLetter,
  isWord,
  LETTER,
  runEnd,
  runStart,
} from './bytes.ts'
import { cardEnd, ssnEnd } from './card.ts'
import { ibanEnd } from './iban.ts'
import { CARD, type Hits, has, IBAN, SSN } from './kinds.ts'

/** No number that is looked for has fewer digits, blanks and dashes in a row. */
const SHORTEST = 10

export const NUMBERS = (1 << CARD) | (1 << SSN) | (1 << IBAN)

/** Cards, social security numbers and IBANs. */
export function findNumbers(
  kinds: number,
  bytes: Buffer,
  start: number,
  end: number,
  hits: Hits,
): void {
  let at = start + SHORTEST - 1
  // What stands SHORTEST before `at` is of no run: only its last byte needs a look to pass one by.
  while (at < end) {
    if ((CLASS[bytes[at]!]! & GROUPED) === 0) {
      at += SHORTEST
      continue
    }
    const least = at - SHORTEST + 1
    const from = runStart(bytes, at, least, GROUPED)
    if (from > least) {
      at = from + SHORTEST - 1
      continue
    }
    let to = dullEnd(bytes, from, end)
    if (to === -1) {
      to = runEnd(bytes, at, end, GROUPED)
      findInRun(kinds, bytes, { from, to, start, end }, hits)
    }
    at = to + SHORTEST
  }
}

/** Where the run of digits, blanks and dashes around `at` ends; -1 = there may be a number in it, whatever frames it. */
export function clearEnd(
  kinds: number,
  bytes: Buffer,
  at: number,
  start: number,
  end: number,
): number {
  const from = runStart(bytes, at, start, GROUPED)
  const dull = dullEnd(bytes, from, end)
  if (dull !== -1) return dull
  const to = runEnd(bytes, at, end, GROUPED)
  if (to - from < SHORTEST) return to
  return findInRun(kinds, bytes, { from, to, start, end }, null) ? -1 : to
}

/**
 * Where the run ends that begins at `from`, if the lengths of its groups alone say that nothing is in
 * it, such as those of a date; else -1. All that is looked for has a group of eight digits or more, or
 * behind another one a group of four or six.
 */
function dullEnd(bytes: Buffer, from: number, end: number): number {
  let group = from
  let at = from
  for (; at < end; at++) {
    const bits = CLASS[bytes[at]!]!
    if ((bits & DIGIT) !== 0) continue
    if (at - group >= 4 && isTelling(at - group, group > from)) return -1
    if ((bits & GROUPED) === 0) return at
    group = at + 1
  }
  return isTelling(at - group, group > from) ? -1 : at
}

function isTelling(length: number, isBehind: boolean): boolean {
  return length >= 8 || (isBehind && (length === 4 || length === 6))
}

interface Run {
  readonly from: number
  readonly to: number
  readonly start: number
  readonly end: number
}

function findInRun(kinds: number, bytes: Buffer, run: Run, hits: Hits | null): boolean {
  const { from, to, start, end } = run
  const edge = hits === null ? edgeOf(bytes, to, end) : end
  let found = false
  let at = from
  while (at < to) {
    const over = runEnd(bytes, at, to, DIGIT)
    let next = Math.max(over, at + 1)
    if (over - at >= 3 && mayBegin(bytes, at, over, to)) {
      const last =
        hits === null && mayBeFramed(bytes, at, start)
          ? guess(kinds, bytes, at, over, edge)
          : numberEnd(kinds, bytes, at, start, edge, hits)
      if (last !== -1) found = true
      if (last > next) next = last
    }
    if (has(kinds, IBAN) && findIban(bytes, at, over, start, end, hits)) found = true
    if (found && hits === null) return true
    at = next
  }
  return found
}

/** In one piece, or followed by the second of the groups that are looked for. */
function mayBegin(bytes: Buffer, at: number, over: number, to: number): boolean {
  const length = over - at
  if (length >= 13) return length <= 19 + FRAMING
  if (length > 4 + FRAMING || over + 3 > to) return false
  const second = runEnd(bytes, over + 1, to, DIGIT) - over - 1
  if (second === 4 || second === 6) return true
  return second === 2 && runEnd(bytes, over + 4, to, DIGIT) - over - 4 === 4
}

function numberEnd(
  kinds: number,
  bytes: Buffer,
  at: number,
  start: number,
  end: number,
  hits: Hits | null,
): number {
  const card = has(kinds, CARD) ? cardEnd(bytes, at, start, end) : -1
  if (card !== -1) hits?.add(CARD, at, card)
  if (card !== -1 || !has(kinds, SSN)) return card
  const ssn = ssnEnd(bytes, at, start, end)
  if (ssn !== -1) hits?.add(SSN, at, ssn)
  return ssn
}

/** Bytes of the framing that may look like first digits of a value: its length, but for the highest. */
const FRAMING = 3

/**
 * May a value begin at `at`, or so near that what stands before it may be framing? The highest byte
 * of a length is 0, and a backslash may be what delimits values.
 */
function mayBeFramed(bytes: Buffer, at: number, start: number): boolean {
  const low = Math.max(start, runStart(bytes, at, start, LETTER) - FRAMING - 2)
  for (let before = at - 1; before >= low; before--) {
    if (bytes[before] === 0 || bytes[before] === BACKSLASH) return true
  }
  return false
}

/** The first place where the value may end: before a letter that may be that of the next message. */
function edgeOf(bytes: Buffer, to: number, end: number): number {
  const word = runEnd(bytes, to, end, LETTER)
  return word > to && bytes[word] === 0 ? word - 1 : end
}

/** The same with nothing before it, at each place where the value may really begin. */
function guess(kinds: number, bytes: Buffer, from: number, over: number, end: number): number {
  for (let at = from; at <= Math.min(from + FRAMING, over - 3); at++) {
    if (has(kinds, CARD) && cardEnd(bytes, at, at, end) !== -1) return over
    if (has(kinds, SSN) && ssnEnd(bytes, at, at, end) !== -1) return over
  }
  return -1
}

/** So far before its first long run of digits an IBAN in one piece may begin; and groups of four. */
const LOOK_BACK = 12
const GROUPS_BACK = 40

/** The IBAN in which the digits from `at` to `over` stand; its country's letters are before them. */
function findIban(
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
