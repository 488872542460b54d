import { MalformedBytes } from '../bytes/cursor.ts'
import type { Gate, GateInput } from '../gate.ts'
import { BACKEND_RULES, encodeError } from './backend.ts'
import {
  Broken,
  Closed,
  Conversation,
  type GateOptions,
  type Interrupt,
  type Output,
  type Resumed,
  type Step,
  type Wait,
} from './conversation.ts'
import { Direct } from './direct.ts'
import type { Answer, Question, Report } from './execution.ts'
import { finish, pipeline } from './extended.ts'
import { Framer } from './framer.ts'
import { decodeFrontend, FRONTEND_RULES, type FrontendMessage } from './frontend.ts'
import type { Extended } from './plan.ts'
import { closeImplicit, simpleQuery } from './simple.ts'

/**
 * The PostgreSQL gate. Starts when both sides are authenticated and the target is ready; speaks
 * only in whole messages that it understands.
 */
export class PostgresGate implements Gate<Question, Answer, Report> {
  private readonly c: Conversation
  private readonly fromClient = new Framer(FRONTEND_RULES)
  private readonly fromTarget = new Framer(BACKEND_RULES)
  private readonly inbox: FrontendMessage[] = []
  private inboxBytes = 0
  private readonly conversation: Step
  private readonly direct: Direct
  private wait: Wait | null = null
  private interrupt: Interrupt | null = null
  private abandoned = false
  private answers: { readonly id: number; readonly answer: Answer }[] = []
  private readonly spooled: (Buffer | null)[] = []
  private over = false

  constructor(options: GateOptions) {
    this.c = new Conversation(options)
    this.direct = new Direct(this.c)
    this.conversation = converse(this.c)
    this.step(undefined)
  }

  get waiting(): number {
    return this.inboxBytes
  }

  handle(input: GateInput<Answer>): readonly Output[] {
    this.c.out = []
    if (this.over) return this.c.out
    try {
      this.take(input)
    } catch (error) {
      this.end(error, input.type === 'target' ? 'target' : 'client')
      return this.c.out
    }
    try {
      this.go()
    } catch (error) {
      this.end(error, 'client')
    }
    return this.c.out
  }

  private take(input: GateInput<Answer>): void {
    switch (input.type) {
      case 'client':
        return this.takeClient(input.bytes)
      case 'target':
        return this.takeTarget(input.bytes)
      case 'answer':
        this.answers.push(input)
        return
      case 'renewed':
        this.c.renew()
        this.c.doubtInside()
        return
      case 'cancel':
        if (this.mayCancel()) this.interrupt ??= 'cancel'
        else if (!this.c.target.quiet) this.c.emit({ type: 'cancel-target', by: 'cancel' })
        return
      case 'client-closed':
        return this.leave()
      case 'target-closed':
        throw new TargetGone(input.why)
      case 'spooled':
        if (this.wait?.for === 'spool') this.spooled.push(input.bytes)
        return
      case 'spool-end':
        if (this.wait?.for === 'spool') this.spooled.push(null)
    }
  }

  private takeClient(bytes: Buffer): void {
    if (this.abandoned) return
    if (this.goDirectWith(bytes)) return
    this.fromClient.push(bytes)
    for (let frame = this.fromClient.next(); frame !== null; frame = this.fromClient.next()) {
      const message = decodeFrontend(frame)
      this.inbox.push(message)
      this.inboxBytes += roughSize(message)
      if (message.type === 'terminate') return this.leave()
    }
  }

  private takeTarget(bytes: Buffer): void {
    if (this.direct.answer(bytes, this.fromTarget.buffered === 0)) return
    this.fromTarget.push(bytes)
    for (let frame = this.fromTarget.next(); frame !== null; frame = this.fromTarget.next()) {
      this.c.target.receive(frame)
      this.checkGuard()
    }
  }

  /** A guarded setting that moves without the broker's doing ends the session (layer 2). */
  private checkGuard(): void {
    const moved = this.c.target.movedParameter(this.c.window)
    if (moved !== null) throw new GuardMoved(moved)
  }

  /** Nothing runs at the target that could be cancelled there. */
  private mayCancel(): boolean {
    return this.wait?.for === 'answer' || (this.wait?.for === 'client' && this.c.spooling)
  }

