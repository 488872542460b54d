import { MalformedBytes } from '../../protocol/bytes/cursor.ts'
import type { NewEntry } from '../../protocol/log/entries.ts'
import { COPY_DONE, decodeErrorFields } from '../../protocol/pg/backend.ts'
import type { Execution, Report, Shape } from '../../protocol/pg/execution.ts'
import { HEADER } from '../../protocol/pg/framer.ts'
import { FrontendWriter } from '../../protocol/pg/frontend.ts'
import { mayChangeCatalogue } from '../../protocol/pg/inside.ts'
import type { CopyOptions, StatementFacts } from '../../protocol/pg/statement.ts'
import { type CopyMasker, createCopyMasker } from '../masking/copy.ts'
import { planCopy, planRows, type RowPlan } from '../masking/plan.ts'
import type { ProtectedColumns } from '../masking/protect.ts'
import { maskRows } from '../masking/rows.ts'
import { notifier, scrubNotification, scrubReport } from '../masking/text.ts'
import type { Detection } from './detection.ts'
import type { Refs } from './refs.ts'
import type { Secrets } from './secrets.ts'
import type { View } from './view.ts'

type ResultReport = Exclude<Report, { type: 'parameter' | 'settled' | 'changed' }>

/** A row with a masked column must be held whole to be masked; above this it cannot be. */
const MASKED_ROW_LIMIT = 256 << 20

/** How the session's rows are masked, and what it copies. */
export type ResultView = Pick<View, 'protect' | 'done'>

export interface ResultHooks {
  /** How rows of a shape are masked. */
  readonly planned: (shape: Shape, plan: RowPlan) => void
  readonly catalogueChanged: () => void
  /** The target's process that serves this session, where it says so. */
  readonly process: number | null
  /** What was typed as a password must not come back in an error. */
  readonly secrets: Secrets
}

interface Copy {
  readonly masker: CopyMasker
  readonly plan: RowPlan
  readonly options: CopyOptions
}

interface LastPlan {
  readonly shape: Shape
  readonly facts: StatementFacts | null
  readonly protect: ProtectedColumns
  readonly plan: RowPlan
}

/** What the record says of a shape already. */
interface Shown {
  readonly ref: number
  readonly masked: readonly boolean[]
}

/** What comes back from the target on its way to the client: masked, then recorded, then shown. */
export class Results {
  private readonly view: ResultView
  private readonly detection: Detection
  private readonly refs: Refs
  private last: LastPlan | null = null
  private readonly copies = new WeakMap<Execution, Copy>()
  private readonly shown = new WeakMap<Shape, Shown>()
  private parts: Buffer[] = []
  private partsLength = 0
  /** Something was changed that has to do with protected columns. */
  private deferred = false
  /** Something was done that others cannot see before its transaction ends. */
  private catalogueMoved = false

  private readonly hooks: ResultHooks

  constructor(view: ResultView, detection: Detection, refs: Refs, hooks: ResultHooks) {
    this.view = view
    this.detection = detection
    this.refs = refs
    this.hooks = hooks
  }

  take(report: ResultReport, entries: NewEntry[], toClient: Buffer[]): void {
    switch (report.type) {
      case 'rows':
        return this.rows(report, entries, toClient)
      case 'answer':
        return this.answer(report, entries, toClient)
      case 'copy-rows':
        return this.copyRows(report, entries, toClient)
      case 'copied':
        entries.push({ kind: 'copy-data', ref: report.execution.notes.ref, bytes: report.bytes })
        return
      case 'copy-done':
        return this.copyDone(report.execution, entries, toClient)
      case 'complete':
        return this.complete(report, entries, toClient)
      case 'error':
        return this.error(report, entries, toClient)
      case 'notice': {
        const bytes = this.scrubbed(report.execution, report.bytes)
        this.detection.report(report.execution, bytes, 'notice')
        entries.push({ kind: 'notice', bytes })
        toClient.push(bytes)
        return
      }
      case 'notification': {
        const bytes = this.isClear(report) ? report.bytes : scrubNotification(report.bytes)
        this.detection.notification(bytes)
        entries.push({ kind: 'other', name: 'notification', detail: bytes.toString('latin1') })
        toClient.push(bytes)
      }
    }
  }

  /** Of others nobody knows what they notify of; what the session itself does is known. */
  private isClear({ execution, bytes }: Extract<Report, { type: 'notification' }>): boolean {
    if (notifier(bytes) === this.hooks.process) return !this.mayTell(execution)
    return !this.view.protect().touches(null)
  }

