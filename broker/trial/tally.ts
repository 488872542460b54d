/** Counts what a candidate would change, in a memory that does not grow with the record. */
import type { Flip } from '../../protocol/api/trial.ts'
import type { Need } from '../policy/policy.ts'
import type { RecordedSession, RecordedUnit } from './history.ts'
import { differs, isLooser } from './looser.ts'
import type { Outcome } from './outcome.ts'

const MOST_FLIPS = 1_000
const MOST_EXAMPLES = 3
const EXCERPT = 200

export class Tally {
  readonly #flips = new Map<string, Flip>()
  readonly #before = new Map<string, number>()
  readonly #after = new Map<string, number>()
  readonly #requests = new Set<string>()
  statements = 0
  /** Flips that have no place of their own. */
  more = 0
  looser = false
  /** Decided otherwise when they ran. */
  drifted = 0
  /** Judged in the usual namespace, though the session may have had another. */
  moved = 0
  /** Could not be judged by their text. */
  unread = 0

  add(session: RecordedSession, unit: RecordedUnit, before: Outcome, after: Outcome): void {
    this.statements += unit.texts.length
    if (unit.moved) this.moved++
    if (unit.texts.includes(null)) this.unread++
    if (unit.decision !== before.decision) this.drifted++
    this.#count(unit, before, after)
    if (differs(before, after)) this.#flip(session, unit, before, after)
  }

  get flips(): Flip[] {
    return [...this.#flips.values()].sort(
      (a, b) => Number(b.looser) - Number(a.looser) || b.count - a.count,
    )
  }

  approvals(weeks: number): { group: string; before: number; after: number }[] {
    const groups = [...new Set([...this.#before.keys(), ...this.#after.keys()])].sort()
    const each = (map: ReadonlyMap<string, number>, group: string) =>
      Math.round(((map.get(group) ?? 0) / weeks) * 10) / 10
    return groups.map((group) => {
      return { group, before: each(this.#before, group), after: each(this.#after, group) }
    })
  }

  /** What ran in one window, or by one approval of `hoop exec`, was asked for once. */
  #count({ request }: RecordedUnit, before: Outcome, after: Outcome): void {
    if (request !== null && this.#requests.has(request)) return
    if (request !== null) this.#requests.add(request)
    addTo(this.#before, before.needs)
    addTo(this.#after, after.needs)
  }

  #flip(session: RecordedSession, unit: RecordedUnit, before: Outcome, after: Outcome): void {
    const looser = isLooser(before, after)
    this.looser ||= looser
    const [from, to] = [side(before), side(after)]
    const key = JSON.stringify([session.connection, from, to])
    const known = this.#flips.get(key)
    if (known === undefined && this.#flips.size >= MOST_FLIPS) {
      this.more++
      return
    }
    const { connection } = session
    const flip = known ?? { connection, from, to, looser, count: 0, examples: [] }
    this.#flips.set(key, flip)
    flip.count++
    if (flip.examples.length < MOST_EXAMPLES) flip.examples.push(example(session, unit))
  }
}

function addTo(map: Map<string, number>, needs: readonly Need[]): void {
  for (const { group, count } of needs) map.set(group, (map.get(group) ?? 0) + count)
}

function side({ decision, rule, places, needs, ways }: Outcome): Flip['from'] {
  const alternatives = ways.length > 1 ? ways.map((way) => [...way]) : []
  return { decision, rule, places: [...places], needs: [...needs], alternatives }
}

function example({ session, user }: RecordedSession, unit: RecordedUnit): Flip['examples'][number] {
  const text = unit.texts.map((one) => one?.text.toString('utf8', 0, 4 * EXCERPT) ?? '…').join('; ')
  const line = text.trim().replace(/\s+/g, ' ')
  const statement = line.length > EXCERPT ? `${line.slice(0, EXCERPT)}…` : line
  return { session, entry: unit.entry, at: new Date(unit.at).toISOString(), user, statement }
}
