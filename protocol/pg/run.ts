import { bounded } from './bounded.ts'
import { ensureGuard } from './control.ts'
import { type Conversation, runsUnderGuard, type Step } from './conversation.ts'
import type { Execution, Unit } from './execution.ts'
import type { Refused, Resolved } from './resolve.ts'
import { runUnit, settle } from './unit.ts'

/** Asks whether it may run, and runs it as what it is: under the guard, or as a unit. */
export function* decideAndRun(
  c: Conversation,
  unit: Unit,
  send: () => Step,
  tried = false,
): Step<boolean> {
  if (yield* refusedInReadOnlyBlock(c, unit)) return false
  if (!tried && !(yield* worthAsking(c, unit))) return false
  if ((yield* c.permission(unit)) !== 'allow') return false
  return yield* runDecided(c, unit, send)
}

/**
 * Nobody should be asked about a statement with a typing error. Parse runs nothing and tells: a
 * table that is not there is the target's own error, at once. False: the client has that error.
 */
function* worthAsking(c: Conversation, unit: Unit): Step<boolean> {
  const [only, ...others] = unit.executions
  if (only === undefined || others.length > 0 || isGuarded(unit)) return true
  if (unit.sentText.length > LONGEST_TRIAL) return true
  const first = yield* c.permission(unit, true)
  if (first !== 'held') return first === 'allow'
  return yield* targetParses(c, unit.sentText)
}

/** False: the target refused it, and the client has its error. */
export function* targetParses(c: Conversation, text: Buffer): Step<boolean> {
  ensureGuard(c)
  const upstream = c.names.fresh()
  c.target.error = null
  c.writer.parse(upstream, text, NO_BYTES).closeObject('statement', upstream).sync()
  c.target.expect({ kind: 'parse', visible: false, errors: true, done: nothing })
  c.target.expect({ kind: 'close', visible: false, done: nothing })
  c.target.expect({ kind: 'sync' })
  yield* c.answered()
  return c.target.error === null
}

/** Runs a unit that may run. True: it went well. */
export function* runDecided(c: Conversation, unit: Unit, send: () => Step): Step<boolean> {
  c.target.error = null
  if (isGuarded(unit)) {
    ensureGuard(c)
    yield* send()
    settle(c, unit.executions)
  } else {
    yield* runUnit(c, unit, send)
  }
  return c.target.error === null
}

export function isGuarded(unit: Unit): boolean {
  return unit.executions.every((each) => runsUnderGuard(each.facts))
}

/** Nobody needs to be asked about what the client's own READ ONLY forbids. */
export function* refusedInReadOnlyBlock(c: Conversation, unit: Unit): Step<boolean> {
  if (c.status !== 'T' || !c.block.readOnly || isGuarded(unit)) return false
  const first = unit.executions.find((each) => !runsUnderGuard(each.facts))
  const verb = first?.facts?.verb ?? 'this statement'
  const message = `cannot execute ${verb} in a read-only transaction`
  yield* c.fail({ code: '25006', message }, first ?? null)
  return true
}

export function unitOf(
  c: Conversation,
  text: Buffer,
  executions: readonly Execution[],
  more: Partial<Pick<Unit, 'spooled' | 'sentText'>> = {},
): Unit {
  return {
    executions,
    text,
    sentText: more.sentText ?? text,
    inTransaction: c.status === 'T',
    searchPath: c.searchPath,
    spooled: more.spooled ?? false,
  }
}

/** One Query message; `resolved` are its statements, none when nobody could parse it. */
export function* sendQuery(
  c: Conversation,
  text: Buffer,
  resolved: readonly Resolved[],
  executions: readonly Execution[],
): Step {
  if (c.maxRows !== null) return yield* bounded(c, c.maxRows, resolved, executions)
  c.writer.query(text)
  c.target.expect({
    kind: 'query',
    visible: true,
    executions,
    done: (index) => resolved[index]?.done(c),
  })
  yield* c.answered()
}

export const ABORTED: Refused = {
  code: '25P02',
  message: 'current transaction is aborted, commands ignored until end of transaction block',
}

const NO_BYTES = Buffer.alloc(0)
const nothing = (): void => undefined

/** Longer texts are not sent twice. */
const LONGEST_TRIAL = 1 << 20
