import type { NewEntry } from '../../protocol/log/entries.ts'
import type { Answer, Execution, Question, Report, Unit } from '../../protocol/pg/execution.ts'
import type { Analysis, StatementFacts } from '../../protocol/pg/statement.ts'
import type { Analyst } from '../analysis/analyst.ts'
import type { Desk } from '../approval/desk.ts'
import { nameOf } from '../approval/person.ts'
import type { Principal } from '../identity/principal.ts'
import { decide, type Verdict } from '../policy/decide.ts'
import type { ConnectionPolicy } from '../policy/policy.ts'
import type { SessionRecorder } from '../recorder/recorder.ts'
import type { Runtime } from '../runtime.ts'
import type { RequestRecord } from '../store/store.ts'
import type { ClientEnd } from './client-end.ts'
import { shownParameters } from './parameters.ts'
import type { Refs } from './refs.ts'
import {
  classOf,
  digestOf,
  effectOf,
  factsOf,
  type Place,
  statementText,
  strictestClass,
} from './snapshot.ts'
import type { Spool } from './spool.ts'

/** An approval that was given before the session began. */
export interface Ticket {
  readonly id: string
  readonly maxRows: number | null
  /** Who approved, and what they said. */
  readonly by: string
  readonly comment: string | null
}

export interface JudgeParts extends Place {
  readonly session: string
  readonly policy: ConnectionPolicy
  readonly approval: { readonly expiresAfter: number; readonly inTransaction: number }
  readonly reason: string | null
  readonly client: ClientEnd
  readonly desk: Desk
  readonly analyst: Analyst
  readonly recorder: SessionRecorder
  readonly refs: Refs
  readonly spool: Spool
  readonly runtime: Runtime
  /** What was approved before the session began (`hoop exec`): it covers what would be held. */
  readonly ticket: Ticket | null
  readonly onFault: (error: unknown) => void
}

interface Held {
  readonly request: string
  readonly digest: string
  readonly principal: Principal
  readonly unit: Unit
}

type Judged = Extract<Question, { kind: 'judge' }>
type Later = (answer: Answer) => void

/** Answers the gate's questions: what is this text, may this run. */
export class Judge {
  private readonly parts: JudgeParts
  private readonly pending = new Map<number, { stop: AbortController; why: string | null }>()
  private closed = false
  private verdicts = new WeakMap<StatementFacts, Verdict>()
  private judgedFor: Principal | null = null

  constructor(parts: JudgeParts) {
    this.parts = parts
  }

  now(): string {
    return new Date(this.parts.runtime.now()).toISOString()
  }

  /** Null: the answer comes later. What is decided is put to the entries before it takes effect. */
  answer(id: number, question: Question, entries: NewEntry[], later: Later): Answer | null {
    if (question.kind === 'analyse') return this.analyse(question, entries, later)
    const verdict = this.verdictOf(question.unit)
    if (question.dry && verdict.decision !== 'deny') return this.dryAnswer(verdict)
    const ticket = verdict.decision === 'hold' ? this.parts.ticket : null
    if (verdict.decision === 'hold' && ticket === null) {
      this.hold(id, question, verdict, entries, later).catch((error) => {
        this.parts.onFault(error)
        later(OUT_OF_ORDER)
      })
      return null
    }
    this.record(question.unit, verdict, ticket?.id ?? null, entries)
    if (verdict.decision === 'deny') return denied(verdict)
    return ticket === null ? ALLOW : this.present(ticket, entries)
  }

  /** Whatever text a client sends is in the record before anything is done with it. */
  private analyse(
    { text, searchPath }: Extract<Question, { kind: 'analyse' }>,
    entries: NewEntry[],
    later: Later,
  ): Answer | null {
    const { analyst, refs } = this.parts
    const known = (analysis: Analysis): Answer => {
      refs.number(text, (ref) => entries.push(textEntry(ref, text, analysis)))
      return { kind: 'analysis', analysis }
    }
    const analysis = analyst.analyse(text, searchPath)
    if (!(analysis instanceof Promise)) return known(analysis)
    analysis.then(
      (done) => later(known(done)),
      (error) => {
        this.parts.onFault(error)
        later(known({ ok: false, reason: 'fault', message: 'no analysis', length: text.length }))
      },
    )
    return null
  }

  /** One statement's verdict is kept with its facts, as long as the person's groups stay. */
  private verdictOf(unit: Unit): Verdict {
    const principal = this.parts.client.principal()
    if (principal !== this.judgedFor) {
      this.verdicts = new WeakMap()
      this.judgedFor = principal
    }
    const only = unit.executions.length === 1 ? (unit.executions[0]?.facts ?? null) : null
    const known = only === null ? undefined : this.verdicts.get(only)
    if (known !== undefined) return known
    const statements = unit.executions.map((each) => each.facts)
    const verdict = decide(
      {
        statements: statements.every((each) => each !== null) ? statements : null,
        groups: principal.groups,
      },
      this.parts.policy,
    )
    if (only !== null) this.verdicts.set(only, verdict)
    return verdict
  }

