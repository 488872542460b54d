import { MalformedBytes } from '../bytes/cursor.ts'
import { withinBound } from './bounded.ts'
import { asControl, ensureGuard } from './control.ts'
import type { Conversation, Step } from './conversation.ts'
import { copyIn, copyOut } from './copy.ts'
import type { Execution } from './execution.ts'
import { changes, type ExecuteOp, type Extended, needsUnit, type Op, plan } from './plan.ts'
import type { Refused } from './resolve.ts'
import { ABORTED, refusedInReadOnlyBlock, unitOf } from './run.ts'
import { concernsTarget, sendExecute, sendOp } from './send.ts'
import { closeImplicit, controlled } from './simple.ts'
import { runUnit, settle } from './unit.ts'

export type PipelineEnd = 'sync' | 'flush'

/**
 * The extended protocol, taken whole from one Sync or Flush to the next. True: an error happened,
 * and the client is skipped to its next Sync. A Sync that comes while copy data are awaited means
 * nothing: COPY is ended by the next one.
 */
export function* pipeline(
  c: Conversation,
  messages: readonly Extended[],
  end: PipelineEnd,
): Step<boolean> {
  c.target.error = null
  c.copied = false
  const ops = yield* plan(c, messages)
  yield* run(c, ops, end)
  const failed = c.target.error !== null
  const ended = c.copied ? 'flush' : end
  yield* finish(c, ended)
  return failed && ended === 'flush'
}

/** Sync ends the implicit transaction and is answered by ReadyForQuery, whatever went before. */
export function* finish(c: Conversation, end: PipelineEnd): Step {
  if (end === 'flush') return
  yield* closeImplicit(c)
  if (c.status === 'I') c.names.endTransaction()
  c.ready()
}

/** Runs the messages piece by piece; a piece is what can be sent and decided together. */
function* run(c: Conversation, ops: readonly Op[], end: PipelineEnd): Step {
  let from = 0
  while (from < ops.length && c.target.error === null) {
    const to = pieceEnd(c, ops, from)
    const doomed = failsAfter(c, ops, from, to)
    if (doomed !== null) return yield* c.fail(doomed)
    yield* piece(c, ops.slice(from, to), end === 'sync' && to === ops.length)
    if (c.copied && to < ops.length) throw new MalformedBytes('messages during COPY from stdin')
    from = to
  }
}

/**
 * Outside a block all up to Sync is one transaction: what changes and is followed by an error would
 * be undone. So it is not done, and nobody is asked about it.
 */
function failsAfter(c: Conversation, ops: readonly Op[], from: number, to: number): Refused | null {
  const next = ops[to]
  if (c.status !== 'I' || next?.op !== 'fail') return null
  return ops.slice(from, to).some(needsUnit) ? next.refused : null
}

/**
 * Broker-said commands and failures stand alone. In a block what changes is apart from what reads:
 * writes that follow one another (a driver's batch) are one unit, as they are outside of a block.
 */
function pieceEnd(c: Conversation, ops: readonly Op[], from: number): number {
  const first = ops[from] as Op
  if (c.status === 'T' && needsUnit(first)) return batchEnd(ops, from)
  if (standsAlone(c, first)) return from + 1
  let to = from + 1
  while (to < ops.length && !standsAlone(c, ops[to] as Op)) to++
  return to
}

/** Behind the last of the writes that follow with nothing between them but their own preparation. */
function batchEnd(ops: readonly Op[], from: number): number {
  let end = from + 1
  for (let at = end; at < ops.length && belongsToWrite(ops[at] as Op); at++) {
    if (needsUnit(ops[at] as Op)) end = at + 1
  }
  return end
}

function belongsToWrite(op: Op): boolean {
  switch (op.op) {
    case 'bind':
    case 'describe-portal':
      return changes(op.portal.prepared)
    case 'parse':
    case 'describe-statement':
      return changes(op.prepared)
    case 'close-statement':
    case 'close-portal':
      return true
    case 'execute':
      return needsUnit(op)
    case 'fail':
      return false
  }
}

function standsAlone(c: Conversation, op: Op): boolean {
  if (op.op === 'fail') return true
  if (op.op !== 'execute') return false
  return op.local !== null || (c.status === 'T' && needsUnit(op))
}

function* piece(c: Conversation, ops: readonly Op[], last: boolean): Step {
  const first = ops[0] as Op
  if (first.op === 'fail') return yield* failing(c, first)
  if (first.op === 'execute' && first.local !== null) return yield* local(c, first)
  if (c.status === 'E' && ops.some((op) => op.op === 'execute')) return yield* c.fail(ABORTED)
  if (ops.some(needsUnit)) return yield* changing(c, ops)
  yield* reading(c, ops, last)
}

