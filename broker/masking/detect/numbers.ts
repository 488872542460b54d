import { CLASS, DIGIT, GROUPED, isLetter, isWord, runEnd, runStart } from './bytes.ts'
import { cardEnd, ssnEnd } from './card.ts'
import { ibanEnd } from './iban.ts'
import { CARD, type Hits, has, IBAN, SSN } from './kinds.ts'

/** No number that is looked for has fewer digits, blanks and dashes in a row. */
const SHORTEST = 10
/** Of so many in a row, each run of the shortest length has three. */
const STEP = 3

export const NUMBERS = (1 << CARD) | (1 << SSN) | (1 << IBAN)

/** Cards, social security numbers and IBANs. `hits` null: whether there may be one, whatever frames it. */
export function findNumbers(
  kinds: number,
  bytes: Buffer,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  let found = false
  let seen = 0
  for (let at = start + STEP - 1; at < end; at += STEP) {
    // Grouped characters in three samples one after another.
    seen = ((seen << 1) | ((CLASS[bytes[at]!]! & GROUPED) >> 2)) & 7
    if (seen !== 7) continue
    const from = runStart(bytes, at, start, GROUPED)
    const to = runEnd(bytes, at, end, GROUPED)
    if (to - from >= SHORTEST && findInRun(kinds, bytes, { from, to, start, end }, hits)) {
      found = true
      if (hits === null) return true
    }
    at = to - 1
    seen = 0
  }
  return found
}

interface Run {
  readonly from: number
  readonly to: number
  readonly start: number
  readonly end: number
}

function findInRun(kinds: number, bytes: Buffer, run: Run, hits: Hits | null): boolean {
  const { from, to, start, end } = run
  let found = false
  let at = from
  while (at < to) {
    const over = runEnd(bytes, at, to, DIGIT)
    let next = Math.max(over, at + 1)
    if (over - at >= 3 && mayBegin(bytes, at, over, to)) {
      const last =
        hits === null ? guess(kinds, bytes, at, over, to) : numberEnd(kinds, bytes, at, run, hits)
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
  { start, end }: Run,
  hits: Hits,
): number {
  const card = has(kinds, CARD) ? cardEnd(bytes, at, start, end) : -1
  if (card !== -1) hits.add(CARD, at, card)
  if (card !== -1 || !has(kinds, SSN)) return card
  const ssn = ssnEnd(bytes, at, start, end)
  if (ssn !== -1) hits.add(SSN, at, ssn)
  return ssn
}

/** Bytes of the framing that may look like first digits of a value: its length, but for the highest. */
const FRAMING = 3

/** The same with nothing beside it, at each place where the value may really begin. */
function guess(kinds: number, bytes: Buffer, from: number, over: number, to: number): number {
  for (let at = from; at <= Math.min(from + FRAMING, over - 3); at++) {
    const end = over - at >= 13 ? over : to
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
  if (over <= at) return false
  if (hits !== null && !isKnown(hits, from)) hits.add(IBAN, from, over)
  return true
}

/** Found by another of its groups. */
function isKnown(hits: Hits, from: number): boolean {
  for (let i = hits.count - 1; i >= 0; i--) {
    if (hits.kinds[i] === IBAN && hits.starts[i] === from) return true
  }
  return false
}
