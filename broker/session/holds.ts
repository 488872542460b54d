import { HoopError } from '../../protocol/errors.ts'
import type { NewEntry } from '../../protocol/log/entries.ts'
import type { Answer, Execution, Report, Unit } from '../../protocol/pg/execution.ts'
import type { Analyst } from '../analysis/analyst.ts'
import type { Desk } from '../approval/desk.ts'
import { nameOf } from '../approval/person.ts'
import { appliedRule } from '../changes/authors.ts'
import type { Rules } from '../changes/in-force.ts'
import type { Principal } from '../identity/principal.ts'
import type { Verdict, World } from '../policy/decide.ts'
import type { ConnectionPolicy } from '../policy/policy.ts'
import type { SessionRecorder } from '../recorder/recorder.ts'
import type { Runtime } from '../runtime.ts'
import type { RequestRecord } from '../store/store.ts'
import type { ClientEnd } from './client-end.ts'
import { askedOf, deciders, requestEntry } from './entries.ts'
import { freshly, noFreshToken } from './fresh.ts'
import { shownParameters } from './parameters.ts'
import type { Secrets } from './secrets.ts'
import {
  classesOf,
  classOf,
  digestOf,
  effectOf,
  factsOf,
  type Place,
  statementText,
} from './snapshot.ts'
import type { Spool } from './spool.ts'

export interface HoldParts extends Place {
  readonly session: string
  readonly approval: { readonly expiresAfter: number; readonly inTransaction: number }
  readonly reason: string | null
  /** Groups that never hold together there, and who may decide, too, after a silence. */
  readonly circle: () => Pick<ConnectionPolicy, 'separate' | 'escalate'>
  /** Throws a HoopError where the person may not use the connection, as they are now. */
  readonly mayUse: (principal: Principal) => void
  readonly client: ClientEnd
  readonly desk: Desk
  readonly recorder: SessionRecorder
  readonly spool: Spool
  readonly runtime: Runtime
  readonly world: () => World
  readonly analyst: Pick<Analyst, 'objects'>
  readonly secrets: Secrets
  readonly onFault: (error: unknown) => void
}

export type Hold = Extract<Verdict, { decision: 'hold' }>
export type Later = (answer: Answer) => void
export type Refused = Extract<Answer, { kind: 'refused' }>

/** What people are asked about. */
export interface Asked {
  readonly request: string
  readonly unit: Unit
  readonly hold: Hold
  /** Those that hold it. */
  readonly rules: Rules
}

interface Waiting {
  readonly stop: AbortController
  /** Why nobody waits for the decision any more. */
  why: string | null
}

interface Held extends Asked {
  readonly digest: string
}

/** What a session holds until people have decided: asks them, waits, spends what they approved. */
export class Holds {
  private readonly parts: HoldParts
  private readonly pending = new Map<number, Waiting>()
  private closed = false
  private readonly outdated: (asked: Asked) => Refused | null

  /** `outdated`: what was asked is not what the rules of now ask. */
  constructor(parts: HoldParts, outdated: (asked: Asked) => Refused | null) {
    this.parts = parts
    this.outdated = outdated
  }

  /** Asks people about the unit; what they say is told later. `entries`: its record so far. */
  ask(id: number, asked: Asked, entries: NewEntry[], later: Later): void {
    this.hold(id, asked, entries, later).catch((error) => {
      this.pending.delete(id)
      if (error instanceof HoopError && error.fault === 'policy') return later(refusedBy(error))
      this.parts.onFault(error)
      later(OUT_OF_ORDER)
    })
  }

  private async hold(id: number, held: Asked, entries: NewEntry[], later: Later): Promise<void> {
    const { parts } = this
    const { desk } = parts
    const { request, unit, hold } = held
    const principal = parts.client.principal()
    if (unit.spooled && parts.spool.isTooLarge) return later(TOO_MUCH_DATA)
    const waiting: Waiting = { stop: new AbortController(), why: null }
    this.pending.set(id, waiting)
    const asked = askedOf(hold)
    if (unit.spooled) entries.push(spoolEntry(parts.spool, unit))
    const digest = await this.open(held, principal)
    const by = nameOf(principal)
    const policy = held.rules.version
    entries.push({ kind: 'request', request, state: 'pending', by, comment: asked, policy })
    if (waiting.why !== null) {
      await desk.cancel(request, 'session', waiting.why)
      return
    }
    const message = `held for approval as ${request}: asks ${asked}`
    const hint = `another person runs: hoop approve ${request}`
    later({ kind: 'held', request, message, hint })
    this.tell('held', request, message, { asked })
    const stop = desk.onChange(this.listener(request))
    const rest = parts.client.keepFresh()
    try {
      await this.decided({ ...held, digest }, waiting, later)
    } finally {
      rest()
      stop()
    }
    this.pending.delete(id)
  }

