import type { ExecEvent } from '../../protocol/api/exec.ts'
import { Cursor } from '../../protocol/bytes/cursor.ts'
import {
  BACKEND,
  BACKEND_RULES,
  decodeCommandTag,
  decodeErrorFields,
  decodeRowDescription,
  rowsOfTag,
} from '../../protocol/pg/backend.ts'
import type { Shape } from '../../protocol/pg/execution.ts'
import { type Frame, Framer, HEADER } from '../../protocol/pg/framer.ts'
import { FrontendWriter } from '../../protocol/pg/frontend.ts'
import type { SessionEvent } from '../../protocol/tunnel/messages.ts'
import type { Present } from '../identity/presence.ts'
import type { Principal } from '../identity/principal.ts'
import type { RowPlan } from '../masking/plan.ts'
import type { ClientEnd } from './client-end.ts'

/** Rows that are handed on together. */
const BATCH = 200
/** Events that wait to be read before the target is not read any more. */
const QUEUE = 64

export interface TargetFailure {
  readonly sqlstate: string
  readonly message: string
  readonly hint: string | null
  readonly fatal: boolean
  /** Said by the broker: a server names the routine that its error comes from. */
  readonly own: boolean
}

/**
 * The broker's own client, for `hoop exec`: sends one text as a simple query and reads what any
 * client would get: masked, after the record.
 */
export class ExecClient implements ClientEnd {
  failure: TargetFailure | null = null
  /** Rows that were changed or returned, all statements together; null = none was counted. */
  rowCount: number | null = null
  private readonly present: Pick<Present, 'who' | 'fresh'>
  private readonly typeName: (oid: number) => string
  private readonly framer = new Framer({ ...BACKEND_RULES, stream: new Set() })
  private readonly events: ExecEvent[] = []
  private masked: RowPlan | null = null
  private plan: { readonly bytes: Buffer; readonly plan: RowPlan } | null = null
  private fields: ReturnType<typeof decodeRowDescription> | null = null
  private batch: (string | null)[][] = []
  private readyCount = 0
  private finished = false
  private wake: (() => void) | null = null
  private give: (bytes: Buffer) => void = () => undefined
  private drained: () => void = () => undefined
  private gone: (why: string) => void = () => undefined

  constructor(present: Pick<Present, 'who' | 'fresh'>, typeName: (oid: number) => string) {
    this.present = present
    this.typeName = typeName
  }

  principal(): Principal {
    return this.present.who
  }

  fresh(signal: AbortSignal): Promise<Principal> {
    return this.present.fresh(signal)
  }

  /** The caller does that by itself. */
  keepFresh(): () => void {
    return () => undefined
  }

  onData(handler: (bytes: Buffer) => void): void {
    this.give = handler
  }

  onDrain(handler: () => void): void {
    this.drained = handler
  }

  onClose(handler: (why: string) => void): void {
    this.gone = handler
  }

  /** One text is short against a token's life; the request itself was authenticated. */
  onExpired(): void {
    return
  }

  pause(): void {
    return
  }

  resume(): void {
    return
  }

  event(event: SessionEvent): void {
    if (event.event === 'closed') this.finish()
  }

  close(): void {
    this.finish()
  }

  /** The plan for rows of this shape is made; their description comes next. */
  planned({ bytes }: Shape, plan: RowPlan): void {
    this.plan = { bytes, plan }
  }

  query(text: Buffer): void {
    this.give(new FrontendWriter().query(text).finish())
  }

  abandon(): void {
    this.gone('the caller is gone')
  }

  terminate(): void {
    this.give(TERMINATE)
  }

  write(bytes: Buffer): boolean {
    this.framer.push(bytes)
    for (let frame = this.framer.next(); frame !== null; frame = this.framer.next())
      this.take(frame)
    this.wake?.()
    return this.events.length < QUEUE
  }

  /** Everything until the query has ended. */
  async *results(): AsyncGenerator<ExecEvent> {
    for (;;) {
      const event = this.events.shift()
      if (event !== undefined) {
        yield event
        continue
      }
      if (this.finished) return
      this.drained()
      if (this.events.length > 0 || this.finished) continue
      const { promise, resolve } = Promise.withResolvers<void>()
      this.wake = resolve
      await promise
      this.wake = null
    }
  }

  private finish(): void {
    this.finished = true
    this.wake?.()
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case BACKEND.rowDescription:
        this.fields = decodeRowDescription(frame.bytes)
        this.masked = this.plan?.bytes.equals(frame.bytes) ? this.plan.plan : null
        return
      case BACKEND.dataRow:
        return this.row(frame.bytes)
      case BACKEND.copyOut:
        this.fields = [COPY_FIELD]
        return
      case BACKEND.copyData:
        return this.add([frame.bytes.subarray(HEADER).toString('utf8').replace(/\n$/, '')])
      case BACKEND.copyIn:
        this.give(new FrontendWriter().copyFail('hoop exec has no data to copy').finish())
        return
      case BACKEND.commandComplete:
        return this.complete(decodeCommandTag(frame.bytes))
      case BACKEND.notice: {
        const fields = decodeErrorFields(frame.bytes)
        const severity = fields.get('S') ?? 'NOTICE'
        this.events.push({ event: 'notice', severity, message: fields.get('M') ?? '' })
        return
      }
      case BACKEND.error:
        return this.fail(frame.bytes)
      case BACKEND.readyForQuery:
        // The first is the greeting's.
        if (++this.readyCount > 1) this.finish()
    }
  }

  private row(bytes: Buffer): void {
    const cursor = new Cursor(bytes, HEADER)
    const row: (string | null)[] = []
    for (let left = cursor.uint16(); left > 0; left--) {
      const length = cursor.int32()
      row.push(length === -1 ? null : cursor.slice(length).toString('utf8'))
    }
    this.add(row)
  }

  private add(row: (string | null)[]): void {
    this.openResult()
    this.batch.push(row)
    if (this.batch.length >= BATCH) this.flush()
  }

  private openResult(): void {
    if (this.fields === null) return
    const fields = this.fields.map((field, index) => ({
      name: field.name,
      type: this.typeName(field.type),
      masked: this.masked?.masked[index] ?? false,
    }))
    this.fields = null
    this.events.push({ event: 'result', fields })
  }

  private flush(): void {
    if (this.batch.length === 0) return
    this.events.push({ event: 'rows', rows: this.batch })
    this.batch = []
  }

  private complete(tag: string): void {
    this.openResult()
    this.flush()
    const rows = rowsOfTag(tag)
    if (rows !== null) this.rowCount = (this.rowCount ?? 0) + rows
    const command = tag.replace(/(?: \d+)+$/, '')
    this.events.push({ event: 'complete', command, row_count: rows })
  }

  private fail(bytes: Buffer): void {
    this.flush()
    const fields = decodeErrorFields(bytes)
    this.failure = {
      own: !fields.has('R'),
      sqlstate: fields.get('C') ?? 'XX000',
      message: [fields.get('M'), fields.get('D')].filter((text) => text !== undefined).join(' — '),
      hint: fields.get('H') ?? null,
      fatal: fields.get('V') === 'FATAL',
    }
  }
}

const COPY_FIELD = { name: 'copy', table: 0, column: 0, type: 25, format: 0 }
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4])
