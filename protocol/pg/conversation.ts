import type { GateOutput } from '../gate.ts'
import {
  type ErrorReport,
  encodeCommandComplete,
  encodeError,
  encodeReadyForQuery,
  type TransactionStatus,
} from './backend.ts'
import { Block } from './block.ts'
import type { Answer, Execution, Inside, Question, Report, Unit } from './execution.ts'
import { type FrontendMessage, FrontendWriter } from './frontend.ts'
import { LEAVE_INSIDE, lookingInside } from './inside.ts'
import { type Knowledge, Names } from './names.ts'
import type { Analysis, StatementFacts } from './statement.ts'
import { TargetHalf } from './target-half.ts'

export type Output = GateOutput<Question, Answer, Report>

/** What a step of the conversation waits for. */
export type Wait =
  /** `idle`: nothing of the client is half done. */
  | { readonly for: 'client'; readonly idle: boolean }
  /** A message of the client, or the end of all that the target owes. */
  | { readonly for: 'either' }
  /** All that the target owes has come, or it asks for copy data. */
  | { readonly for: 'target' }
  /** `held`: people are asked, so that the client may give up meanwhile. */
  | { readonly for: 'answer'; readonly id: number; readonly held: boolean }
  /** Spooled bytes, or their end. */
  | { readonly for: 'spool' }

export type Resumed =
  | { readonly type: 'message'; readonly message: FrontendMessage }
  | { readonly type: 'quiet' }
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'interrupted'; readonly by: Interrupt }
  | { readonly type: 'spooled'; readonly bytes: Buffer | null }

export type Interrupt = 'cancel' | 'gone'

/** A conversation is written as it is held: each step sends, and waits where it says `yield*`. */
export type Step<T = void> = Generator<Wait, T, Resumed>

export interface GateOptions {
  /** What the target reported at start-up. */
  readonly parameters: ReadonlyMap<string, string>
  /** Third layer, where the operator gives it: SET ROLE to these around an approved unit. */
  readonly roles: { readonly reader: string; readonly writer: string } | null
  /** Answers that are there without asking; without it everything is asked. */
  readonly known?: Known
  /** Queries, one column each, that tell what an open transaction sees of the catalogue. */
  readonly inside?: string
}

/** What is known at once. Looking has no effect: what is used of it is put out as `known`. */
export interface Known {
  /** What the text is; null = ask. */
  analysis(text: Buffer, searchPath: readonly string[], inside: Inside | null): Analysis | null
  /** True: it may run, and nobody needs to decide it. */
  allows(unit: Unit): boolean
}

/** The conversation is over. */
export class Closed extends Error {
  override readonly name = 'Closed'
}

/** The conversation cannot go on safely. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** All that one session's conversation knows; the flows in the files beside this one act on it. */
export class Conversation {
  out: Output[] = []
  readonly target: TargetHalf
  readonly names = new Names()
  readonly block = new Block()
  readonly writer = new FrontendWriter()
  readonly options: GateOptions
  searchPath: readonly string[] = []
  /** Something ran that may have changed search_path: ask before the next analysis. */
  searchPathStale = true
  /** Facts hold as long as this is the same object: names mean the same, as far as is known. */
  knowledge: Knowledge = {}
  /** What this transaction alone sees of the catalogue; null = what everybody does. */
  inside: Inside | null = null
  /** That is not what it sees any more: look before the next analysis. */
  insideStale = false
  /** In this transaction, so that its end may move search_path too. */
  settingsTouched = false
  /** An approved unit ran in this transaction. */
  changed = false
  /** The broker itself has lifted the guard, for an approved unit. */
  window = false
  /** The bound on rows that the last approval came with. */
  maxRows: number | null = null
  /** A request that was approved and has no outcome yet. */
  approved: string | null = null
  /** COPY FROM STDIN: its data is kept, the target knows nothing of it. */
  spooling = false
  /** The client has been told to send copy data, and what it sent until their end is no message. */
  copied = false
  /** What the target executed since its last Sync, outside a block. */
  implicit: 'none' | 'parsed' | 'executed' = 'none'
  private asked = 0
  private executions = 0

  constructor(options: GateOptions) {
    this.options = options
    this.target = new TargetHalf((output) => this.emit(output), options.parameters)
  }

  get status(): TransactionStatus {
    return this.target.status
  }

  renew(): void {
    this.knowledge = {}
  }

  emit(output: Output): void {
    this.out.push(output)
  }

  reply(bytes: Buffer): void {
    this.out.push({ type: 'reply', bytes })
  }

  /** Sends what the writer holds. */
  send(): void {
    if (this.writer.length > 0) this.out.push({ type: 'send', bytes: this.writer.finish() })
  }