  /** What is asked about it meanwhile is recorded, then told to who waits. */
  private listener(request: string): (record: RequestRecord) => void {
    let known = 0
    return ({ id, questions }) => {
      if (id !== request) return
      for (const { part, by, text } of questions.slice(known)) {
        const who = nameOf(by)
        this.recordIfOpen({ kind: 'other', name: part, detail: `${request}, ${who}: ${text}` })
        const message = `${who} ${part === 'question' ? 'asks' : 'answers'}: ${text}`
        this.tell(part, request, message, { by: who, text })
      }
      known = questions.length
    }
  }

  private async open(asked: Asked, principal: Principal): Promise<string> {
    const { request: id, unit, hold, rules } = asked
    const { desk, approval, runtime, spool, session, connection, database, reason } = this.parts
    const spooled = unit.spooled ? spool.summary(isBinary(unit.executions[0])) : null
    const digest = await this.digest(unit)
    const statement = statementText(unit, this.parts.secrets)
    const wait = unit.inTransaction ? approval.inTransaction : approval.expiresAfter
    await desk.open({
      id,
      kind: 'statement',
      session,
      requester: principal,
      connection,
      database,
      statement,
      parameters: unit.executions.flatMap(shownParameters),
      class: classOf(unit),
      effect: effectOf(unit, this.parts.world(), this.parts.secrets),
      digest,
      size: Buffer.byteLength(statement) + (spooled?.size ?? 0),
      reason,
      needs: hold.needs,
      alternatives: hold.alternatives,
      ...this.parts.circle(),
      expiresAt: runtime.now() + wait,
      inTransaction: unit.inTransaction,
      facts: factsOf(unit, hold.rule),
      spool: spooled,
      rule: appliedRule(rules.authors, connection, classesOf(unit)),
      policyVersion: rules.version,
    })
    return digest
  }

  /** Waits for people. An approval is spent, on disk, before the gate hears of it. */
  private async decided(held: Held, waiting: Waiting, later: Later): Promise<void> {
    const { parts } = this
    const { request, digest, unit } = held
    const { desk, recorder } = parts
    const record = await this.decision(request, waiting.stop.signal)
    if (record === null || waiting.why !== null) {
      await this.giveUp(request, waiting.why ?? 'the session is over')
      return
    }
    recorder.append([requestEntry(record)])
    if (record.state !== 'approved') {
      const refused = refusal(record)
      this.tell(eventOf(record), request, refused.message)
      return later(refused)
    }
    const excess = unit.spooled ? exceeds(parts.spool, unit, strictestBound(record)) : null
    if (excess !== null) {
      await this.giveUp(request, excess.message)
      return later(excess)
    }
    if ((await this.digest(unit)) !== digest) {
      await this.giveUp(request, REPLACED.message)
      return later(REPLACED)
    }
    this.tell('approved', request, `approved by ${deciders(record)}`)
    recorder.sync()
    const refused = await this.spend(held, waiting)
    if (refused !== null) {
      await this.giveUp(request, refused.message)
      return later(refused)
    }
    if (waiting.why !== null) {
      await desk.settle(request, { status: 'error', sqlstate: '57014', rows: null })
      return
    }
    recorder.append([{ kind: 'request', request, state: 'executed', by: null, comment: null }])
    later({ kind: 'approved', request, maxRows: strictestBound(record) })
  }

  /** Who it is now decides whether it runs: groups, roles and accounts as the provider says them now. */
  private async spend(held: Held, waiting: Waiting): Promise<Refused | null> {
    const { client, desk, runtime, mayUse } = this.parts
    try {
      const principal = await freshly(client, runtime, waiting.stop.signal)
      if (principal === null) throw noFreshToken()
      mayUse(principal)
      const outdated = this.outdated(held)
      if (outdated !== null) return outdated
      await desk.spend(held.request, held.digest, principal)
      return null
    } catch (error) {
      if (!(error instanceof HoopError)) throw error
      return refusedBy(error)
    }
  }

  /** The same again only if all names still stand for what they stood for. */
  private async digest(unit: Unit): Promise<string> {
    const { analyst, spool } = this.parts
    const facts = unit.executions.map((each) => each.facts)
    const binary = isBinary(unit.executions[0])
    return digestOf(this.parts, unit, {
      spool: unit.spooled ? spool.summary(binary).digest : null,
      objects: await analyst.objects(facts),
    })
  }

  private async decision(request: string, signal: AbortSignal): Promise<RequestRecord | null> {
    try {
      return await this.parts.desk.decided(request, signal)
    } catch (error) {
      if (signal.aborted) return null
      throw error
    }
  }

