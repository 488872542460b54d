import type { GateInput } from '../../protocol/gate.ts'
import type { NewEntry } from '../../protocol/log/entries.ts'
import { encodeError, encodeParameterStatus } from '../../protocol/pg/backend.ts'
import type { Output } from '../../protocol/pg/conversation.ts'
import type { Answer, Report } from '../../protocol/pg/execution.ts'
import type { PostgresGate } from '../../protocol/pg/gate.ts'
import type { SessionRecorder } from '../recorder/recorder.ts'
import type { Upstream } from '../upstream/postgres.ts'
import type { ClientEnd } from './client-end.ts'
import type { Judge } from './judge.ts'
import type { Results } from './results.ts'
import type { Spool } from './spool.ts'
import { atEndOfTurn } from './turn.ts'

/** Client messages that wait for their turn, in bytes, before the client is not read any more. */
const INBOX_LIMIT = 1 << 20

export interface PumpParts {
  readonly gate: PostgresGate
  readonly client: ClientEnd
  readonly upstream: Upstream
  readonly recorder: SessionRecorder
  readonly judge: Judge
  readonly results: Results
  readonly spool: Spool
  /** Of the analyst: another number when what it said may not be right any more. */
  readonly epoch: () => number
  /** Once, when everything is over. */
  readonly onEnd: (why: string) => void
  /** A bug: for the log of the broker, never for the client. */
  readonly onFault: (error: unknown) => void
}

/**
 * The one loop of a session. Whatever comes in goes through the gate; what comes out of it is first
 * recorded, then released, in this order and nowhere else:
 *
 *   understand (gate) → judge → record → send → answer (gate) → mask → record → reply
 *
 * What known reads come to is released at the end of the event loop's turn, or before the session's next input.
 */
export class Pump {
  private readonly parts: PumpParts
  private readonly entries: NewEntry[] = []
  private readonly toClient: Buffer[] = []
  private readonly toTarget: Buffer[] = []
  private epoch: number
  private targetFull = false
  /** The client does not take what it was sent: nor is more taken from it. */
  private clientFull = false
  private clientPaused = false
  /** Nobody takes what comes: it is read to its end, recorded and dropped. */
  private gone = false
  private replaying = false
  private ended = false
  /** Something was put out that is not released yet. */
  private owes = false
  /** It may wait for the end of the turn: nobody else knows of it, or writes to the record. */
  private mayWait = false

  constructor(parts: PumpParts) {
    this.parts = parts
    this.epoch = parts.epoch()
    const { client, upstream } = parts
    upstream.onData((bytes) => this.feed({ type: 'target', bytes }))
    upstream.onClose((why) => this.feed({ type: 'target-closed', why }))
    upstream.onDrain(() => this.targetDrained())
    client.onDrain(() => this.clientDrained())
    client.onClose(() => this.clientGone())
    client.onExpired(() => this.kill(EXPIRED.message, EXPIRED.hint))
    client.onData((bytes) => this.feed({ type: 'client', bytes }))
  }

  cancel(): void {
    this.feed({ type: 'cancel' })
  }

  /** Ends the session now, and tells the client why. */
  kill(message: string, hint?: string): void {
    if (this.ended) return
    const report = { severity: 'FATAL', code: '57P01', message } as const
    this.toClient.push(encodeError(hint === undefined ? report : { ...report, hint }))
    this.end(message)
  }

  /** The same, and what runs at the target is cut off. */
  stop(message: string, hint?: string): void {
    if (this.ended) return
    this.note('cancel', message)
    this.parts.upstream.cancel().catch(this.parts.onFault)
    this.kill(message, hint)
  }

  private feed(input: GateInput<Answer>): void {
    this.catchUp()
    if (this.ended) return
    try {
      this.mayWait = input.type === 'client' || input.type === 'target'
      this.renew()
      this.handle(this.parts.gate.handle(input))
      this.owes = !this.ended
      if (this.mayWait) atEndOfTurn(this.catchUp)
      else this.catchUp()
    } catch (error) {
      this.broken(error)
    }
  }

  /** Releases what the last input came to, before another one is looked at. */
  private readonly catchUp = (): void => {
    if (!this.owes) return
    this.owes = false
    if (this.ended) return
    try {
      this.release()
    } catch (error) {
      this.broken(error)
    }
  }

  private renew(): void {
    const epoch = this.parts.epoch()
    if (epoch === this.epoch) return
    this.epoch = epoch
    this.handle(this.parts.gate.handle({ type: 'renewed' }))
  }