  ready(): void {
    this.reply(READY[this.status])
    if (!this.changed || this.status !== 'I') return
    this.changed = false
    this.emit({ type: 'changed' })
  }

  execution(
    facts: StatementFacts | null,
    text: Buffer,
    more: Partial<Pick<Execution, 'underlying' | 'parameters' | 'types' | 'tag'>> = {},
  ): Execution {
    return {
      id: ++this.executions,
      facts,
      text,
      underlying: more.underlying ?? null,
      parameters: more.parameters ?? null,
      types: more.types ?? NO_TYPES,
      tag: more.tag ?? null,
      shape: null,
      request: null,
      rows: null,
      notes: { ref: 0, begunAt: 0, plan: null },
    }
  }

  *client(idle: boolean): Step<FrontendMessage> {
    const resumed = yield idle ? IDLE : CLIENT
    if (resumed.type !== 'message') throw new Closed('the client is gone')
    return resumed.message
  }

  /** The client's next message, or null when the target has ended the exchange first. */
  *clientUnlessQuiet(): Step<FrontendMessage | null> {
    if (this.target.quiet) return null
    const resumed = yield EITHER
    if (resumed.type === 'interrupted') throw new Closed('the client is gone')
    return resumed.type === 'message' ? resumed.message : null
  }

  /** Sends, and waits until the target has answered all. Copy data is not given unasked. */
  *answered(): Step {
    this.send()
    while (!this.target.quiet) {
      yield TARGET
      if (this.target.copyIn === 'ready') {
        this.target.copyIn = 'no'
        this.writer.copyFail('COPY FROM STDIN was not expected here')
        this.send()
      }
    }
  }

  /** Sends a COPY FROM STDIN. True: the target waits for its data. */
  *copyReady(): Step<boolean> {
    this.send()
    if (!this.target.quiet) yield TARGET
    return this.target.copyIn === 'ready'
  }

  *ask(question: Question): Step<{ id: number; resumed: Resumed }> {
    const id = ++this.asked
    this.emit({ type: 'ask', id, question })
    return { id, resumed: yield { for: 'answer', id, held: false } }
  }

  /** What the text is. A client that goes away meanwhile ends the conversation. */
  *analyse(text: Buffer): Step<Analysis> {
    if (this.searchPathStale && this.status !== 'E') yield* this.refreshSearchPath()
    if (this.insideStale && this.status !== 'E') yield* this.lookInside()
    const known = this.knownAnalysis(text)
    if (known !== null) return known
    const { resumed } = yield* this.ask({
      kind: 'analyse',
      text,
      searchPath: this.searchPath,
      inside: this.inside,
    })
    if (resumed.type === 'answer' && resumed.answer.kind === 'analysis') {
      return resumed.answer.analysis
    }
    throw new Closed('no analysis')
  }

  /** What the text is, if that is known without asking. */
  private knownAnalysis(text: Buffer): Analysis | null {
    const { searchPath, inside } = this
    const analysis = this.options.known?.analysis(text, searchPath, inside) ?? null
    if (analysis !== null) this.noteAnalysis(text, analysis)
    return analysis
  }

  noteAnalysis(text: Buffer, analysis: Analysis): void {
    const { searchPath, inside } = this
    const question = { kind: 'analyse', text, searchPath, inside } as const
    this.emit({ type: 'known', question, answer: { kind: 'analysis', analysis } })
  }

  /** True: the unit may run, and nobody was asked. */
  mayRunAtOnce(unit: Unit): boolean {
    if (this.options.known?.allows(unit) !== true) return false
    this.noteAllowed(unit)
    return true
  }

  noteAllowed(unit: Unit): void {
    this.emit({ type: 'known', question: { kind: 'judge', unit, dry: false }, answer: ALLOW })
  }

  /** A statement of the broker's own; its answers are not shown. True: it went well. */
  *hidden(sql: string): Step<boolean> {
    this.target.error = null
    this.names.dropUnnamedPortal()
    this.writer.query(sql)
    this.target.expect({ kind: 'query', visible: false, executions: NO_EXECUTIONS, done: nothing })
    yield* this.answered()
    return this.target.error === null
  }

  private *refreshSearchPath(): Step {
    const text = Buffer.from(
      "SELECT pg_catalog.array_to_string(pg_catalog.current_schemas(true), E'\\n')",
    )
    let path: string | null = null
    this.target.error = null
    this.names.dropUnnamedPortal()
    this.target.onHiddenRow = (value) => {
      path = value
    }
    this.writer.query(text)
    this.target.expect({ kind: 'query', visible: false, executions: NO_EXECUTIONS, done: nothing })
    yield* this.answered()
    this.target.onHiddenRow = null
    if (path === null) throw new Broken('the target does not tell its search_path')
    const schemas = (path as string).split('\n')
    if (schemas.join('\n') !== this.searchPath.join('\n')) {
      this.searchPath = schemas
      this.renew()
    }
    this.searchPathStale = false
  }