  private rows(
    report: Extract<Report, { type: 'rows' }>,
    entries: NewEntry[],
    toClient: Buffer[],
  ): void {
    const bytes = this.shownRows(report, entries)
    if (bytes !== null) toClient.push(bytes)
  }

  /** As the client sees them, recorded. Null: the rest of a row is awaited. */
  private shownRows(
    report: Pick<Extract<Report, { type: 'rows' }>, 'execution' | 'bytes' | 'count' | 'part'>,
    entries: NewEntry[],
  ): Buffer | null {
    const { execution, count } = report
    const plan = this.planOf(execution)
    const ref = execution.notes.ref
    this.showShape(execution, plan, ref, entries)
    const whole = plan.clear ? report.bytes : this.whole(report)
    if (whole === null) return null
    const part = plan.clear ? report.part : 'whole'
    const masked = plan.clear ? whole : maskRows(whole, plan)
    const bytes = this.detection.rows(execution, plan, masked, part)
    const counted = plan.clear || report.part === 'whole' ? count : 1
    entries.push({ kind: 'rows', ref, bytes, count: counted })
    return bytes
  }

  /** Rows that stay as they are leave with what stands around them, in one piece. */
  private answer(
    report: Extract<Report, { type: 'answer' }>,
    entries: NewEntry[],
    toClient: Buffer[],
  ): void {
    const { execution, bytes, before, rows, count, tag } = report
    const shown =
      count === 0 ? rows : this.shownRows({ execution, bytes: rows, count, part: 'whole' }, entries)
    this.completed(execution, tag, entries)
    if (shown === rows) toClient.push(bytes)
    else if (shown !== null)
      toClient.push(bytes.subarray(0, before), shown, bytes.subarray(before + rows.length))
  }

  /** The plan is made once for each execution, from the shape that its rows really have. */
  private planOf(execution: Execution): RowPlan {
    const { notes, shape } = execution
    if (notes.plan !== null) return notes.plan as RowPlan
    if (shape === null) throw new MalformedBytes('rows without a description')
    const plan = this.planFor(shape, execution.facts)
    notes.plan = plan
    this.hooks.planned(shape, plan)
    return plan
  }

  /** The same statement again, with rows of the same shape, has the same plan. */
  private planFor(shape: Shape, facts: StatementFacts | null): RowPlan {
    const protect = this.view.protect()
    const { last } = this
    if (last?.shape === shape && last.facts === facts && last.protect === protect) return last.plan
    const plan = planRows(shape.fields, facts, protect)
    this.last = { shape, facts, protect, plan }
    return plan
  }

  private showShape(execution: Execution, plan: RowPlan, ref: number, entries: NewEntry[]): void {
    const { shape } = execution
    const { masked } = plan
    if (shape === null || isShown(this.shown.get(shape), ref, masked)) return
    this.shown.set(shape, { ref, masked })
    entries.push({ kind: 'shape', ref, bytes: shape.bytes, masked })
  }

  /** Parts of a large row are joined: only whole rows can be masked. */
  private whole(report: Pick<Extract<Report, { type: 'rows' }>, 'bytes' | 'part'>): Buffer | null {
    if (report.part === 'whole') return report.bytes
    this.parts.push(report.bytes)
    this.partsLength += report.bytes.length
    if (this.partsLength > MASKED_ROW_LIMIT)
      throw new MalformedBytes('a row is too large to be masked')
    if (report.part !== 'last') return null
    const bytes = Buffer.concat(this.parts, this.partsLength)
    this.parts = []
    this.partsLength = 0
    return bytes
  }

  private copyRows(
    report: Extract<Report, { type: 'copy-rows' }>,
    entries: NewEntry[],
    toClient: Buffer[],
  ): void {
    const { execution, count } = report
    const { masker, plan, options } = this.copyOf(execution)
    const isWhole = report.part === 'whole'
    const masked = isWhole ? masker.messages(report.bytes) : masker.push(payloadOf(report))
    const looked = this.detection.copy(execution, plan, options, masked, report.part)
    const bytes = isWhole ? looked : messageOf(looked)
    entries.push({ kind: 'rows', ref: execution.notes.ref, bytes, count })
    toClient.push(bytes)
  }

  private copyOf(execution: Execution): Copy {
    const known = this.copies.get(execution)
    if (known !== undefined) return known
    const { facts, shape } = execution
    const options = facts?.command.type === 'copy-out' ? facts.command.options : null
    if (shape === null || options === null)
      throw new MalformedBytes('copy data without a description')
    const plan = planCopy(shape.fields, facts, this.view.protect())
    const copy = { masker: createCopyMasker(plan, options), plan, options }
    this.copies.set(execution, copy)
    return copy
  }

