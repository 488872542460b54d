import type { Need } from '../store/store.ts'

/** After so long without a decision members of `to` may decide, too. */
export interface Escalation {
  readonly after: number
  readonly to: string
}

type Way = readonly Need[]

export interface Ways {
  readonly alternatives: readonly Way[]
  /** From when each counts, epoch milliseconds; 0: from the beginning. */
  readonly opens: readonly number[]
}

/** More ways than this are not looked at; the request then stays with whom it asked first. */
const MOST_WAYS = 256

/**
 * The ways to approve a request with those that a silence adds: any of the persons whom a way asks
 * may be one of the further groups instead. Each has as many persons as the way that it comes from:
 * who may decide becomes wider, how many must does not become fewer.
 */
export function escalated(ways: readonly Way[], steps: readonly Escalation[], now: number): Ways {
  const all = new Map(ways.map((way) => [keyOf(way), { way, opens: 0 }]))
  const groups: string[] = []
  for (const { after, to } of steps.toSorted((a, b) => a.after - b.after)) {
    groups.push(to)
    const further = ways.flatMap((way) => substituted(way, groups))
    if (all.size + further.length > MOST_WAYS) break
    for (const way of further) {
      if (!all.has(keyOf(way))) all.set(keyOf(way), { way, opens: Math.floor(now) + after })
    }
  }
  const found = [...all.values()]
  return { alternatives: found.map(({ way }) => way), opens: found.map(({ opens }) => opens) }
}

/** Every way to put members of these groups in the places of others, none of them too. */
function substituted(way: Way, groups: readonly string[]): readonly Way[] {
  const chairs = way.flatMap(({ group, count }) => Array<string>(count).fill(group))
  const filled = chairs.reduce<readonly (readonly string[])[]>(
    (all, chair) =>
      different(all.flatMap((so) => [chair, ...groups].map((group) => [...so, group]))),
    [[]],
  )
  return filled.map(wayOf)
}

function different(all: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const same = Map.groupBy(all, (chairs) => chairs.toSorted().join('\0'))
  return [...same.values()].map(([first]) => first!)
}

function wayOf(chairs: readonly string[]): Way {
  const counts = Map.groupBy(chairs, (group) => group)
  return [...counts].map(([group, taken]) => ({ group, count: taken.length }))
}

function keyOf(way: Way): string {
  return JSON.stringify(way.map(({ group, count }) => `${count} ${group}`).toSorted())
}
