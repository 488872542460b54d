import type { WindowTerms } from '../../protocol/api/windows.ts'
import type { Desk } from '../approval/desk.ts'
import { actsFor, nameOf, type Person } from '../approval/person.ts'
import { isFilled } from '../approval/seats.ts'
import { windowOf } from '../approval/window.ts'
import type { Question, Verdict } from '../policy/decide.ts'
import type { ConnectionPolicy } from '../policy/policy.ts'
import { waysOf } from '../policy/ways.ts'
import { isOpenAt, uncovered } from '../policy/window.ts'
import type { Runtime } from '../runtime.ts'
import { meet } from '../store/keys.ts'
import type { AppliedRule, RequestRecord, WindowUse, WindowUses } from '../store/store.ts'
import type { Sessions } from './sessions.ts'

/** What a session asks: may this, which policy holds, run in a window of this person's? */
export interface WindowQuestion {
  readonly person: Person
  readonly connection: string
  readonly question: Question
  readonly verdict: Extract<Verdict, { decision: 'hold' }>
  readonly policy: ConnectionPolicy
  /** Who changed last what holds it. */
  readonly rule: AppliedRule
  /** The emergency that this session was opened in. */
  readonly emergency: RequestRecord | null
}

interface Live {
  readonly record: RequestRecord
  readonly terms: WindowTerms
  readonly openedAt: number
  /** Sessions in which something ran in it. */
  readonly sessions: Set<string>
  /** Statements run in it one after the other where its rows are bounded: each may need all that is left. */
  turn: Promise<unknown>
  spent: boolean
}

export interface WindowParts {
  readonly desk: Desk
  readonly uses: WindowUses
  readonly sessions: Sessions
  readonly runtime: Pick<Runtime, 'now' | 'setTimer'>
}

/** The windows that are open now, in memory, so that a hot path need not ask the store for them. */
export class LiveWindows {
  readonly #parts: WindowParts
  readonly #live = new Map<string, Live>()

  private constructor(parts: WindowParts) {
    this.#parts = parts
  }

  static async open(parts: WindowParts): Promise<LiveWindows> {
    const windows = new LiveWindows(parts)
    parts.desk.onChange((record) => windows.#changed(record))
    const filter = { kind: 'window', states: ['approved'], limit: null } as const
    for (const record of await parts.desk.list(filter)) windows.#changed(record)
    return windows
  }

  /**
   * The window that this may run in: of this person and connection, open, approved by all whom the
   * statement itself needs, and its terms cover it. Null: it is held.
   */
  covering(asked: WindowQuestion): RequestRecord | null {
    const { emergency } = asked
    if (emergency !== null) {
      const live = this.#liveOf(emergency)
      if (live !== null && this.#covers(live, asked)) return emergency
    }
    for (const live of this.#live.values()) {
      const { record } = live
      if (record.kind !== 'window' || record.connection !== asked.connection) continue
      if (!actsFor(record.requester, asked.person)) continue
      const isApproved = waysOf(asked.verdict).some((way) => isFilled(way, record.decisions))
      if (isApproved && this.#covers(live, asked)) return record
    }
    return null
  }

  /** A rule that somebody changed who asked for the window, or agreed to it, is none for it. */
  #covers(live: Live, { question, policy, rule }: WindowQuestion): boolean {
    const { terms, openedAt, spent, record } = live
    const people = [record.requester, ...record.decisions.map(({ by }) => by)]
    if (people.some(({ keys }) => meet(keys, rule.authors))) return false
    const open = !spent && isOpenAt(terms, openedAt, this.#parts.runtime.now())
    const mayCopy = record.kind === 'break_glass'
    return open && uncovered(terms, question, policy, mayCopy) === null
  }

  /** The session was opened in this emergency: it ends with it. */
  enter(emergency: RequestRecord, session: string): void {
    const live = this.#liveOf(emergency)
    if (live === null) return
    live.sessions.add(session)
    const end = live.openedAt + live.terms.for_ms
    const { runtime, sessions } = this.#parts
    runtime.setTimer(Math.max(0, end - runtime.now()), () => {
      this.#live.delete(emergency.id)
      sessions.get(session)?.pump?.stop(`the emergency ${emergency.id} is over`, ASK)
    })
  }

  /** Reserves what is left, after those who came before. Null: nothing is, or it is over by now. */
  async begin(id: string, session: string): Promise<WindowUse | null> {
    const live = this.#live.get(id)
    if (live === undefined) return null
    live.sessions.add(session)
    const before = live.turn
    const done = Promise.withResolvers<void>()
    if (live.terms.max_rows !== null) live.turn = done.promise
    await before
    let use: WindowUse | null = null
    try {
      use = await this.#reserve(live, session)
      return use
    } finally {
      // Whatever went wrong, those who come next are not kept waiting.
      if (use === null) done.resolve()
      else this.#running.set(key(id, use.place), done)
    }
  }

  readonly #running = new Map<string, PromiseWithResolvers<void>>()

  async #reserve(live: Live, session: string): Promise<WindowUse | null> {
    const at = Math.floor(this.#parts.runtime.now())
    const { id } = live.record
    if (this.#live.get(id) !== live || !isOpenAt(live.terms, live.openedAt, at)) return null
    const use = await this.#parts.uses.begin(id, { session, at })
    if (use === null) live.spent = true
    return use
  }

  /** `rows` null: nobody knows how many. */
  async end(id: string, { place, maxRows }: WindowUse, rows: number | null): Promise<void> {
    const counted = maxRows === null || rows === null ? rows : Math.min(rows, maxRows)
    const live = this.#live.get(id)
    // All that was left was reserved: what is used up of it is nobody's any more.
    if (live !== undefined && maxRows !== null && (counted ?? maxRows) === maxRows)
      live.spent = true
    try {
      await this.#parts.uses.end(id, place, counted, Math.floor(this.#parts.runtime.now()))
    } finally {
      this.#running.get(key(id, place))?.resolve()
      this.#running.delete(key(id, place))
    }
  }

  #changed(record: RequestRecord): void {
    if (record.kind === 'window' && record.state === 'approved') this.#liveOf(record)
    else if (record.kind === 'window' || isRefused(record)) this.#over(record)
  }

  #liveOf(record: RequestRecord): Live | null {
    const known = this.#live.get(record.id)
    if (known !== undefined) return known
    const terms = windowOf(record)
    if (terms === null) return null
    const openedAt = record.kind === 'window' ? record.history.at(-1)!.at : record.createdAt
    const sessions = new Set<string>()
    const live = { record, terms, openedAt, sessions, turn: Promise.resolve(), spent: false }
    this.#live.set(record.id, live)
    return live
  }

  /** What is revoked ends at once, with what runs in it; what is over by time only ends. */
  #over(record: RequestRecord): void {
    const live = this.#live.get(record.id)
    this.#live.delete(record.id)
    if (live === undefined || (record.state !== 'revoked' && record.state !== 'rejected')) return
    const { by, why } = record.history.at(-1)!
    const who = by === null ? '' : ` by ${nameOf(by)}`
    const message = `${record.id} was ${record.state}${who}${why === null ? '' : `: ${why}`}`
    for (const session of live.sessions) {
      this.#parts.sessions.get(session)?.pump?.stop(message, ASK)
    }
  }
}

const ASK = 'from now on each statement is asked for; hoop request asks for a window'

/** A reviewer has said that the emergency was none. */
function isRefused({ kind, state }: RequestRecord): boolean {
  return kind === 'break_glass' && state === 'rejected'
}

function key(id: string, place: number): string {
  return `${id} ${place}`
}