  /** If it cannot be told, there is nothing in it: all that others do not see stays unknown. */
  private *lookInside(): Step {
    this.insideStale = false
    const query = this.status === 'T' ? this.options.inside : undefined
    if (query === undefined) return this.setInside(null)
    const rows: string[] = []
    this.target.onHiddenRow = (row) => {
      rows.push(row)
    }
    const told = yield* this.hidden(lookingInside(query))
    this.target.onHiddenRow = null
    if (!told && !(yield* this.hidden(LEAVE_INSIDE)))
      throw new Broken('the transaction cannot be looked into')
    this.setInside(told ? rows : [])
  }

  private setInside(inside: Inside | null): void {
    if (this.inside === null && inside === null) return
    this.inside = inside
    this.renew()
  }

  /** Where the transaction is over: what it made is there for all now, or never. */
  leaveInside(): void {
    if (this.status !== 'I') return
    this.insideStale = false
    this.setInside(null)
  }

  /** Something was undone, or others have changed something: it is looked at again before it is used. */
  doubtInside(): void {
    if (this.inside !== null) this.insideStale = true
  }

  /** The broker's own error, as the target would give it: a transaction block is aborted by it. */
  *fail(report: Omit<ErrorReport, 'severity'>, execution: Execution | null = null): Step {
    if (this.status === 'T') yield* this.abortBlock()
    const bytes = encodeError({ severity: 'ERROR', ...report })
    this.target.error = { fields: new Map([['C', report.code]]), visible: true }
    this.emit({ type: 'error', execution, bytes, visible: true, own: true })
  }

  private *abortBlock(): Step {
    yield* this.hidden(`ROLLBACK TO SAVEPOINT hoop_no_such_savepoint`)
    if (this.status !== 'E') throw new Broken('the transaction could not be aborted')
  }

  complete(execution: Execution, tag: string): void {
    this.emit({ type: 'complete', execution, tag, bytes: encodeCommandComplete(tag) })
  }

  notice(message: string, hint: string): void {
    const bytes = encodeError({ severity: 'NOTICE', code: '00000', message, hint })
    this.reply(bytes)
  }

  /**
   * Whether the unit may run. Says so to the client if not, and while it waits for people. A client
   * that gives up withdraws the request.
   */
  *permission(unit: Unit, dry = false): Step<'allow' | 'held' | 'no'> {
    this.maxRows = null
    if (!dry && this.mayRunAtOnce(unit)) return 'allow'
    const first = yield* this.ask({ kind: 'judge', unit, dry })
    let resumed = first.resumed
    const execution = unit.executions[0] ?? null
    for (;;) {
      if (resumed.type === 'interrupted') {
        this.emit({ type: 'withdraw', id: first.id, why: INTERRUPTED[resumed.by] })
        if (resumed.by === 'gone') throw new Closed(INTERRUPTED.gone)
        yield* this.fail(CANCELLED, execution)
        return 'no'
      }
      if (resumed.type !== 'answer') throw new Closed('no verdict')
      const { answer } = resumed
      switch (answer.kind) {
        case 'allow':
          return 'allow'
        case 'held':
          if (dry) return 'held'
          this.notice(answer.message, answer.hint)
          resumed = yield { for: 'answer', id: first.id, held: true }
          break
        case 'approved':
          for (const each of unit.executions) each.request = answer.request
          this.approved = answer.request
          this.maxRows = answer.maxRows
          return 'allow'
        case 'refused': {
          const { sqlstate, message, hint } = answer
          yield* this.fail({ code: sqlstate, message, hint }, execution)
          return 'no'
        }
        default:
          throw new Closed('an answer to another question')
      }
    }
  }
}

const READY = {
  I: encodeReadyForQuery('I'),
  T: encodeReadyForQuery('T'),
  E: encodeReadyForQuery('E'),
}

const CLIENT: Wait = { for: 'client', idle: false }
const IDLE: Wait = { for: 'client', idle: true }
const EITHER: Wait = { for: 'either' }
const TARGET: Wait = { for: 'target' }
const NO_TYPES: readonly number[] = []
const NO_EXECUTIONS: readonly Execution[] = []
const nothing = (): void => undefined
const ALLOW: Answer = { kind: 'allow' }

const INTERRUPTED = {
  cancel: 'cancelled by the requester',
  gone: 'the requester is gone',
} as const

const CANCELLED = { code: '57014', message: 'canceling statement due to user request' }

/** Whether the statement can change nothing by itself, and so runs under the guard. */
export function runsUnderGuard(facts: StatementFacts | null): boolean {
  if (facts === null) return false
  return facts.class === 'read' || facts.class === 'session' || facts.class === 'transaction'
}