  private handle(outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (this.ended) return
      if (!ORDINARY.has(output.type)) this.mayWait = false
      this.one(output)
    }
  }

  private one(output: Output): void {
    const { results, spool, judge } = this.parts
    switch (output.type) {
      case 'send':
        this.toTarget.push(output.bytes)
        return
      case 'reply':
        this.toClient.push(output.bytes)
        return
      case 'ask':
        this.ask(output)
        return
      case 'known':
        judge.note(output.question, output.answer, this.entries)
        return
      case 'withdraw':
        judge.withdraw(output.id, output.why)
        return
      case 'cancel-target':
        this.note('cancel', CANCELLED_BY[output.by])
        this.parts.upstream.cancel().catch(this.parts.onFault)
        return
      case 'spool':
        spool.append(output.bytes)
        return
      case 'replay':
        this.replay()
        return
      case 'unspool':
        this.replaying = false
        spool.clear()
        return
      case 'parameter':
        this.parameter(output)
        return
      case 'settled':
        judge.settle(output)
        return
      case 'changed':
        results.transactionOver()
        return
      case 'close':
        this.end(output.why)
        return
      default:
        results.take(output, this.entries, this.toClient)
    }
  }

  private ask(output: Extract<Output, { type: 'ask' }>): void {
    const { judge, gate } = this.parts
    const answer = judge.answer(output.id, output.question, this.entries, (later) =>
      this.feed({ type: 'answer', id: output.id, answer: later }),
    )
    // Known at once (analysed before, allowed or denied by rule): no turn of the event loop.
    if (answer !== null) this.handle(gate.handle({ type: 'answer', id: output.id, answer }))
  }

  /** Recorded first; if that fails nothing is released, and the session ends. */
  private release(): void {
    const { recorder, upstream, client, gate } = this.parts
    this.record(recorder)
    if (this.toTarget.length > 0) this.targetFull = !upstream.write(joined(this.toTarget))
    if (this.gone) this.toClient.length = 0
    if (this.toClient.length > 0 && !writeAll(client, this.toClient)) {
      this.clientFull = true
      upstream.pause()
    }
    const pause = this.targetFull || this.clientFull || gate.waiting > INBOX_LIMIT
    if (pause === this.clientPaused) return
    this.clientPaused = pause
    if (pause) client.pause()
    else client.resume()
  }

  private record(recorder: SessionRecorder): void {
    if (this.entries.length === 0) return
    recorder.append(this.entries)
    this.entries.length = 0
  }

  private clientGone(): void {
    this.gone = true
    this.clientFull = false
    this.parts.upstream.resume()
    this.feed({ type: 'client-closed' })
  }

  private clientDrained(): void {
    this.clientFull = false
    this.parts.upstream.resume()
    if (!this.ended) this.release()
  }

  private targetDrained(): void {
    this.targetFull = false
    if (this.ended) return
    if (this.replaying) this.replayMore()
    this.release()
  }

  private replay(): void {
    this.replaying = true
    this.parts.spool.rewind()
    queueMicrotask(() => this.replayMore())
  }

  /** Feeds spooled bytes as fast as the target takes them. */
  private replayMore(): void {
    while (this.replaying && !this.targetFull && !this.ended) {
      const bytes = this.parts.spool.read()
      if (bytes === null) {
        this.replaying = false
        this.feed({ type: 'spool-end' })
        return
      }
      this.feed({ type: 'spooled', bytes })
    }
  }

  private parameter({ name, value, execution }: Extract<Report, { type: 'parameter' }>): void {
    if (!SHOWN_PARAMETERS.has(name)) return
    if (FREE_PARAMETERS.has(name) && this.parts.results.mayTell(execution)) return
    this.entries.push({ kind: 'parameter', name, value })
    this.toClient.push(encodeParameterStatus(name, value))
  }

  private note(name: string, detail: string): void {
    this.entries.push({ kind: 'other', name, detail })
  }

  private broken(error: unknown): void {
    this.parts.onFault(error)
    // What was not recorded is not released.
    this.entries.length = 0
    this.toTarget.length = 0
    this.toClient.length = 0
    this.kill('the session was ended: it cannot go on safely', 'see the log of the broker')
  }

  private end(why: string): void {
    if (this.ended) return
    this.ended = true
    const { recorder, client, upstream, judge, spool, results } = this.parts
    try {
      results.end(this.entries)
      this.record(recorder)
      writeAll(client, this.toClient)
    } catch (error) {
      this.parts.onFault(error)
    }
    judge.close(why)
    spool.clear()
    client.event({ event: 'closed', message: why, at: judge.now() })
    client.close()
    upstream.end()
    recorder.close(why)
    this.parts.onEnd(why)
  }
}

/** All that the short path of a known read puts out (protocol/pg/direct.ts). */
const ORDINARY: ReadonlySet<Output['type']> = new Set(['known', 'send', 'answer', 'reply'])

const CANCELLED_BY = { cancel: 'asked for by the client', gone: 'the client is gone' } as const

/** Of these, who runs code can set them to any text. */
const FREE_PARAMETERS: ReadonlySet<string> = new Set(['application_name', 'TimeZone'])

/** Settings that a server reports by itself and whose values are no data. */
export const SHOWN_PARAMETERS: ReadonlySet<string> = new Set([
  'server_version',
  'server_encoding',
  'client_encoding',
  'application_name',
  'is_superuser',
  'session_authorization',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
  'in_hot_standby',
  'scram_iterations',
])

const EXPIRED = {
  message: 'your login has expired and could not be renewed',
  hint: 'run `hoop login`, then connect again',
}

/** Below this a copy is cheaper than another write. */
const JOIN_LIMIT = 16_384

/** What the list holds, as one buffer; the list is empty then. */
function joined(buffers: Buffer[]): Buffer {
  const all = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers)
  buffers.length = 0
  return all
}

function writeAll(client: ClientEnd, buffers: Buffer[]): boolean {
  let total = 0
  for (const each of buffers) total += each.length
  if (total === 0) {
    buffers.length = 0
    return true
  }
  if (total <= JOIN_LIMIT) return client.write(joined(buffers))
  let open = true
  for (const each of buffers.splice(0)) open = client.write(each)
  return open
}
