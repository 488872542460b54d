import { Cursor, decodeUtf8, MalformedBytes } from '../bytes/cursor.ts'
import { sameBytes } from '../bytes/same.ts'
import {
  BACKEND,
  decodeCommandTag,
  decodeErrorFields,
  decodeParameterStatus,
  decodeReadyForQuery,
  decodeRowDescription,
  type ErrorFields,
  encodeCommandComplete,
  rowsOfTag,
  type TransactionStatus,
  withFormats,
} from './backend.ts'
import type { Execution, Part, Report, Shape } from './execution.ts'
import { type Frame, HEADER } from './framer.ts'
import { type Expectation, isVisible, Owed } from './owed.ts'

type Emit = (output: Report | { readonly type: 'reply'; readonly bytes: Buffer }) => void

/** A CommandComplete, as it came and what it says. */
interface Tag {
  readonly bytes: Buffer
  readonly tag: string
  readonly rows: number | null
}

/** Follows the target's side of the conversation. Whatever was not asked for is malformed. */
export class TargetHalf {
  status: TransactionStatus = 'I'
  /** The error that ended the exchange, if one did. */
  error: { readonly fields: ErrorFields; readonly visible: boolean } | null = null
  /** The target skips all until Sync, and no Sync is on its way. */
  skipping = false
  /** CopyInResponse has come and the copy has not ended. */
  copyIn: 'no' | 'ready' = 'no'
  copyInBytes: Buffer | null = null
  onHiddenRow: ((value: string) => void) | null = null
  /** What the short path awaits (see direct.ts); null: nothing, or it is in the list of what is owed. */
  direct: Execution | null = null
  readonly parameters: Map<string, string>
  /** Who the broker logged in as. */
  private readonly user: string | undefined
  private moved: { readonly name: string; readonly value: string } | null = null
  private readonly owed = new Owed()
  private queryIndex = 0
  private queryFailed = false
  /** The statement of the present query that has had its RowDescription. */
  private describedIndex = -1
  private copyingOut = false
  private lastShape: Shape | null = null
  private lastTag: Tag | null = null
  private readonly emit: Emit

  constructor(emit: Emit, parameters: ReadonlyMap<string, string>) {
    this.emit = emit
    this.parameters = new Map(parameters)
    this.user = parameters.get('session_authorization')
  }

  get quiet(): boolean {
    return this.direct === null && this.owed.first === undefined
  }

  /** The execution whose answer is awaited now, or whose Parse, Bind or Describe is. */
  get running(): Execution | null {
    if (this.direct !== null) return this.direct
    for (const owed of this.owed) {
      if (owed.kind === 'execute') return owed.execution
      if (owed.kind === 'query') return this.executionOf(owed)
      if (owed.kind === 'sync') return null
    }
    return null
  }

  expect(expectation: Expectation): void {
    this.owed.push(expectation)
    this.answerLocals()
  }

  receive(frame: Frame): void {
    switch (frame.type) {
      case BACKEND.notice:
        this.emit({ type: 'notice', execution: this.running, bytes: frame.bytes })
        return
      case BACKEND.notification:
        this.emit({ type: 'notification', execution: this.running, bytes: frame.bytes })
        return
      case BACKEND.parameterStatus: {
        const { name, value } = decodeParameterStatus(frame.bytes)
        this.parameters.set(name, value)
        this.moved = { name, value }
        this.emit({ type: 'parameter', execution: this.running, name, value })
        return
      }
      case BACKEND.error:
        this.failed(frame)
        return
      default:
        this.answer(frame)
    }
  }

  /** The guarded parameter that has another value than the broker gave it, or null. */
  movedParameter(window: boolean): string | null {
    if (this.moved === null) return null
    const { name, value } = this.moved
    this.moved = null
    const wanted = name === 'session_authorization' ? this.user : GUARDED.get(name)
    if (window && name === 'default_transaction_read_only') return null
    return wanted === undefined || wanted === value ? null : name
  }

  private answer(frame: Frame): void {
    const head = this.owed.first
    if (head === undefined) throw new MalformedBytes('the target sent what nobody asked for')
    switch (head.kind) {
      case 'parse':
        return this.simple(frame, BACKEND.parseComplete, head)
      case 'bind':
        return this.simple(frame, BACKEND.bindComplete, head)
      case 'close':
        return this.simple(frame, BACKEND.closeComplete, head)
      case 'describe':
        return this.described(frame, head)
      case 'execute':
        return this.executed(frame, head)
      case 'query':
        return this.queried(frame, head)
      case 'sync':
        return this.ready(frame)
      case 'local':
        throw new MalformedBytes('an answer of the broker was not given')
    }
  }

