import type { Hits } from './kinds.ts'
import { findMarked } from './marks.ts'
import { findNumbers, NUMBERS } from './numbers.ts'

/**
 * Everything of these kinds in the bytes from `start` to `end`, which are one value. In no order;
 * two may overlap.
 */
export function find(kinds: number, bytes: Buffer, start: number, end: number, hits: Hits): void {
  findMarked(kinds, bytes, start, end, hits)
  if ((kinds & NUMBERS) !== 0) findNumbers(kinds, bytes, start, end, hits)
}

/** The lengths of values in fewer bytes have a highest byte of 0. */
const FRAMED = 1 << 24

/**
 * May there be anything of these kinds in these bytes, which may hold many values and what frames
 * them? Never false where `find` finds something in one of the values.
 */
export function mayHold(kinds: number, bytes: Buffer, start: number, end: number): boolean {
  if (end - start >= FRAMED || findMarked(kinds, bytes, start, end, null)) return true
  return (kinds & NUMBERS) !== 0 && findNumbers(kinds, bytes, start, end, null)
}
