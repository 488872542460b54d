/** Is this more than was allowed before? Where two things cannot be compared, yes. */
import type { Wanted } from '../masking/cell.ts'
import type { DetectRule, Need } from '../policy/policy.ts'
import type { Outcome } from './outcome.ts'

export type Side = Pick<Outcome, 'decision' | 'ways'>
type Ways = Outcome['ways']

const STRICTNESS = ['allow', 'hold', 'deny']

export function isLooser(from: Side, to: Side): boolean {
  const change = STRICTNESS.indexOf(to.decision) - STRICTNESS.indexOf(from.decision)
  return change < 0 || (change === 0 && asksLess(from.ways, to.ways))
}

export function differs(from: Side, to: Side): boolean {
  return isLooser(from, to) || isLooser(to, from)
}

/** It can be approved in a way that was not enough before. */
export function asksLess(from: Ways, to: Ways): boolean {
  return to.some((way) => !from.some((enough) => covers(way, enough)))
}

function covers(way: readonly Need[], enough: readonly Need[]): boolean {
  return enough.every(({ group, count }) => countOf(group, way) >= count)
}

function countOf(group: string, needs: readonly Need[]): number {
  return needs.find((need) => need.group === group)?.count ?? 0
}

type Mask = Pick<Wanted, 'how' | 'last'> | Pick<DetectRule, 'how' | 'last'> | null

export function showMask(mask: Mask): string {
  if (mask === null) return 'clear'
  return mask.how === 'partial' ? `the last ${mask.last}` : mask.how
}

/** Nothing is seen of it. */
const BLIND: ReadonlySet<string> = new Set(['redact', 'null'])

export function showsMore(from: Mask, to: Mask): boolean {
  if (from === null || (to !== null && BLIND.has(to.how))) return false
  if (to === null || BLIND.has(from.how)) return true
  // A hash tells which values are equal, an end tells itself: neither is less than the other.
  if (from.how !== to.how) return true
  return (to.last ?? 0) > (from.last ?? 0)
}
