import { MalformedBytes } from '../bytes/cursor.ts'
import { encodeCopyIn } from './backend.ts'
import { ensureGuard } from './control.ts'
import { Closed, type Conversation, type Step } from './conversation.ts'
import type { Execution } from './execution.ts'
import type { FrontendMessage } from './frontend.ts'
import { decideAndRun, refusedInReadOnlyBlock, runDecided, sendQuery, unitOf } from './run.ts'
import type { Command } from './statement.ts'

type CopyIn = Extract<Command, { type: 'copy-in' }>
type CopyOut = Extract<Command, { type: 'copy-out' }>

/**
 * COPY FROM STDIN. What must be approved is spooled first, so that the approver decides over the
 * data and exactly those bytes are sent; what may run at once is streamed.
 */
export function* copyIn(c: Conversation, command: CopyIn, execution: Execution): Step<boolean> {
  const unit = unitOf(c, execution.text, [execution])
  if (yield* refusedInReadOnlyBlock(c, unit)) return false
  switch (yield* c.permission(unit, true)) {
    case 'no':
      return false
    case 'allow':
      return yield* decideAndRun(c, unit, () => streamed(c, execution))
    case 'held':
      return yield* held(c, command, execution)
  }
}

function* held(c: Conversation, command: CopyIn, execution: Execution): Step<boolean> {
  c.reply(encodeCopyIn(command.options.format === 'binary', command.columns ?? 0))
  c.copied = true
  c.spooling = true
  const failed = yield* spool(c)
  c.spooling = false
  if (failed !== null) {
    c.emit({ type: 'unspool' })
    yield* c.fail({ code: '57014', message: failed }, execution)
    return false
  }
  const unit = unitOf(c, execution.text, [execution], { spooled: true })
  const allowed = (yield* c.permission(unit)) === 'allow'
  const ok = allowed && (yield* runDecided(c, unit, () => replayed(c, execution)))
  c.emit({ type: 'unspool' })
  return ok
}

/** Keeps the client's data until CopyDone. Returns why there is none if it gave up, else null. */
function* spool(c: Conversation): Step<string | null> {
  for (;;) {
    const resumed = yield CLIENT
    if (resumed.type === 'interrupted' && resumed.by === 'cancel') return CANCELLED
    if (resumed.type !== 'message') throw new Closed('the client is gone')
    const { message } = resumed
    switch (message.type) {
      case 'copy-data':
        c.emit({ type: 'spool', bytes: message.bytes })
        break
      case 'copy-done':
        return null
      case 'copy-fail':
        return `COPY from stdin failed: ${message.reason}`
      case 'sync':
      case 'flush':
        break
      default:
        throw outOfPlace(message)
    }
  }
}

/** As the server: whoever does not keep to COPY has lost the thread, and is hung up on. */
function outOfPlace(message: FrontendMessage): Error {
  if (message.type === 'terminate') return new Closed('the client is gone')
  return new MalformedBytes(`unexpected ${message.type} during COPY from stdin`)
}

/** COPY commits by itself, so that a bound on its rows must hold before (see Judge). */
function* started(c: Conversation, execution: Execution): Step<boolean> {
  c.writer.query(execution.text)
  c.target.expect({ kind: 'query', visible: true, executions: [execution], done: nothing })
  return yield* c.copyReady()
}

function* replayed(c: Conversation, execution: Execution): Step {
  if (!(yield* started(c, execution))) return yield* c.answered()
  c.emit({ type: 'replay' })
  while (!c.target.quiet) {
    const resumed = yield SPOOL
    if (resumed.type !== 'spooled') break
    if (resumed.bytes === null) {
      c.target.copyIn = 'no'
      c.writer.copyDone()
      return yield* c.answered()
    }
    sendData(c, execution, resumed.bytes)
  }
  yield* c.answered()
}

function sendData(c: Conversation, execution: Execution, bytes: Buffer): void {
  c.emit({ type: 'copied', execution, bytes })
  c.writer.copyData(bytes)
  c.send()
}

function* streamed(c: Conversation, execution: Execution): Step {
  if (!(yield* started(c, execution))) return yield* c.answered()
  if (c.target.copyInBytes !== null) c.reply(c.target.copyInBytes)
  c.copied = true
  for (;;) {
    const message = yield* c.clientUnlessQuiet()
    if (message === null) return
    switch (message.type) {
      case 'copy-data':
        sendData(c, execution, message.bytes)
        break
      case 'copy-done':
        c.target.copyIn = 'no'
        c.writer.copyDone()
        return yield* c.answered()
      case 'copy-fail':
        c.target.copyIn = 'no'
        c.writer.copyFail(message.reason)
        return yield* c.answered()
      case 'sync':
      case 'flush':
        break
      default:
        throw outOfPlace(message)
    }
  }
}

/** COPY TO STDOUT has no RowDescription: a SELECT with the same columns tells where they are from. */
export function* copyOut(c: Conversation, command: CopyOut, execution: Execution): Step<boolean> {
  const unit = unitOf(c, execution.text, [execution])
  return yield* decideAndRun(c, unit, function* () {
    if (command.query !== '' && !(yield* describe(c, Buffer.from(command.query), execution))) return
    yield* sendQuery(c, execution.text, [], [execution])
  })
}

function* describe(c: Conversation, query: Buffer, execution: Execution): Step<boolean> {
  ensureGuardUnlessOpen(c)
  const upstream = c.names.fresh()
  c.writer.parse(upstream, query, NO_BYTES).describe('statement', upstream)
  c.writer.closeObject('statement', upstream).sync()
  c.target.expect({ kind: 'parse', visible: false, errors: true, done: nothing })
  c.target.expect({
    kind: 'describe',
    visible: false,
    what: 'statement',
    formats: [],
    done: (shape) => {
      execution.shape = shape
    },
  })
  c.target.expect({ kind: 'close', visible: false, done: nothing })
  c.target.expect({ kind: 'sync' })
  yield* c.answered()
  return c.target.error === null
}

function ensureGuardUnlessOpen(c: Conversation): void {
  if (!c.window) ensureGuard(c)
}

const CLIENT = { for: 'client', idle: false } as const
const SPOOL = { for: 'spool' } as const
const CANCELLED = 'canceling statement due to user request'
const NO_BYTES = Buffer.alloc(0)
const nothing = (): void => undefined
