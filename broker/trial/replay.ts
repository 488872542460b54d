/** A policy that is not in force, over what was recorded: what would be decided and shown otherwise. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplayEvent, Replayed, ReplayPolicy } from '../../protocol/api/trial.ts'
import { HoopError } from '../../protocol/errors.ts'
import { LogFormatError } from '../../protocol/log/fields.ts'
import { policyOf, type Rules } from '../changes/in-force.ts'
import type { Principal } from '../identity/principal.ts'
import { parsePolicy } from '../policy/parse.ts'
import type { Policy } from '../policy/policy.ts'
import { sessionFiles, sessionOfPath } from '../recorder/paths.ts'
import type { Recorder } from '../recorder/recorder.ts'
import type { Runtime } from '../runtime.ts'
import { changedDetectors } from './columns.ts'
import { History, type RecordedSession } from './history.ts'
import { type Guessed, Pair } from './pair.ts'
import { requireOverseer, type TrialDeps, targetOf } from './service.ts'
import { changedOnCall, changedSettings } from './settings.ts'
import { Tally } from './tally.ts'

export interface ReplayDeps extends TrialDeps {
  readonly recorder: Recorder
  readonly runtime: Pick<Runtime, 'now' | 'monotonic' | 'setTimer'>
}

const WEEK_MS = 7 * 24 * 3_600_000
/** So long nobody else is let on. */
const SLICE_MS = 8
const PROGRESS_MS = 500

/** Refuses at once, then tells how far it is, and in the end what it found. */
export async function* replayPolicy(
  deps: ReplayDeps,
  caller: Principal,
  order: ReplayPolicy,
  gone: AbortSignal,
): AsyncGenerator<ReplayEvent> {
  requireOverseer(caller)
  const candidate = parsePolicy(order.policy, order.file)
  const { file, since, connection } = order
  const detail = JSON.stringify({ file, since, connection })
  deps.recorder.look({ by: caller, action: 'replay', session: null, detail })
  yield* new Replay(deps, candidate, order).run(gone)
}

class Replay {
  readonly #deps: ReplayDeps
  readonly #candidate: Policy
  readonly #order: ReplayPolicy
  readonly #rules: Rules
  readonly #since: number
  readonly #tally = new Tally()
  readonly #pairs = new Map<string, Promise<Pair | null>>()
  readonly #notes = new Set<string>()
  #sessions = 0
  #sliceFrom = 0

  constructor(deps: ReplayDeps, candidate: Policy, order: ReplayPolicy) {
    this.#deps = deps
    this.#candidate = candidate
    this.#order = order
    this.#rules = deps.inForce.rules()
    this.#since = Date.parse(order.since)
  }

  async *run(gone: AbortSignal): AsyncGenerator<ReplayEvent> {
    const { recorder, runtime } = this.#deps
    for (const { name } of this.#connections()) await this.#pairOf(name, null)
    const paths = sessionFiles(recorder.folder)
    let told = Number.NEGATIVE_INFINITY
    for (const [index, path] of paths.entries()) {
      for await (const _ of this.#session(path)) {
        if (gone.aborted) return
        if (runtime.monotonic() - told < PROGRESS_MS) continue
        told = runtime.monotonic()
        const { statements } = this.#tally
        yield { event: 'progress', sessions: index, of: paths.length, statements }
      }
    }
    yield await this.#result()
  }

  #connections() {
    const { connection } = this.#order
    const all = this.#deps.inForce.connections()
    return connection === null ? all : all.filter(({ name }) => name === connection)
  }