function* failing(c: Conversation, op: Extract<Op, { op: 'fail' }>): Step {
  // A Parse without a name ends the one before it even if it fails.
  if (op.dropsUnnamed === true) c.names.dropStatement('')
  yield* c.fail(op.refused)
}

/** BEGIN and its kin, and COPY: said by the broker in a Query of its own. */
function* local(c: Conversation, op: ExecuteOp): Step {
  yield* closeImplicit(c)
  const command = op.local
  if (command === null) return
  const control = asControl(command)
  if (control !== null) yield* controlled(c, control, op.execution)
  else if (c.status === 'E') yield* c.fail(ABORTED)
  else if (command.type === 'copy-in') yield* copyIn(c, command, op.execution)
  else if (command.type === 'copy-out') yield* copyOut(c, command, op.execution)
}

/** Nothing here can change anything: sent as it came, under the guard. */
function* reading(c: Conversation, ops: readonly Op[], last: boolean): Step {
  const executes = ops.filter((op): op is ExecuteOp => op.op === 'execute')
  const executions = executes.filter(notEmpty).map((op) => op.execution)
  if (executions.length > 0 && !(yield* allowed(c, executions))) return
  if (ops.some((op) => concernsTarget(op, false))) ensureGuard(c)
  for (const op of ops) sendOp(c, op)
  if (c.writer.length === 0) return
  if (executes.length > 0) c.implicit = 'executed'
  else if (c.implicit === 'none') c.implicit = 'parsed'
  if (last) endWithSync(c)
  else c.writer.flush()
  yield* c.answered()
  settle(c, executions)
}

function endWithSync(c: Conversation): void {
  c.writer.sync()
  c.target.expect({ kind: 'sync' })
  c.target.skipping = false
  c.implicit = 'none'
}

function notEmpty(op: ExecuteOp): boolean {
  return op.portal.prepared.kind !== 'empty'
}

function* allowed(c: Conversation, executions: readonly Execution[]): Step<boolean> {
  return (yield* c.permission(unitOf(c, joinTexts(executions), executions))) === 'allow'
}

function joinTexts(executions: readonly Execution[]): Buffer {
  const [first, ...others] = executions
  if (first === undefined) return Buffer.alloc(0)
  if (others.length === 0) return first.text
  return Buffer.from(executions.map((each) => each.text.toString()).join(';\n'))
}

/**
 * Something here may change data. What stands before the first Execute is answered now, without a
 * Bind; from there on it is one unit: decided together, sent together, once.
 */
function* changing(c: Conversation, ops: readonly Op[]): Step {
  if (c.implicit === 'executed' && c.status === 'I') return yield* c.fail(AFTER_FLUSH)
  const at = ops.findIndex((op) => op.op === 'execute')
  if (!(yield* prepare(c, ops.slice(0, at)))) return
  const unitOps = ops.slice(at)
  const executes = unitOps.filter((op): op is ExecuteOp => op.op === 'execute')
  const executions = executes.filter(notEmpty).map((op) => op.execution)
  const unit = unitOf(c, joinTexts(executions), executions)
  if (yield* refusedInReadOnlyBlock(c, unit)) return
  if ((yield* c.permission(unit)) !== 'allow') return
  c.target.error = null
  yield* runUnit(c, unit, function* () {
    for (const op of unitOps) {
      if (op.op === 'execute') sendExecute(c, op, true)
      // What is bound and not run was not shown to those who decided: it is not planned either.
      else sendOp(c, op, true)
    }
    if (c.maxRows !== null && !(yield* withinBound(c, c.maxRows, executions))) return
    endWithSync(c)
    yield* c.answered()
  })
}

/** Parse and Describe may go; a Bind would plan, and planning runs functions: it waits. */
function* prepare(c: Conversation, ops: readonly Op[]): Step<boolean> {
  if (ops.some((op) => concernsTarget(op, true))) ensureGuard(c)
  for (const op of ops) sendOp(c, op, true)
  if (c.writer.length > 0 || c.implicit !== 'none') {
    endWithSync(c)
    yield* c.answered()
  }
  return c.target.error === null
}

const AFTER_FLUSH = {
  code: '0A000',
  message: 'a statement that writes cannot follow statements that were flushed without Sync',
  hint: 'send Sync before it, or open a transaction with BEGIN',
}