  /** On disk before anything is sent, as every approval. */
  private present(ticket: Ticket, entries: NewEntry[]): Answer {
    const { id: request, by, comment } = ticket
    entries.push({ kind: 'request', request, state: 'approved', by, comment })
    this.parts.recorder.append(entries.splice(0))
    this.parts.recorder.sync()
    return { kind: 'approved', request, maxRows: ticket.maxRows }
  }

  private dryAnswer(verdict: Verdict): Answer {
    if (verdict.decision === 'allow') return ALLOW
    if (this.parts.ticket !== null) return ALLOW
    return { kind: 'held', request: '', message: '', hint: '' }
  }

  private record(unit: Unit, verdict: Verdict, request: string | null, entries: NewEntry[]): void {
    const { refs } = this.parts
    for (const execution of unit.executions) {
      const ref = refs.begin(execution, (fresh) => entries.push(statementEntry(fresh, execution)))
      entries.push({
        kind: 'execute',
        ref,
        parameters: execution.parameters?.bytes ?? null,
        decision: verdict.decision,
        rule: verdict.rule,
        request,
        reason: verdict.decision === 'deny' ? verdict.reason : null,
      })
    }
  }

  private async hold(
    id: number,
    { unit }: Judged,
    verdict: Extract<Verdict, { decision: 'hold' }>,
    entries: NewEntry[],
    later: Later,
  ): Promise<void> {
    const { parts } = this
    const request = parts.runtime.id('r')
    const principal = parts.client.principal()
    this.record(unit, verdict, request, entries)
    if (unit.spooled && parts.spool.isTooLarge) return later(TOO_MUCH_DATA)
    const waiting = { stop: new AbortController(), why: null as string | null }
    this.pending.set(id, waiting)
    const asked = verdict.needs.map((need) => `${need.count} of ${need.group}`).join(' and ')
    if (unit.spooled) this.recordSpool(unit, entries)
    const digest = await this.open(request, unit, verdict, principal)
    entries.push({
      kind: 'request',
      request,
      state: 'pending',
      by: nameOf(principal),
      comment: asked,
    })
    if (waiting.why !== null) {
      await parts.desk.cancel(request, 'session', waiting.why)
      return
    }
    const message = `held for approval as ${request}: asks ${asked}`
    const hint = `another person runs: hoop approve ${request}`
    later({ kind: 'held', request, message, hint })
    this.tell('held', request, message, { asked })
    await this.decided({ request, digest, principal, unit }, waiting, later)
    this.pending.delete(id)
  }

  private recordSpool({ executions }: Unit, entries: NewEntry[]): void {
    const { rows, size, digest } = this.parts.spool.summary(isBinary(executions[0]))
    entries.push({ kind: 'copy-in', ref: executions[0]?.notes.ref ?? 0, rows, size, digest })
  }

  private async open(
    id: string,
    unit: Unit,
    verdict: Extract<Verdict, { decision: 'hold' }>,
    principal: Principal,
  ): Promise<string> {
    const { desk, approval, runtime, spool, session, connection, database, reason } = this.parts
    const spooled = unit.spooled ? spool.summary(isBinary(unit.executions[0])) : null
    const digest = digestOf(this.parts, unit, spooled?.digest ?? null)
    const statement = statementText(unit)
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
      effect: effectOf(unit),
      digest,
      size: Buffer.byteLength(statement) + (spooled?.size ?? 0),
      reason,
      needs: verdict.needs,
      expiresAt: runtime.now() + wait,
      inTransaction: unit.inTransaction,
      facts: factsOf(unit),
      spool: spooled,
    })
    return digest
  }

  /** Waits for people. An approval is spent, on disk, before the gate hears of it. */
  private async decided(
    { request, digest, principal, unit }: Held,
    waiting: { stop: AbortController; why: string | null },
    later: Later,
  ): Promise<void> {
    const { desk, recorder } = this.parts
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
    const excess = unit.spooled ? this.exceeds(unit, strictestBound(record)) : null
    if (excess !== null) {
      await this.giveUp(request, excess.message)
      return later(excess)
    }
    this.tell('approved', request, `approved by ${deciders(record)}`)
    recorder.sync()
    await desk.spend(request, digest, principal)
    if (waiting.why !== null) {
      await desk.settle(request, { status: 'error', sqlstate: '57014', rows: null })
      return
    }
    recorder.append([{ kind: 'request', request, state: 'executed', by: null, comment: null }])
    later({ kind: 'approved', request, maxRows: strictestBound(record) })
  }

  /** COPY commits as it ends: a bound on its rows must hold before. */
  private exceeds(unit: Unit, maxRows: number | null): Refused | null {
    if (maxRows === null) return null
    const { rows } = this.parts.spool.summary(isBinary(unit.executions[0]))
    if (rows !== null && rows <= maxRows) return null
    const message = `the data has ${rows ?? 'uncounted'} rows, and ${maxRows} were approved`
    return { kind: 'refused', sqlstate: '42501', message, hint: 'nothing was run' }
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
    if (request === this.parts.ticket?.id) return
    const done = this.parts.desk.settle(request, { status, sqlstate, rows })
    done.then(() => this.tell('executed', request, outcomeText(settled)), this.parts.onFault)
  }

  /** The session is over: what waits is given up. */
  close(why: string): void {
    this.closed = true
    for (const id of this.pending.keys()) this.withdraw(id, `the session is over: ${why}`)
  }

  private tell(
    event: 'held' | 'approved' | 'rejected' | 'expired' | 'cancelled' | 'executed',
    request: string,
    message: string,
    more: Record<string, string> = {},
  ): void {
    if (!this.closed) this.parts.client.event({ event, request, message, at: this.now(), ...more })
  }
}