  /** Its connection has ended, or it said Terminate: nobody looks at what comes. */
  private leave(): void {
    this.interrupt = 'gone'
    if (!this.abandoned && this.runsForNobody()) this.abandon()
  }

  /** A read, that is: what was approved runs to its end, so that its outcome is known. */
  private runsForNobody(): boolean {
    const { target, approved } = this.c
    return approved === null && target.running?.facts?.class === 'read'
  }

  /** What runs is cancelled, and what was to follow it is not begun. */
  private abandon(): void {
    this.inbox.length = 0
    this.inboxBytes = 0
    this.abandoned = true
    this.c.emit({ type: 'cancel-target', by: 'gone' })
  }

  /** Steps on as long as what is waited for is there. */
  private go(): void {
    for (;;) {
      const resumed = this.satisfied()
      if (resumed === null) return
      this.step(resumed)
      if (this.over) return
    }
  }

  private satisfied(): Resumed | null {
    const { wait } = this
    switch (wait?.for) {
      case undefined:
        return null
      case 'client':
        return wait.idle && this.goDirect() ? null : this.nextMessage()
      case 'either':
        if (this.c.target.quiet) return QUIET
        return this.nextMessage()
      case 'target':
        return this.c.target.quiet || this.c.target.copyIn === 'ready' ? QUIET : null
      case 'answer':
        return this.nextAnswer(wait.id, wait.held)
      case 'spool':
        return this.nextSpooled()
    }
  }

  /** True: what the client sent last is on its way by the short path. */
  private goDirect(): boolean {
    const { direct, inbox } = this
    while (direct.isOver() && inbox.length > 0) {
      const used = direct.begin(inbox)
      if (used === 0) return false
      for (let i = 0; i < used; i++) this.inboxBytes -= roughSize(inbox.shift() as FrontendMessage)
    }
    return direct.isRunning
  }

  /** The same with bytes that nothing was made of yet: true where nothing stands before them. */
  private goDirectWith(bytes: Buffer): boolean {
    const { wait, direct } = this
    if (wait?.for !== 'client' || !wait.idle || this.inbox.length > 0) return false
    return this.fromClient.buffered === 0 && direct.isOver() && direct.beginWith(bytes)
  }

  private nextMessage(): Resumed | null {
    const message = this.inbox.shift()
    if (message !== undefined) {
      this.inboxBytes -= roughSize(message)
      return { type: 'message', message }
    }
    return this.interrupted()
  }

  /** A cancel is used up; who is gone stays gone. */
  private interrupted(): Resumed | null {
    const by = this.interrupt
    if (by === 'cancel') this.interrupt = null
    return by === null ? null : { type: 'interrupted', by }
  }

  /** A client that gives up is heard while people are asked; before, the answer is on its way. */
  private nextAnswer(id: number, held: boolean): Resumed | null {
    const answer = this.takeAnswer(id)
    if (answer !== undefined) {
      if (answer.kind !== 'held' && this.interrupt === 'cancel') this.interrupt = null
      return { type: 'answer', answer }
    }
    return held ? this.interrupted() : null
  }

  /** Answers to questions that were withdrawn are passed over. */
  private takeAnswer(id: number): Answer | undefined {
    let next = this.answers.shift()
    while (next !== undefined && next.id !== id) next = this.answers.shift()
    return next?.answer
  }

  private nextSpooled(): Resumed | null {
    if (this.c.target.quiet) return QUIET
    const bytes = this.spooled.shift()
    return bytes === undefined ? null : { type: 'spooled', bytes }
  }

  private step(resumed: Resumed | undefined): void {
    const next = this.conversation.next(resumed as Resumed)
    if (next.done === true) throw new Closed('the client ended the session')
    this.wait = next.value
  }

  private end(error: unknown, from: 'client' | 'target'): void {
    this.over = true
    const ended = describeEnd(error, from)
    const { approved: request } = this.c
    const { running } = this.c.target
    if (request !== null) {
      this.c.emit({ type: 'settled', request, status: 'unknown', sqlstate: null, rows: null })
    }
    if (ended.report !== null) {
      const bytes = encodeError({ severity: 'FATAL', ...ended.report })
      this.c.emit({ type: 'error', execution: running, bytes, visible: true, own: true })
    }
    this.c.emit({ type: 'close', fault: ended.fault, why: ended.why })
  }
}