  private simple(
    frame: Frame,
    type: number,
    head: { readonly visible: boolean; readonly done: () => void },
  ): void {
    this.demand(frame, type)
    if (head.visible) this.emit({ type: 'reply', bytes: frame.bytes })
    head.done()
    this.shift()
  }

  private described(frame: Frame, head: Expectation & { kind: 'describe' }): void {
    if (frame.type === BACKEND.parameterDescription && head.what !== 'portal') {
      if (head.visible && head.what === 'statement')
        this.emit({ type: 'reply', bytes: frame.bytes })
      return
    }
    const shape = this.shapeOf(frame, head.formats)
    if (head.visible) {
      this.emit({ type: 'reply', bytes: shape === null ? frame.bytes : shape.bytes })
    }
    head.done(shape)
    this.shift()
  }

  private shapeOf(frame: Frame, formats: readonly number[]): Shape | null {
    if (frame.type === BACKEND.noData) return null
    this.demand(frame, BACKEND.rowDescription)
    return this.shape(formats.length === 0 ? frame.bytes : withFormats(frame.bytes, formats))
  }

  /** The same description again gives the same object, so that what was planned for it is kept. */
  shape(bytes: Buffer): Shape {
    const last = this.lastShape
    if (last?.bytes.equals(bytes)) return last
    const kept = Buffer.from(bytes)
    this.lastShape = { bytes: kept, fields: decodeRowDescription(kept) }
    return this.lastShape
  }

  /** The same, of a description that lies in a chunk. */
  shapeIn(chunk: Buffer, start: number, end: number): Shape {
    const last = this.lastShape
    if (last !== null && sameBytes(last.bytes, chunk, start, end)) return last
    return this.shape(chunk.subarray(start, end))
  }

  private executed(frame: Frame, head: Expectation & { kind: 'execute' }): void {
    switch (frame.type) {
      case BACKEND.dataRow:
        head.execution.shape ??= head.shape()
        return this.rows(frame, head.execution)
      case BACKEND.commandComplete:
        this.complete(frame, head.execution, head.visible)
        head.done(this.tagOf(frame.bytes).tag)
        return this.shift()
      case BACKEND.portalSuspended:
      case BACKEND.emptyQuery:
        if (head.visible) this.emit({ type: 'reply', bytes: frame.bytes })
        head.done(null)
        return this.shift()
      default:
        throw unexpected(frame.type)
    }
  }

  private queried(frame: Frame, head: Expectation & { kind: 'query' }): void {
    const execution = this.executionOf(head)
    this.checkOrder(frame)
    switch (frame.type) {
      case BACKEND.rowDescription: {
        const shape = this.shape(frame.bytes)
        if (execution === null) return
        this.describedIndex = this.queryIndex
        execution.shape = shape
        if (head.visible) this.emit({ type: 'reply', bytes: shape.bytes })
        return
      }
      case BACKEND.dataRow:
        if (execution === null) this.hiddenRows(frame)
        else this.rows(frame, execution)
        return
      case BACKEND.commandComplete:
        this.completeQuery(frame, head, execution)
        return
      case BACKEND.emptyQuery:
        if (head.visible) this.emit({ type: 'reply', bytes: frame.bytes })
        return
      case BACKEND.copyIn:
        this.copyIn = 'ready'
        this.copyInBytes = frame.bytes
        return
      case BACKEND.copyOut:
        this.copyingOut = true
        if (head.visible) this.emit({ type: 'reply', bytes: frame.bytes })
        return
      case BACKEND.copyData:
        this.copyRows(frame, execution)
        return
      case BACKEND.copyDone:
        if (!this.copyingOut || execution === null) throw unexpected(frame.type)
        this.copyingOut = false
        this.emit({ type: 'copy-done', execution })
        return
      case BACKEND.readyForQuery:
        // A query that neither failed nor did all its statements has not ended.
        if (!this.queryFailed && this.queryIndex < head.executions.length) {
          throw unexpected(frame.type)
        }
        return this.ready(frame)
      default:
        throw unexpected(frame.type)
    }
  }

  /** Rows and copies of one statement do not mix. */
  private checkOrder({ type }: Frame): void {
    if (this.copyingOut ? BESIDE_COPY.has(type) : this.hasRows && STARTS.has(type))
      throw unexpected(type)
  }

  private get hasRows(): boolean {
    return this.describedIndex === this.queryIndex
  }

  /** The first value, as text, of each row that answers the broker's own question. */
  private hiddenRows({ bytes, part }: Frame): void {
    if (part !== 'whole') throw new MalformedBytes('too large an answer')
    for (let at = 0; at < bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
      const cursor = new Cursor(bytes, at + HEADER)
      if (cursor.uint16() === 0) continue
      const length = cursor.int32()
      if (length >= 0) this.onHiddenRow?.(decodeUtf8(cursor.slice(length)))
    }
  }