function isBinary(execution: Execution | undefined): boolean {
  const command = execution?.facts?.command
  return command?.type === 'copy-in' && command.options.format === 'binary'
}

function textEntry(ref: number, text: Buffer, analysis: Analysis): NewEntry {
  const all = analysis.ok ? analysis.statements : []
  return {
    kind: 'statement',
    ref,
    text,
    class: analysis.ok ? strictestClass(all) : 'unknown',
    reads: [...new Set(all.flatMap((facts) => facts.reads))],
    writes: [...new Set(all.flatMap((facts) => facts.writes))],
    verbs: [...new Set(all.map((facts) => facts.verb))],
    why: analysis.ok ? (all.find((facts) => facts.why !== '')?.why ?? null) : analysis.message,
  }
}

function statementEntry(ref: number, { facts, text, underlying }: Execution): NewEntry {
  return {
    kind: 'statement',
    ref,
    text,
    class: facts?.class ?? 'unknown',
    reads: facts?.reads ?? [],
    writes: facts?.writes ?? [],
    verbs: facts === null ? [] : [facts.verb],
    why: underlying === null ? (facts?.why ?? null) : `runs: ${underlying.toString('utf8')}`,
  }
}

function requestEntry(record: RequestRecord): NewEntry {
  const last = record.decisions.at(-1)
  const why = record.history.at(-1)?.why ?? null
  return {
    kind: 'request',
    request: record.id,
    state: record.state,
    by: record.state === 'approved' || record.state === 'rejected' ? deciders(record) : null,
    comment: last?.comment ?? why,
  }
}

/** The smallest bound that an approver set; null = none did. */
export function strictestBound(record: RequestRecord): number | null {
  const bounds = record.decisions.flatMap((each) => each.maxRows ?? [])
  return bounds.length === 0 ? null : Math.min(...bounds)
}

export function deciders(record: RequestRecord): string {
  return record.decisions.map((each) => nameOf(each.by)).join(', ')
}

type Refused = Extract<Answer, { kind: 'refused' }>

function refusal(record: RequestRecord): Refused {
  const { id, state } = record
  const last = record.decisions.at(-1)
  const entry = record.history.at(-1)
  const by = entry?.by == null ? '' : ` by ${nameOf(entry.by)}`
  const why = (state === 'rejected' ? last?.comment : entry?.why) ?? null
  const message = `request ${id} was ${state}${by}${why === null ? '' : `: ${why}`}`
  const hint = state === 'expired' ? 'nobody decided in time; run it again to ask again' : HINTS
  return { kind: 'refused', sqlstate: '42501', message, hint }
}

const HINTS = 'nothing was run'

function eventOf(record: RequestRecord): 'rejected' | 'expired' | 'cancelled' {
  return record.state === 'rejected' || record.state === 'expired' ? record.state : 'cancelled'
}

function denied(verdict: Extract<Verdict, { decision: 'deny' }>): Refused {
  const { reason, rule } = verdict
  return { kind: 'refused', sqlstate: '42501', message: reason, hint: `rule: ${rule}` }
}

function outcomeText({ status, sqlstate, rows }: Extract<Report, { type: 'settled' }>): string {
  if (status === 'unknown') return 'sent, but the answer never came: the outcome is unknown'
  if (status === 'error') return `the target refused it (SQLSTATE ${sqlstate ?? 'unknown'})`
  return rows === null ? 'done' : `done, ${rows} rows`
}

const ALLOW: Answer = { kind: 'allow' }

const OUT_OF_ORDER: Answer = {
  kind: 'refused',
  sqlstate: '58000',
  message: 'approvals cannot be asked for at the moment',
  hint: 'nothing was run; see the log of the broker',
}

const TOO_MUCH_DATA: Answer = {
  kind: 'refused',
  sqlstate: '54000',
  message: 'the data is larger than what may be kept until somebody decides',
  hint: 'copy it in smaller pieces, or have limits.copy_spool raised',
}
