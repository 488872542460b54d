import { EMPTY_QUERY } from './backend.ts'
import { asControl, type Control, control } from './control.ts'
import { type Conversation, runsUnderGuard, type Step } from './conversation.ts'
import { copyIn, copyOut } from './copy.ts'
import type { Execution } from './execution.ts'
import { asReadOnly } from './exported.ts'
import { refreshNamed } from './fresh.ts'
import { movesPath, type Refused, type Resolved, resolve } from './resolve.ts'
import { ABORTED, decideAndRun, sendQuery, unitOf } from './run.ts'
import type { StatementFacts } from './statement.ts'
import { settle } from './unit.ts'

/** Query: one or several statements in one text, and one ReadyForQuery at the end. */
export function* simpleQuery(c: Conversation, text: Buffer): Step {
  c.names.dropUnnamed()
  yield* closeImplicit(c)
  c.target.error = null
  const analysis = yield* c.analyse(text)
  if (!analysis.ok) yield* unparsed(c, text, isTriable(text, analysis.reason))
  else if (analysis.statements.length === 0) c.reply(EMPTY_QUERY)
  else if (mustSplit(analysis.statements)) yield* oneByOne(c, text, analysis.statements)
  else yield* together(c, text, analysis.statements)
  if (c.status === 'I') c.names.endTransaction()
  c.ready()
}

/** Ends an implicit transaction that extended messages without Sync have left open. */
export function* closeImplicit(c: Conversation): Step {
  if (c.implicit === 'none' && !c.target.skipping) return
  c.writer.sync()
  c.target.expect({ kind: 'sync' })
  c.target.skipping = false
  c.implicit = 'none'
  yield* c.answered()
}

/**
 * Our parser cannot read it. A Parse message runs nothing and lets the target say what it thinks:
 * usually that it cannot either. Where it can, nobody knows what it is, and it is held.
 */
function* unparsed(c: Conversation, text: Buffer, isTrial: boolean): Step {
  if (c.status === 'E') return yield* c.fail(ABORTED)
  const executions = [c.execution(null, text)]
  const unit = unitOf(c, text, executions)
  yield* decideAndRun(c, unit, () => sendQuery(c, text, NONE, executions), !isTrial)
}

/** What was too much for our parser may keep the target's busy for a minute: only short ones go. */
function isTriable(text: Buffer, reason: string): boolean {
  return reason === 'syntax' || text.length <= LONGEST_HARD_TRIAL
}

const LONGEST_HARD_TRIAL = 65_536

/** Statements that change the conversation itself are run one at a time, all others together. */
function mustSplit(statements: readonly StatementFacts[]): boolean {
  if (statements.length === 1) return true
  if (statements.some(movesPath) && statements.every(runsUnderGuard)) return true
  return statements.some((each) => !TOGETHER.has(each.command.type))
}

const TOGETHER: ReadonlySet<string> = new Set(['query', 'utility', 'set'])

/** Stops at the first error, as the target would. */
function* oneByOne(c: Conversation, text: Buffer, statements: readonly StatementFacts[]): Step {
  const controls = statements.some((each) => asControl(each.command) !== null)
  const alone = statements.length === 1 || controls
  if (!alone && !statements.every(runsUnderGuard)) return yield* c.fail(MIXED)
  yield* inTurn(c, text, statements)
}

function* inTurn(c: Conversation, text: Buffer, statements: readonly StatementFacts[]): Step {
  for (const [index, facts] of statements.entries()) {
    c.target.error = null
    if (!(yield* one(c, facts, ownText(text, facts)))) return
    const next = statements[index + 1]
    if (next !== undefined && c.searchPathStale) {
      return yield* anew(c, text.subarray(next.span.offset))
    }
  }
}

/** What went before may have changed what the names in the rest mean. */
function* anew(c: Conversation, rest: Buffer): Step {
  const analysis = yield* c.analyse(rest)
  if (analysis.ok) yield* inTurn(c, rest, analysis.statements)
  else yield* unparsed(c, rest, isTriable(rest, analysis.reason))
}

/** The statement's own text; the same buffer when nothing but spaces and semicolons is left over. */
export function ownText(text: Buffer, { span }: StatementFacts): Buffer {
  const end = span.offset + span.length
  if (span.offset === 0 && isIdle(text, end)) return text
  return text.subarray(span.offset, end)
}

function isIdle(text: Buffer, from: number): boolean {
  for (let at = from; at < text.length; at++) if (!IDLE.has(text[at] as number)) return false
  return true
}

/** Space, tab, line feed, carriage return and the semicolon. */
const IDLE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0x3b])

/** One statement by itself. True: it went well, and the next may follow. */
function* one(c: Conversation, facts: StatementFacts, text: Buffer): Step<boolean> {
  yield* refreshNamed(c, facts)
  const resolution = resolve(c, asReadOnly(c, facts), text)
  if (!resolution.ok) {
    yield* c.fail(resolution.refused)
    return false
  }
  const { statement } = resolution
  const { underlying, tag } = statement
  const execution = c.execution(statement.facts, text, { underlying, tag })
  const command = asControl(facts.command)
  if (command !== null) return yield* controlled(c, command, execution)
  if (c.status === 'E') {
    yield* c.fail(ABORTED, execution)
    return false
  }
  return yield* special(c, statement, execution)
}

function* special(c: Conversation, statement: Resolved, execution: Execution): Step<boolean> {
  const command = statement.facts?.command
  if (command?.type === 'copy-in') return yield* copyIn(c, command, execution)
  if (command?.type === 'copy-out') return yield* copyOut(c, command, execution)
  const executions = [execution]
  const unit = unitOf(c, execution.text, executions)
  return yield* decideAndRun(c, unit, () =>
    sendQuery(c, statement.sentText, [statement], executions),
  )
}

export function* controlled(
  c: Conversation,
  command: Control,
  execution: Execution,
): Step<boolean> {
  const unit = unitOf(c, execution.text, [execution])
  if ((yield* c.permission(unit)) !== 'allow') return false
  c.target.error = null
  yield* control(c, command, execution)
  settle(c, unit.executions)
  return c.target.error === null
}

/** Several statements as the one query that they came as: one decision, one implicit transaction. */
function* together(c: Conversation, text: Buffer, statements: readonly StatementFacts[]): Step {
  const resolved: Resolved[] = []
  let moved = false
  for (const facts of statements) {
    const resolution = resolve(c, facts, ownText(text, facts))
    if (!resolution.ok) return yield* c.fail(resolution.refused)
    // Behind a change of search_path nobody knows what the names will mean.
    resolved.push(moved ? { ...resolution.statement, facts: null } : resolution.statement)
    moved ||= movesPath(facts)
  }
  if (c.status === 'E') return yield* c.fail(ABORTED)
  const executions = resolved.map((each) => c.execution(each.facts, each.text))
  yield* decideAndRun(c, unitOf(c, text, executions), () =>
    sendQuery(c, text, resolved, executions),
  )
}

const MIXED: Refused = {
  code: '0A000',
  message: 'these statements cannot be held together in one query',
  hint: 'send PREPARE, DECLARE, FETCH, CLOSE, SHOW, DISCARD and COPY apart from what writes',
}

const NONE: readonly Resolved[] = []
