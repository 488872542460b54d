import type { NewEntry } from '../../protocol/log/entries.ts'
import type { Known } from '../../protocol/pg/conversation.ts'
import type { Answer, Question, Report, Unit } from '../../protocol/pg/execution.ts'
import type { Analysis, StatementFacts } from '../../protocol/pg/statement.ts'
import type { Analyst } from '../analysis/analyst.ts'
import { appliedRule } from '../changes/authors.ts'
import { policyOf, type Rules } from '../changes/in-force.ts'
import type { Principal } from '../identity/principal.ts'
import {
  decide,
  type Question as PolicyQuestion,
  type Verdict,
  type World,
} from '../policy/decide.ts'
import type { ConnectionPolicy } from '../policy/policy.ts'
import type { RequestRecord } from '../store/store.ts'
import { inEmergency } from './emergency.ts'
import { statementEntry, textEntry } from './entries.ts'
import { type Asked, type Hold, Holds, type Later, type Refused } from './holds.ts'
import { outdated } from './outdated.ts'
import type { Refs } from './refs.ts'
import { classesOf } from './snapshot.ts'
import type { View } from './view.ts'
import { type WindowRunParts, WindowRuns } from './window-runs.ts'

/** An approval that was given before the session began. */
export interface Ticket {
  readonly id: string
  readonly maxRows: number | null
  /** Who approved, and what they said. */
  readonly by: string
  readonly comment: string | null
}

export interface JudgeParts extends WindowRunParts {
  /** Those in force now. */
  readonly rules: () => Rules
  readonly analyst: Analyst
  readonly view: View
  readonly refs: Refs
  /** What was approved before the session began (`hoop exec`): it covers what would be held. */
  readonly ticket: Ticket | null
  /** The emergency that the session was opened in. */
  readonly emergency: RequestRecord | null
}

/** Answers the gate's questions: what is this text, may this run. */
export class Judge {
  private readonly parts: JudgeParts
  private readonly holds: Holds
  private readonly runs: WindowRuns
  private verdicts = new WeakMap<StatementFacts, Verdict>()
  private judgedFor: Principal | null = null
  private judgedBy: Rules
  private policy: ConnectionPolicy
  private judgedIn: World | null = null
  /** With how many values protected columns were compared in this session. */
  private guessed = 0

  constructor(parts: JudgeParts) {
    this.parts = parts
    this.judgedBy = parts.rules()
    this.policy = this.policyNow()
    this.holds = new Holds(parts, (asked) => this.outdated(asked))
    this.runs = new WindowRuns(parts)
  }

  now(): string {
    return this.holds.now()
  }

  /** What the gate may know without asking. Nothing is recorded before it says that it uses it. */
  readonly known: Known = {
    analysis: (text, searchPath, inside) => {
      if (inside !== null) return null
      const analysis = this.parts.analyst.known(text, searchPath)
      if (analysis !== null) this.parts.view.look(null, searchPath)
      return analysis
    },
    allows: (unit) => this.verdictOf(unit).decision === 'allow',
  }

  /** Records what was not asked. */
  note(question: Question, answer: Answer, entries: NewEntry[]): void {
    if (question.kind === 'judge') {
      const verdict = this.verdictOf(question.unit)
      if (verdict.decision !== 'allow') throw new Error('what runs was not allowed')
      this.record(question.unit, verdict, null, entries)
    } else if (answer.kind === 'analysis') this.noteText(question.text, answer.analysis, entries)
  }

  private noteText(text: Buffer, analysis: Analysis, entries: NewEntry[]): void {
    const { refs, secrets } = this.parts
    refs.number(text, (ref) => entries.push(textEntry(ref, text, analysis, secrets)))
  }

  /** Null: the answer comes later. What is decided is put to the entries before it takes effect. */
  answer(id: number, question: Question, entries: NewEntry[], later: Later): Answer | null {
    if (question.kind === 'analyse') return this.analyse(question, entries, later)
    const verdict = this.verdictOf(question.unit)
    if (question.dry && verdict.decision !== 'deny') return this.dryAnswer(verdict)
    const ticket = verdict.decision === 'hold' ? this.parts.ticket : null
    if (verdict.decision === 'hold' && ticket === null) {
      this.hold(id, question.unit, verdict, entries, later)
      return null
    }
    this.record(question.unit, verdict, ticket?.id ?? null, entries)
    if (verdict.decision === 'deny') return denied(verdict)
    return ticket === null ? ALLOW : this.present(ticket, entries)
  }

  /** In a window that covers it, it runs; else people are asked. */
  private hold(id: number, unit: Unit, verdict: Hold, entries: NewEntry[], later: Later): void {
    const window = this.windowFor(unit, verdict)
    const request = window?.id ?? this.parts.runtime.id('r')
    this.record(unit, verdict, request, entries)
    if (window !== null) this.runs.run(id, window, unit, entries, later)
    else {
      const rules = this.judgedBy
      this.holds.ask(id, { request, unit, hold: verdict, rules }, entries, later)
    }
  }