  /** Yields when a slice of time is over and others were let on. */
  async *#session(path: string): AsyncGenerator<void> {
    const { recorder } = this.#deps
    const whole = join(recorder.folder, path)
    let history: History | null = null
    try {
      const { size, mtimeMs } = statSync(whole)
      if (mtimeMs < this.#since) return
      history = new History(whole, recorder.live(sessionOfPath(path))?.size ?? size)
      yield* this.#units(history)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.#notes.add(
        `${sessionOfPath(path)} does not hold: what stands behind the fault is left out.`,
      )
    } finally {
      history?.close()
    }
  }

  async *#units(history: History): AsyncGenerator<void> {
    const guessed: Guessed = { before: 0, after: 0 }
    let isCounted = false
    for (const unit of history.units()) {
      if (await this.#breathe()) yield
      const { session } = history
      if (unit === null || session === null || unit.at < this.#since) continue
      const { connection } = this.#order
      if (connection !== null && session.connection !== connection) return
      const pair = await this.#pairOf(session.connection, session.database)
      if (pair === null) return
      const { before, after, columns } = await pair.judge(unit, session.groups, guessed)
      this.#tally.add(session as RecordedSession, unit, before, after)
      for (const column of columns) column.count++
      if (!isCounted) this.#sessions++
      isCounted = true
    }
  }

  async #breathe(): Promise<boolean> {
    const { runtime } = this.#deps
    if (runtime.monotonic() - this.#sliceFrom < SLICE_MS) return false
    await new Promise<void>((resolve) => void runtime.setTimer(0, resolve))
    this.#sliceFrom = runtime.monotonic()
    return true
  }

  /** Null: the target is not there any more, or cannot be asked. */
  #pairOf(connection: string, database: string | null): Promise<Pair | null> {
    const { inForce } = this.#deps
    const own = inForce.connections().find(({ name }) => name === connection)
    const key = `${connection}/${database ?? own?.databases[0] ?? ''}`
    const known = this.#pairs.get(key) ?? this.#open(connection, database)
    this.#pairs.set(key, known)
    return known
  }

  async #open(connection: string, database: string | null): Promise<Pair | null> {
    try {
      const target = await targetOf(this.#deps, connection, database)
      return new Pair(target, policyOf(this.#rules, connection), this.#after(connection))
    } catch (error) {
      if (!(error instanceof HoopError)) throw error
      this.#notes.add(`${connection} is left out: ${error.message}`)
      return null
    }
  }

  /** A connection of which the candidate says nothing is closed by it. */
  #after(connection: string) {
    return policyOf({ ...this.#rules, policy: this.#candidate }, connection)
  }

  async #result(): Promise<Replayed> {
    const tally = this.#tally
    const pairs = (await Promise.all(this.#pairs.values())).filter((pair) => pair !== null)
    const columns = pairs.flatMap(({ changed }) => [...changed.values()])
    const policies = this.#connections().map(({ name }) => {
      return { before: policyOf(this.#rules, name), after: this.#after(name) }
    })
    const shown = [
      ...columns.map((each) => ({ ...each.shown, count: each.count })),
      ...policies.flatMap(({ before, after }) => changedDetectors(before, after)),
    ]
    const requesters = policies.flatMap(({ before, after }) => [
      ...groups(after.connection, after.request, before.request, true),
      ...groups(after.connection, before.request, after.request, false),
    ])
    const settings = [
      ...changedOnCall(this.#rules.policy, this.#candidate),
      ...policies.flatMap(({ before, after }) => changedSettings(before, after)),
    ]
    return {
      event: 'replayed',
      since: this.#order.since,
      policy_version: this.#rules.version,
      sessions: this.#sessions,
      statements: tally.statements,
      more_flips: tally.more,
      flips: tally.flips,
      shown,
      requesters,
      settings,
      approvals_per_week: tally.approvals(
        Math.max(this.#deps.runtime.now() - this.#since, 1) / WEEK_MS,
      ),
      looser: tally.looser || [...shown, ...requesters, ...settings].some(({ looser }) => looser),
      notes: [...this.#notes, ...notesOf(tally)],
    }
  }
}

/** The file is not what a log is; `hoop sessions verify` tells why. */
function isUnreadable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error instanceof RangeError || error instanceof LogFormatError || 'syscall' in error
}

/** Those of `now` that `then` has not. */
function groups(
  connection: string,
  now: readonly string[],
  then: readonly string[],
  looser: boolean,
): Replayed['requesters'] {
  const fresh = now.filter((group) => !then.includes(group))
  return fresh.map((group) => ({ connection, group, looser }))
}

function notesOf({ drifted, moved, unread }: Tally): string[] {
  const notes = ['Statements were analysed anew, by the catalogues as they are now.']
  if (drifted > 0) {
    notes.push(
      `${drifted} were decided otherwise when they ran: by an earlier policy, catalogue or membership.`,
    )
  }
  if (moved > 0)
    notes.push(`${moved} are of sessions that named search_path; the usual one was taken.`)
  if (unread > 0)
    notes.push(`${unread} were too large to be judged by their text: they count as unknown.`)
  return notes
}