  private async giveUp(request: string, why: string): Promise<void> {
    const { state } = await this.parts.desk.get(request)
    if (state !== 'pending' && state !== 'approved') return
    const record = await this.parts.desk.cancel(request, 'session', why)
    this.tell('cancelled', request, why)
    this.recordIfOpen(requestEntry(record))
  }

  /** The session may be over by now; then its end says it. */
  private recordIfOpen(entry: NewEntry): void {
    if (!this.closed) this.parts.recorder.append([entry])
  }

  withdraw(id: number, why: string): void {
    const waiting = this.pending.get(id)
    if (waiting === undefined) return
    waiting.why = why
    waiting.stop.abort()
  }

  settle(settled: Extract<Report, { type: 'settled' }>): void {
    const { request, status, sqlstate, rows } = settled
    const done = this.parts.desk.settle(request, { status, sqlstate, rows })
    done.then(() => this.tell('executed', request, outcomeText(settled)), this.parts.onFault)
  }

  /** The session is over: what waits is given up. */
  close(why: string): void {
    this.closed = true
    for (const id of this.pending.keys()) this.withdraw(id, `the session is over: ${why}`)
  }

  now(): string {
    return new Date(this.parts.runtime.now()).toISOString()
  }

  private tell(
    event:
      | 'held'
      | 'question'
      | 'answer'
      | 'approved'
      | 'rejected'
      | 'expired'
      | 'cancelled'
      | 'executed',
    request: string,
    message: string,
    more: Record<string, string> = {},
  ): void {
    if (!this.closed) this.parts.client.event({ event, request, message, at: this.now(), ...more })
  }
}

/** What was copied in until now, for the record. */
export function spoolEntry(spool: Spool, { executions }: Unit): NewEntry {
  const { rows, size, digest } = spool.summary(isBinary(executions[0]))
  return { kind: 'copy-in', ref: executions[0]?.notes.ref ?? 0, rows, size, digest }
}

/** COPY commits as it ends: a bound on its rows must hold before. */
export function exceeds(spool: Spool, unit: Unit, maxRows: number | null): Refused | null {
  if (maxRows === null) return null
  const { rows } = spool.summary(isBinary(unit.executions[0]))
  if (rows !== null && rows <= maxRows) return null
  const message = `the data has ${rows ?? 'uncounted'} rows, and ${maxRows} were approved`
  return { kind: 'refused', sqlstate: '42501', message, hint: 'nothing was run' }
}

function isBinary(execution: Execution | undefined): boolean {
  const command = execution?.facts?.command
  return command?.type === 'copy-in' && command.options.format === 'binary'
}

/** The smallest bound that an approver set; null = none did. */
export function strictestBound(record: RequestRecord): number | null {
  const bounds = record.decisions.flatMap((each) => each.maxRows ?? [])
  return bounds.length === 0 ? null : Math.min(...bounds)
}

function refusal(record: RequestRecord): Refused {
  const { id, state } = record
  const last = record.decisions.at(-1)
  const entry = record.history.at(-1)
  const by = entry?.by == null ? '' : ` by ${nameOf(entry.by)}`
  const why = (state === 'rejected' ? last?.comment : entry?.why) ?? null
  const message = `request ${id} was ${state}${by}${why === null ? '' : `: ${why}`}`
  const hint =
    state === 'expired' ? 'nobody decided in time; run it again to ask again' : 'nothing was run'
  return { kind: 'refused', sqlstate: '42501', message, hint }
}

function eventOf(record: RequestRecord): 'rejected' | 'expired' | 'cancelled' {
  return record.state === 'rejected' || record.state === 'expired' ? record.state : 'cancelled'
}

function outcomeText({ status, sqlstate, rows }: Extract<Report, { type: 'settled' }>): string {
  if (status === 'unknown') return 'sent, but the answer never came: the outcome is unknown'
  if (status === 'error') return `the target refused it (SQLSTATE ${sqlstate ?? 'unknown'})`
  return rows === null ? 'done' : `done, ${rows} rows`
}

const REPLACED: Refused = {
  kind: 'refused',
  sqlstate: '42501',
  message: 'what the statement names was replaced while it waited for approval',
  hint: 'nothing was run; run it again to ask again',
}

const OUT_OF_ORDER: Answer = {
  kind: 'refused',
  sqlstate: '58000',
  message: 'approvals cannot be asked for at the moment',
  hint: 'nothing was run; see the log of the broker',
}

export function refusedBy({ code, message, hint }: HoopError): Refused {
  const sqlstate = code === 'too_many_pending' ? '53400' : '42501'
  return { kind: 'refused', sqlstate, message, hint: hint ?? 'nothing was run' }
}

export const TOO_MUCH_DATA: Answer = {
  kind: 'refused',
  sqlstate: '54000',
  message: 'the data is larger than what may be kept until somebody decides',
  hint: 'copy it in smaller pieces, or have limits.copy_spool raised',
}