  private copyDone(execution: Execution, entries: NewEntry[], toClient: Buffer[]): void {
    const rest = this.copyOf(execution).masker.end()
    if (rest.length > 0) {
      entries.push({ kind: 'rows', ref: execution.notes.ref, bytes: rest, count: 0 })
      toClient.push(rest)
    }
    toClient.push(COPY_DONE)
  }

  private complete(
    report: Extract<Report, { type: 'complete' }>,
    entries: NewEntry[],
    toClient: Buffer[],
  ): void {
    this.completed(report.execution, report.tag, entries)
    toClient.push(report.bytes)
  }

  private completed(execution: Execution, tag: string, entries: NewEntry[]): void {
    const ms = this.refs.elapsed(execution)
    this.detection.note(entries)
    putOutcome(entries, execution.notes.ref, tag, execution.rows, ms)
    if (mayChangeCatalogue(execution.facts)) this.catalogueMoves()
    if (!changesData(execution)) return
    if (this.view.protect().touches(execution.facts)) this.deferred = true
    this.view.done(execution.facts)
  }

  /** Looked at when it is done, for this session, and again when it is committed. */
  private catalogueMoves(): void {
    this.catalogueMoved = true
    this.hooks.catalogueChanged()
  }

  /** The session is over: what was found and not noted. */
  end(entries: NewEntry[]): void {
    this.detection.note(entries)
  }

  /** What was deferred has spoken, and what was made is there for all. */
  transactionOver(): void {
    if (this.catalogueMoved) this.hooks.catalogueChanged()
    this.catalogueMoved = false
    this.deferred = false
  }

  /** An error of the broker's own statement is recorded, not shown. */
  private error(
    report: Extract<Report, { type: 'error' }>,
    entries: NewEntry[],
    toClient: Buffer[],
  ): void {
    const bytes = report.own ? report.bytes : this.scrubbed(report.execution, report.bytes)
    if (!report.own) this.detection.report(report.execution, bytes, 'error')
    // A procedure may have committed something before it failed.
    if (!report.own && report.execution?.request) this.view.done(report.execution.facts)
    this.detection.note(entries)
    const sqlstate = decodeErrorFields(bytes).get('C') ?? 'XX000'
    entries.push({ kind: 'error', bytes, sqlstate })
    if (report.visible) toClient.push(bytes)
  }

  private scrubbed(execution: Execution | null, bytes: Buffer): Buffer {
    if (!this.mayTell(execution)) return this.hooks.secrets.hideReport(bytes)
    return scrubReport(bytes)
  }

  /** Constraints and triggers that were deferred speak when the transaction ends, of its values. */
  mayTell(execution: Execution | null): boolean {
    const facts = execution?.facts
    const isLate =
      execution === null || facts?.class === 'transaction' || facts?.class === 'session'
    if (isLate && this.deferred) return true
    return facts !== undefined && this.view.protect().touches(facts)
  }
}

/** The same columns may be masked by another plan now. */
function isShown(shown: Shown | undefined, ref: number, masked: readonly boolean[]): boolean {
  if (shown?.ref !== ref) return false
  return shown.masked === masked || shown.masked.every((one, index) => one === masked[index])
}

/** In one entry with the last rows, where these are not written yet: each entry is a hash. */
function putOutcome(
  entries: NewEntry[],
  ref: number,
  tag: string,
  rows: number | null,
  ms: number,
): void {
  const last = entries.at(-1)
  if (last?.kind !== 'rows' || last.ref !== ref) {
    entries.push({ kind: 'complete', ref, tag, rows, ms })
    return
  }
  const { bytes, count } = last
  entries[entries.length - 1] = { kind: 'result', ref, bytes, count, tag, rows, ms }
}

/** A CopyData message too large to be kept: its parts go on as messages of their own. */
function payloadOf({ part, bytes }: Extract<Report, { type: 'copy-rows' }>): Buffer {
  return part === 'first' ? bytes.subarray(HEADER) : bytes
}

function messageOf(payload: Buffer): Buffer {
  return payload.length === 0 ? payload : new FrontendWriter().copyData(payload).finish()
}

function changesData({ facts }: Execution): boolean {
  return facts === null || !UNCHANGING.has(facts.class)
}

const UNCHANGING: ReadonlySet<string> = new Set(['read', 'session', 'transaction'])
