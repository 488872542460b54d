import { contains, type WeeklySpan } from '../../protocol/calendar.ts'

/** Who is in `members` is in the group that has this turn, while it lasts. */
export interface Turn {
  readonly members: string
  readonly span: WeeklySpan
}

export type OnCall = ReadonlyMap<string, readonly Turn[]>

/**
 * The groups of a person at `now`, with those whose turn it is. Groups on call come from groups of
 * the identity provider only, not from one another; a group that has turns is left to its turns.
 */
export function withOnCall(groups: readonly string[], onCall: OnCall, now: number): string[] {
  const own = groups.filter((group) => !onCall.has(group))
  const turns = [...onCall].flatMap(([group, all]) =>
    all.some(({ members, span }) => own.includes(members) && contains(span, now)) ? [group] : [],
  )
  return [...own, ...turns]
}