  private windowFor(unit: Unit, verdict: Hold): RequestRecord | null {
    const { policy } = this
    const { windows, client, connection, emergency } = this.parts
    const person = client.principal()
    const question = this.questionOf(unit, person)
    const rule = appliedRule(this.judgedBy.authors, connection, classesOf(unit))
    return windows.covering({ person, connection, question, verdict, policy, rule, emergency })
  }

  private outdated({ unit, hold, rules }: Asked): Refused | null {
    if (rules === this.parts.rules()) return null
    const policy = policyOf(this.parts.rules(), this.parts.connection)
    return outdated(this.questionOf(unit, this.parts.client.principal()), policy, hold)
  }

  /** Whatever text a client sends is in the record before anything is done with it. */
  private analyse(
    { text, searchPath, inside }: Extract<Question, { kind: 'analyse' }>,
    entries: NewEntry[],
    later: Later,
  ): Answer | null {
    const { analyst, view } = this.parts
    const known = (analysis: Analysis): Answer => {
      if (analysis.ok) view.look(inside, searchPath)
      this.noteText(text, analysis, entries)
      return { kind: 'analysis', analysis }
    }
    const analysis = analyst.analyse(text, searchPath, inside)
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

  /** One statement's verdict is kept with its facts, as long as groups, rules, catalogue and masks stay. */
  private verdictOf(unit: Unit): Verdict {
    const principal = this.parts.client.principal()
    const rules = this.parts.rules()
    const world = this.parts.world()
    if (principal !== this.judgedFor || rules !== this.judgedBy || world !== this.judgedIn) {
      this.verdicts = new WeakMap()
      this.judgedFor = principal
      this.judgedBy = rules
      this.judgedIn = world
      this.policy = this.policyNow()
    }
    const only = unit.executions.length === 1 ? (unit.executions[0]?.facts ?? null) : null
    const known = only === null ? undefined : this.verdicts.get(only)
    if (known !== undefined && !this.isLimited(known)) return known
    const verdict = decide(this.questionOf(unit, principal), this.policy)
    if (only !== null) this.verdicts.set(only, verdict)
    return verdict
  }

  private policyNow(): ConnectionPolicy {
    const policy = policyOf(this.judgedBy, this.parts.connection)
    return this.parts.emergency === null ? policy : inEmergency(policy)
  }

  private questionOf(unit: Unit, { groups }: Principal): PolicyQuestion {
    const statements = unit.executions.map((each) => each.facts)
    return {
      statements: statements.every((each) => each !== null) ? statements : null,
      groups,
      world: this.parts.world(),
      guessed: this.guessed,
    }
  }

  /** What was allowed before may be one too many now. */
  private isLimited(verdict: Verdict): boolean {
    const { equality } = this.policy.predicates
    const counts = verdict.decision !== 'deny' && verdict.guesses > 0
    return counts && equality.decision === 'allow' && equality.perSession !== null
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
    const { refs, secrets } = this.parts
    if (verdict.decision !== 'deny' && verdict.guesses > 0) {
      this.guessed += verdict.guesses
      const detail = `${verdict.guesses} for equality, ${this.guessed} in this session`
      entries.push({ kind: 'other', name: 'comparisons with masked columns', detail })
    }
    for (const execution of unit.executions) {
      const ref = refs.begin(execution, (fresh) =>
        entries.push(statementEntry(fresh, execution, secrets)),
      )
      entries.push({
        kind: 'execute',
        ref,
        parameters: execution.parameters?.bytes ?? null,
        decision: verdict.decision,
        rule: verdict.rule,
        request,
        reason: verdict.decision === 'deny' ? verdict.reason : null,
        policy: this.judgedBy.version,
      })
    }
  }

  withdraw(id: number, why: string): void {
    this.holds.withdraw(id, why)
    this.runs.withdraw(id)
  }

  /** What an exec was approved for, it settles itself: there may be several units in it. */
  settle(settled: Extract<Report, { type: 'settled' }>): void {
    if (settled.request === this.parts.ticket?.id) return
    if (!this.runs.settle(settled)) this.holds.settle(settled)
  }

  /** The session is over: what waits is given up. */
  close(why: string): void {
    this.holds.close(why)
    this.runs.close()
  }
}

function denied(verdict: Extract<Verdict, { decision: 'deny' }>): Refused {
  const { reason, rule, hint } = verdict
  const more = hint === undefined ? '' : `${hint}; `
  return { kind: 'refused', sqlstate: '42501', message: reason, hint: `${more}rule: ${rule}` }
}

const ALLOW: Answer = { kind: 'allow' }
