import { BIND_COMPLETE, CLOSE_COMPLETE, NO_DATA, PARSE_COMPLETE } from './backend.ts'
import type { Conversation } from './conversation.ts'
import type { BindTail } from './frontend.ts'
import type { Portal, Prepared } from './names.ts'
import { changes, type ExecuteOp, localCommand, type Op } from './plan.ts'

/**
 * Sends one message of a pipeline under the broker's names and notes what the target owes for it.
 * `defer`: no Bind goes out, whatever it binds.
 */
export function sendOp(c: Conversation, op: Op, defer = false): void {
  closeGarbage(c)
  switch (op.op) {
    case 'parse':
      return sendParse(c, op)
    case 'bind':
      return sendBind(c, op.name, op.portal, defer)
    case 'describe-statement':
      if (localCommand(op.prepared) !== null) return noData(c, true)
      c.writer.describe('statement', op.prepared.upstream)
      c.target.expect({
        kind: 'describe',
        visible: true,
        what: 'statement',
        formats: [],
        done: nothing,
      })
      return
    case 'describe-portal':
      return describePortal(c, op.portal)
    case 'execute':
      return sendExecute(c, op, false)
    case 'close-statement':
      return closeStatement(c, op.name, op.prepared)
    case 'close-portal':
      return closePortal(c, op.name, op.portal)
    case 'fail':
      return
  }
}

/** Whether the target hears of it; the gate answers the rest by itself. */
export function concernsTarget(op: Op, defer: boolean): boolean {
  switch (op.op) {
    case 'bind': {
      const { prepared } = op.portal
      return !defer && localCommand(prepared) === null && !changes(prepared)
    }
    case 'parse':
    case 'describe-statement':
      return localCommand(op.prepared) === null
    case 'describe-portal':
      return localCommand(op.portal.prepared) === null
    case 'close-statement':
      return op.prepared?.origin === 'sql'
    case 'close-portal':
      return op.portal !== null && !op.portal.deferred
    case 'execute':
      return true
    case 'fail':
      return false
  }
}

function sendParse(c: Conversation, op: Extract<Op, { op: 'parse' }>): void {
  const { name, prepared } = op
  const known = (): void => c.names.setStatement(name, prepared)
  if (localCommand(prepared) !== null) return answer(c, PARSE_COMPLETE, known)
  c.writer.parse(prepared.upstream, prepared.sentText, prepared.types)
  const done = (): void => {
    prepared.onTarget = true
    known()
  }
  // Without a name it ends the one before it even if it fails.
  const failed = (): void => {
    if (name === '') c.names.dropStatement('')
  }
  c.target.expect({ kind: 'parse', visible: true, done, failed })
}

function sendBind(c: Conversation, name: string, portal: Portal, defer: boolean): void {
  const known = (): void => {
    c.names.portals.set(name, portal)
  }
  if (localCommand(portal.prepared) !== null) return answer(c, BIND_COMPLETE, known)
  portal.deferred = defer || changes(portal.prepared)
  if (portal.deferred) answer(c, BIND_COMPLETE, known)
  else bind(c, portal, { visible: true, done: known })
}

function bind(
  c: Conversation,
  portal: Portal,
  answered: { readonly visible: boolean; readonly errors?: boolean; readonly done: () => void },
): void {
  portal.deferred = false
  c.writer.bind(portal.upstream, portal.prepared.upstream, tailOf(portal).bytes)
  c.target.expect({ kind: 'bind', ...answered })
}

function describePortal(c: Conversation, portal: Portal): void {
  const { prepared } = portal
  if (localCommand(prepared) !== null) return noData(c, false)
  if (!portal.deferred) return describe(c, portal, true)
  c.writer.describe('statement', prepared.upstream)
  const formats = portal.tail?.resultFormats ?? []
  const what = 'statement-as-portal'
  c.target.expect({ kind: 'describe', visible: true, what, formats, done: nothing })
}

function describe(c: Conversation, portal: Portal, visible: boolean): void {
  c.writer.describe('portal', portal.upstream)
  const done: (shape: Portal['shape']) => void = (shape) => {
    portal.shape = shape
  }
  // Not asked for by the client, but an error of it ends what the client did ask for.
  c.target.expect({ kind: 'describe', visible, errors: true, what: 'portal', formats: [], done })
  portal.shape = null
}

/**
 * Execute, described just before it: rows are judged by the shape they have now. A unit's statement
 * is bound here, and runs to its end.
 */
export function sendExecute(c: Conversation, op: ExecuteOp, inUnit: boolean): void {
  closeGarbage(c)
  const { portal, execution } = op
  if (portal.deferred) bind(c, portal, { visible: false, errors: true, done: nothing })
  if (portal.shape === undefined) describe(c, portal, false)
  c.writer.execute(portal.upstream, inUnit ? 0 : op.maxRows)
  c.target.expect({
    kind: 'execute',
    visible: true,
    execution,
    shape: () => portal.shape ?? null,
    done: (tag) => {
      if (tag !== null) op.statement?.done(c)
    },
  })
}

/** What Parse made is closed along the way, later; what PREPARE made has a name that may come again. */
function closeStatement(c: Conversation, name: string, prepared: Prepared | null): void {
  const done = (): void => {
    c.names.dropStatement(name)
  }
  if (prepared?.origin !== 'sql') return answer(c, CLOSE_COMPLETE, done)
  c.writer.closeObject('statement', prepared.upstream)
  c.target.expect({ kind: 'close', visible: true, done })
}

function closePortal(c: Conversation, name: string, portal: Portal | null): void {
  const done = (): void => {
    c.names.portals.delete(name)
  }
  if (portal === null || portal.deferred || localCommand(portal.prepared) !== null) {
    return answer(c, CLOSE_COMPLETE, done)
  }
  c.writer.closeObject('portal', portal.upstream)
  c.target.expect({ kind: 'close', visible: true, done })
}

function noData(c: Conversation, parameters: boolean): void {
  if (parameters) answer(c, NO_PARAMETERS)
  answer(c, NO_DATA)
}

function answer(c: Conversation, bytes: Buffer, done: () => void = nothing): void {
  c.target.expect({ kind: 'local', bytes, done })
}

/** Statements that no name leads to any more are closed along the way. */
function closeGarbage(c: Conversation): void {
  for (const upstream of c.names.takeGarbage()) {
    c.writer.closeObject('statement', upstream)
    c.target.expect({ kind: 'close', visible: false, done: nothing })
  }
}

function tailOf(portal: Portal): BindTail {
  if (portal.tail === null) throw new Error('a portal of SQL is not bound')
  return portal.tail
}

/** ParameterDescription of no parameters. */
const NO_PARAMETERS = Buffer.from([0x74, 0, 0, 0, 6, 0, 0])
const nothing = (): void => undefined