class TargetGone extends Error {
  override readonly name = 'TargetGone'
}

class GuardMoved extends Error {
  override readonly name = 'GuardMoved'
}

interface End {
  readonly fault: 'none' | 'client' | 'target' | 'hoop'
  readonly why: string
  readonly report: { code: string; message: string; hint?: string } | null
}

function describeEnd(error: unknown, from: 'client' | 'target'): End {
  if (error instanceof MalformedBytes) {
    const message =
      from === 'client'
        ? `invalid message: ${error.message}`
        : `the target broke the protocol: ${error.message}`
    return { fault: from, why: message, report: { code: '08P01', message } }
  }
  if (error instanceof TargetGone) {
    const message = `the connection to the target is lost: ${error.message}`
    return { fault: 'target', why: message, report: { code: '57P01', message } }
  }
  if (error instanceof GuardMoved) {
    const message = `the session's protection was changed (${error.message})`
    return { fault: 'hoop', why: message, report: { code: '57P01', message } }
  }
  if (error instanceof Broken) {
    return { fault: 'hoop', why: error.message, report: { code: '58000', message: error.message } }
  }
  if (error instanceof Closed) return { fault: 'none', why: error.message, report: null }
  throw error
}

/** The whole conversation, as it is held with every client. */
function* converse(c: Conversation): Step {
  let messages: Extended[] = []
  let skipping = false
  let held = 0
  for (;;) {
    if (messages.length === 0) held = 0
    const message = yield* c.client(messages.length === 0 && !skipping)
    switch (message.type) {
      case 'terminate':
        return
      case 'query':
        // After an error of the extended protocol the server skips even Query, until Sync.
        if (!skipping) skipping = yield* pipelineBefore(c, messages)
        messages = []
        if (!skipping) yield* simpleQuery(c, message.text)
        break
      case 'parse':
      case 'bind':
      case 'describe':
      case 'execute':
      case 'close':
        if (skipping) break
        held += roughSize(message)
        if (held > PIPELINE_LIMIT || messages.length >= MOST_MESSAGES)
          throw new MalformedBytes('too much without a Sync')
        messages.push(message)
        break
      case 'flush':
        if (!skipping) skipping = yield* pipeline(c, messages, 'flush')
        messages = []
        break
      case 'sync':
        if (skipping) {
          yield* finish(c, 'sync')
          skipping = false
        } else skipping = yield* pipeline(c, messages, 'sync')
        messages = []
        break
      case 'function-call':
        if (!skipping) skipping = yield* pipelineBefore(c, messages)
        messages = []
        if (skipping) break
        yield* c.fail(NO_FUNCTION_CALL)
        c.ready()
        break
      case 'copy-data':
      case 'copy-done':
      case 'copy-fail':
        // As the server does: left over from a copy that has failed.
        break
    }
  }
}

/**
 * Extended messages without Sync before another message: done first, as the server would have.
 * True: they failed, and the client is skipped to its next Sync.
 */
function* pipelineBefore(c: Conversation, messages: readonly Extended[]): Step<boolean> {
  if (messages.length === 0) return false
  const failed = yield* pipeline(c, messages, 'flush')
  if (!failed) yield* closeImplicit(c)
  return failed
}

/** Of the smallest message, as objects. */
const OVERHEAD = 256

/** What a message keeps in memory, near enough to bound the inbox. */
function roughSize(message: FrontendMessage): number {
  switch (message.type) {
    case 'query':
    case 'parse':
      return message.text.length + OVERHEAD
    case 'bind':
      return message.tail.bytes.length + OVERHEAD
    case 'copy-data':
      return message.bytes.length + OVERHEAD
    default:
      return OVERHEAD
  }
}

/** Bytes of extended messages that are kept until Sync or Flush. */
const PIPELINE_LIMIT = 0x3fffffff
const MOST_MESSAGES = 500_000

const QUIET: Resumed = { type: 'quiet' }

const NO_FUNCTION_CALL = {
  code: '0A000',
  message: 'function call messages, by which clients reach large objects, are not supported',
  hint: 'pg_dump: leave large objects out with -B; else use SQL: SELECT lo_get(OID) reads one, SELECT lo_put(…) is held as a write',
}
