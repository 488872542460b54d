import { openWays } from '../store/requests.ts'
import type { Decision, Need, RequestRecord, Seat } from '../store/store.ts'

/**
 * The largest number of seats that these decisions can fill: every person one seat, every need as
 * many seats as it counts, a person only a seat of a group they are in. A matching in a bipartite
 * graph (Kuhn's augmenting paths): who sits where may change as long as more people sit.
 */
export function assignSeats(
  needs: readonly Need[],
  decisions: readonly Decision[],
  alternative = 0,
): readonly Seat[] {
  const chairs = needs.flatMap((need) => Array.from({ length: need.count }, () => need.group))
  const sitting: (number | null)[] = chairs.map(() => null)
  for (const [person, decision] of decisions.entries()) {
    if (decision.verdict === 'approve') seat(person, decisions, chairs, sitting, new Set())
  }
  return sitting
    .map((decision, chair) => ({ decision, group: chairs[chair]!, alternative }))
    .filter((taken): taken is Seat => taken.decision !== null)
}

/** Finds a chair for a person, asking those who sit to move. */
function seat(
  person: number,
  decisions: readonly Decision[],
  chairs: readonly string[],
  sitting: (number | null)[],
  asked: Set<number>,
): boolean {
  for (const [chair, group] of chairs.entries()) {
    if (asked.has(chair) || !decisions[person]!.by.groups.includes(group)) continue
    asked.add(chair)
    const other = sitting[chair]!
    if (other !== null && !seat(other, decisions, chairs, sitting, asked)) continue
    sitting[chair] = person
    return true
  }
  return false
}

type Wanted = Pick<RequestRecord, 'needs' | 'alternatives' | 'opens'>

/** The seats of the first alternative that is full; null: none that counts by now is. */
export function fullSeats(
  request: Wanted,
  decisions: readonly Decision[],
  now: number,
): readonly Seat[] | null {
  for (const { alternative, needs } of openWays(request, now)) {
    const seats = assignSeats(needs, decisions, alternative)
    if (seats.length === seatsWanted(needs)) return seats
  }
  return null
}

/** Does the last of these decisions fill a seat in any of the alternatives? */
export function adds(request: Wanted, decisions: readonly Decision[], now: number): boolean {
  const before = decisions.slice(0, -1)
  return openWays(request, now).some(
    ({ needs }) => assignSeats(needs, decisions).length > assignSeats(needs, before).length,
  )
}

function seatsWanted(needs: readonly Need[]): number {
  return needs.reduce((sum, need) => sum + need.count, 0)
}

/** Have these persons approved all that is needed? */
export function isFilled(needs: readonly Need[], decisions: readonly Decision[]): boolean {
  return assignSeats(needs, decisions).length === seatsWanted(needs)
}

/** The needs with what is there already. */
export function progress(
  needs: readonly Need[],
  decisions: readonly Decision[],
): readonly (Need & { readonly have: number })[] {
  const seats = assignSeats(needs, decisions)
  return needs.map((need) => ({
    ...need,
    have: seats.filter((taken) => taken.group === need.group).length,
  }))
}