  private completeQuery(
    frame: Frame,
    head: Expectation & { kind: 'query' },
    execution: Execution | null,
  ): void {
    this.copyIn = 'no'
    const { length } = head.executions
    if (length > 0 && this.queryIndex >= length) throw unexpected(frame.type)
    if (execution !== null) this.complete(frame, execution, head.visible)
    head.done(this.queryIndex, this.tagOf(frame.bytes).tag)
    this.queryIndex++
  }

  private executionOf(head: Expectation & { kind: 'query' }): Execution | null {
    const last = head.executions.length - 1
    return head.executions[Math.min(this.queryIndex, last)] ?? null
  }

  private rows(frame: Frame, execution: Execution): void {
    if (execution.shape === null) throw new MalformedBytes('rows without a description')
    const { bytes, count, part } = frame
    this.emit({ type: 'rows', execution, bytes, count, part: part as Part })
  }

  private copyRows(frame: Frame, execution: Execution | null): void {
    if (!this.copyingOut || execution === null) throw unexpected(frame.type)
    const { bytes, count, part } = frame
    this.emit({ type: 'copy-rows', execution, bytes, count, part: part as Part })
  }

  private complete(frame: Frame, execution: Execution, visible: boolean): void {
    const { tag, rows } = this.tagOf(frame.bytes)
    execution.rows = rows
    if (!visible) return
    if (execution.tag === null) this.emit({ type: 'complete', execution, tag, bytes: frame.bytes })
    else
      this.emit({
        type: 'complete',
        execution,
        tag: execution.tag,
        bytes: encodeCommandComplete(execution.tag),
      })
  }

  /** The same completion again, which is the rule, is not decoded again. */
  tagOf(bytes: Buffer): Tag {
    if (this.lastTag?.bytes.equals(bytes)) return this.lastTag
    const tag = decodeCommandTag(bytes)
    this.lastTag = { bytes: Buffer.from(bytes), tag, rows: rowsOfTag(tag) }
    return this.lastTag
  }

  /** The same, of one that lies in a chunk. */
  tagIn(chunk: Buffer, start: number, end: number): Tag {
    const last = this.lastTag
    if (last !== null && sameBytes(last.bytes, chunk, start, end)) return last
    return this.tagOf(chunk.subarray(start, end))
  }

  private failed(frame: Frame): void {
    const head = this.owed.first
    const visible = head === undefined || head.kind === 'sync' || isVisible(head)
    const fields = decodeErrorFields(frame.bytes)
    this.error = { fields, visible }
    this.copyIn = 'no'
    this.copyingOut = false
    this.emit({ type: 'error', execution: this.running, bytes: frame.bytes, visible, own: false })
    if (head === undefined) return
    if (head.kind === 'query') {
      this.queryFailed = true
      return
    }
    if (head.kind === 'parse') head.failed?.()
    this.skipToSync()
  }

  /** After an error of the extended protocol the target answers nothing until Sync. */
  private skipToSync(): void {
    while (this.owed.first !== undefined && this.owed.first.kind !== 'sync') this.owed.shift()
    if (this.owed.first === undefined) this.skipping = true
  }

  private ready(frame: Frame): void {
    this.demand(frame, BACKEND.readyForQuery)
    this.status = decodeReadyForQuery(frame.bytes)
    this.copyIn = 'no'
    this.queryIndex = 0
    this.queryFailed = false
    this.describedIndex = -1
    this.shift()
  }

  private demand(frame: Frame, type: number): void {
    if (frame.type !== type) throw unexpected(frame.type)
  }

  private shift(): void {
    this.owed.shift()
    this.answerLocals()
  }

  private answerLocals(): void {
    for (let head = this.owed.first; head?.kind === 'local'; head = this.owed.first) {
      this.emit({ type: 'reply', bytes: head.bytes })
      head.done()
      this.owed.shift()
    }
  }
}

/** What only the beginning of a statement's answer can be. */
const STARTS: ReadonlySet<number> = new Set([
  ...[BACKEND.rowDescription, BACKEND.copyIn, BACKEND.copyOut, BACKEND.emptyQuery],
])
const BESIDE_COPY: ReadonlySet<number> = new Set([
  ...STARTS,
  ...[BACKEND.dataRow, BACKEND.commandComplete, BACKEND.readyForQuery],
])

const GUARDED: ReadonlyMap<string, string> = new Map([
  ['default_transaction_read_only', 'on'],
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
])

function unexpected(type: number): MalformedBytes {
  return new MalformedBytes(`the target sent '${String.fromCharCode(type)}' out of turn`)
}
