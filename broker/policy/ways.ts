import type { Asked, Need } from './policy.ts'

type Way = readonly Need[]

/** What several rules ask can be approved in no more ways than this. */
export const MOST_WAYS = 64

/** The ways to approve what is asked: each is enough by itself. */
export function waysOf({ needs, alternatives }: Asked): readonly Way[] {
  return alternatives.length > 0 ? alternatives : [needs]
}

/** What all of these ask, one way of each together. Null: in more ways than hoop looks at. */
export function together(holds: readonly Asked[]): Asked | null {
  const each = different(holds)
  if (product(each) > MOST_WAYS) return null
  const ways = each.reduce<readonly Way[]>(
    (all, hold) => all.flatMap((way) => waysOf(hold).map((other) => both(way, other))),
    [[]],
  )
  const least = ways.filter((way, i) => !ways.some((other, j) => spares(other, way, j < i)))
  const [needs = []] = least
  return { needs, alternatives: least.length > 1 ? least : [] }
}

/** In how many ways at most these can be approved together. */
export function combinations(holds: readonly Asked[]): number {
  return product(different(holds))
}

function product(holds: readonly Asked[]): number {
  return holds.reduce((count, hold) => count * waysOf(hold).length, 1)
}

function different(holds: readonly Asked[]): readonly Asked[] {
  return [...new Map(holds.map((hold) => [JSON.stringify(waysOf(hold)), hold])).values()]
}

/** Each group as often as the one that wants it most. */
function both(a: Way, b: Way): Way {
  const counts = new Map<string, number>()
  for (const { group, count } of [...a, ...b]) {
    counts.set(group, Math.max(count, counts.get(group) ?? 0))
  }
  return [...counts].map(([group, count]) => ({ group, count }))
}

/** Does `other` make `way` needless: it asks no more anywhere, and less, or the same and stands before? */
function spares(other: Way, way: Way, isBefore: boolean): boolean {
  if (other === way || !within(other, way)) return false
  return isBefore || !within(way, other)
}

function within(small: Way, large: Way): boolean {
  return small.every(({ group, count }) =>
    large.some((need) => need.group === group && need.count >= count),
  )
}
