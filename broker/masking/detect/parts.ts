import type { Shape } from './cover.ts'
import type { Detector } from './detector.ts'
import type { Findings } from './findings.ts'
import type { DetectPlan } from './rows.ts'

/** What is looked for is shorter, private keys and tokens apart; so much of a value is kept back. */
const WINDOW = 8 << 10
/** A key that goes on for longer is covered piece by piece. */
const LONGEST = 256 << 10
/** What stands before a place is part of the rule for it. */
const CONTEXT = 160

interface Span {
  readonly start: number
  readonly end: number
  readonly isLast: boolean
  readonly shape: Shape | null
  readonly where: string
}

/** Cuts a stream of bytes into values: those of a row, or all of it as one. */
export interface Cutter {
  /** Spans of `bytes` from `at`; the last one may go on in the next piece. */
  cut(bytes: Buffer, at: number, isOver: boolean): Iterable<Span>
}

/**
 * A row too large to be held, looked through as it goes by: the end of each piece waits for the next
 * one, so that what lies across two is found. As many bytes come out as go in.
 */
export class PartDetector {
  readonly #detector: Detector
  readonly #findings: Findings
  readonly #cutter: Cutter
  #held = Buffer.alloc(0)
  /** Bytes of `held` that went out already and are kept for what they stand beside. */
  #out = 0

  constructor(detector: Detector, findings: Findings, cutter: Cutter) {
    this.#detector = detector
    this.#findings = findings
    this.#cutter = cutter
  }

  push(piece: Buffer, isOver: boolean): Buffer {
    const at = this.#held.length
    const bytes = at === 0 ? piece : Buffer.concat([this.#held, piece])
    const from = this.#out
    let cut = bytes.length
    // The value that goes on in the next piece; it begins where what is held begins.
    let valueStart = bytes.length
    for (const span of this.#cutter.cut(bytes, at, isOver)) {
      const start = span.start === at ? 0 : span.start
      valueStart = span.isLast ? bytes.length : start
      cut = this.#look(bytes, { ...span, start }, Math.max(from, start))
    }
    const kept = Math.min(cut, Math.max(valueStart, cut - CONTEXT))
    this.#held = Buffer.from(bytes.subarray(kept))
    this.#out = cut - kept
    return bytes.subarray(from, cut)
  }

  /** Gives back up to where the value is done with. */
  #look(bytes: Buffer, { start, end, isLast, shape, where }: Span, from: number): number {
    const size = bytes.length
    if (shape === null) return size
    const hits = this.#detector.find(bytes, start, end)
    let cut = isLast ? end : Math.max(from, end - WINDOW)
    if (!isLast) cut = Math.max(from, uncut(hits, cut), end - LONGEST)
    const counts = this.#findings.counts(where)
    for (let i = 0; i < hits.count; i++) {
      const first = hits.starts[i]!
      if (hits.ends[i]! <= from || first >= cut) continue
      if (first < from) hits.starts[i] = from
      if (hits.ends[i]! > cut) hits.ends[i] = cut
      this.#detector.cover(bytes, hits, i, { start, end }, shape, counts)
    }
    return isLast ? size : cut
  }
}

/** The last place before `cut` that lies in no find. */
function uncut(
  { starts, ends }: { readonly starts: readonly number[]; readonly ends: readonly number[] },
  cut: number,
): number {
  let place = cut
  for (let moved = true; moved; ) {
    moved = false
    for (let i = 0; i < starts.length; i++) {
      if (starts[i]! >= place || ends[i]! <= place) continue
      place = starts[i]!
      moved = true
    }
  }
  return place
}

/** All of the row is one text: COPY's text and CSV, in which only what delimits values is between them. */
export function wholeCutter(): Cutter {
  return {
    *cut(bytes, at, isOver) {
      yield { start: at, end: bytes.length, isLast: isOver, shape: 'text', where: '' }
    },
  }
}

/** The fields of a row in pieces; `skip`: bytes before the number of its columns. */
export function fieldCutter(plan: DetectPlan, skip: number): Cutter {
  let left = skip + 2
  let isHead = true
  let column = -1
  let length = 0
  return {
    *cut(bytes, start) {
      let at = start
      while (at < bytes.length) {
        const over = Math.min(bytes.length, at + left)
        if (!isHead) {
          left -= over - at
          yield { start: at, end: over, isLast: left === 0, ...spanOf(plan, column) }
          at = over
        } else if (column === -1) {
          left -= over - at
          at = over
        } else {
          for (; at < over; at++, left--) length = (length << 8) | bytes[at]!
        }
        if (left > 0) continue
        if (isHead && column >= 0 && length > 0) {
          isHead = false
          left = length
        } else {
          isHead = true
          column++
          left = 4
        }
        length = 0
      }
    },
  }
}

/** Numbers are never that long; what holds other values is looked through as it is. */
function spanOf(
  plan: DetectPlan,
  column: number,
): { readonly shape: Shape | null; readonly where: string } {
  const look = plan.looks[column] ?? null
  const where = plan.fields[column]?.name ?? ''
  if (look === null || look === 'int8' || look === 'numeric' || look === 'number') {
    return { shape: null, where }
  }
  return { shape: look === 'nested' ? 'mixed' : look, where }
}
