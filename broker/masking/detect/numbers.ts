import { BLANK, CLASS, DASH, GROUPED, runStart } from './bytes.ts'
import { cardEnd, isArea, isFirst, ssnEnd } from './card.ts'
import { edgeOf, FRAMING, mayBeFramed, mayBegin } from './framing.ts'
import { findIban } from './iban.ts'
import { CARD, type Hits, has, IBAN, SSN } from './kinds.ts'

/** No number that is looked for has fewer digits, blanks and dashes in a row. */
const SHORTEST = 10
const ZERO = 0x30
const NINE = 0x39

export const NUMBERS = (1 << CARD) | (1 << SSN) | (1 << IBAN)

/**
 * Cards, social security numbers and IBANs. `hits` null: says whether there may be some, whatever
 * frames them.
 */
export function findNumbers(
  kinds: number,
  bytes: Buffer,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
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
    const to = findInRun(kinds, bytes, from, start, end, hits)
    if (to === -1) return true
    at = to + SHORTEST
  }
  return false
}

/**
 * Looks at the groups of digits in the run that begins at `from`, by their lengths first. Where it
 * ends; -1 = there may be a number in it, `hits` being null.
 */
function findInRun(
  kinds: number,
  bytes: Buffer,
  from: number,
  start: number,
  end: number,
  hits: Hits | null,
): number {
  // How long the two groups before this one are.
  let first = 0
  let second = 0
  let at = from
  for (;;) {
    const group = at
    while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) at++
    const length = at - group
    if (length >= 4) {
      const kind = kindOf(first, second, length)
      const begin = length >= 13 ? group : group - (kind === CARD ? second + 1 : first + 4)
      const over =
        kind !== NONE && has(kinds, kind) ? takeNumber(kind, bytes, begin, start, end, hits) : -1
      const isIban = over <= at && has(kinds, IBAN) && findIban(bytes, group, at, start, end, hits)
      if (hits === null && (over !== -1 || isIban)) return -1
      if (over !== -1) {
        at = over
        first = second = 0
        continue
      }
    }
    if (at >= end || (bytes[at] !== BLANK && bytes[at] !== DASH)) return at
    at++
    first = second
    second = length
    if (length === 0) while (at < end && (bytes[at] === BLANK || bytes[at] === DASH)) at++
  }
}

const NONE = -1

/** Of what these groups may be, the last one read until now and the two before it: all, or its first ones. */
function kindOf(first: number, second: number, length: number): number {
  if (length >= 13) return length <= 19 + FRAMING ? CARD : NONE
  if (length !== 4 && length !== 6) return NONE
  if (second >= 4 && second <= 4 + FRAMING) return CARD
  const isSsn = length === 4 && second === 2 && first >= 3 && first <= 3 + FRAMING
  return isSsn ? SSN : NONE
}

/** Where the number ends that begins at `at`, or -1. */
function takeNumber(
  kind: number,
  bytes: Buffer,
  at: number,
  start: number,
  end: number,
  hits: Hits | null,
): number {
  if (hits === null) return guess(kind, bytes, at, start, end)
  const over = numberEnd(kind, bytes, at, start, end)
  if (over !== -1) hits.add(kind, at, over)
  return over
}

/** The same wherever the value may really begin. */
function guess(kind: number, bytes: Buffer, at: number, start: number, end: number): number {
  for (let from = at; from <= at + FRAMING; from++) {
    if (from > at && !mayBegin(bytes, from)) continue
    if (!(kind === CARD ? isFirst(bytes[from]!) : isArea(bytes, from))) continue
    const low = from > at || mayBeFramed(bytes, at, start) ? from : start
    const over = numberEnd(kind, bytes, from, low, edgeOf(bytes, from, end))
    if (over !== -1) return over
  }
  return -1
}

function numberEnd(kind: number, bytes: Buffer, at: number, start: number, end: number): number {
  return kind === CARD ? cardEnd(bytes, at, start, end) : ssnEnd(bytes, at, start, end)
}
