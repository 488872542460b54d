import type { Conversation, Step } from './conversation.ts'
import type { Execution } from './execution.ts'
import type { Resolved } from './resolve.ts'

/**
 * Runs the statements of a Query with an approver's bound on the rows they touch. They go as one
 * pipeline without Sync: the target has done them and not committed them when their counts are
 * looked at. What exceeds the bound is rolled back.
 */
export function* bounded(
  c: Conversation,
  maxRows: number,
  resolved: readonly Resolved[],
  executions: readonly Execution[],
): Step {
  const countable = resolved.length > 0 && resolved.every((each) => isCountable(each))
  if (!countable) return yield* c.fail(UNCOUNTABLE, executions[0] ?? null)
  const tags: string[] = []
  resolved.forEach((statement, index) => {
    sendOne(c, statement, executions[index] as Execution, (tag) => tags.push(tag))
  })
  if (!(yield* withinBound(c, maxRows, executions))) return
  yield* sync(c)
  if (c.target.error !== null) return
  tags.forEach((tag, index) => {
    resolved[index]?.done(c)
    c.complete(executions[index] as Execution, tag)
  })
}

function isCountable({ facts }: Resolved): boolean {
  return facts?.command.type === 'query'
}

function sendOne(
  c: Conversation,
  statement: Resolved,
  execution: Execution,
  completed: (tag: string) => void,
): void {
  const name = c.names.fresh()
  const hidden = { visible: false, errors: true, done: nothing }
  c.writer.parse(name, statement.sentText, NO_BYTES).bind(name, name, NO_PARAMETERS)
  c.writer.describe('portal', name).execute(name, 0).closeObject('statement', name)
  c.target.expect({ kind: 'parse', ...hidden })
  c.target.expect({ kind: 'bind', ...hidden })
  let shape: Execution['shape'] = null
  c.target.expect({
    kind: 'describe',
    visible: false,
    what: 'portal',
    formats: [],
    done: (described) => {
      shape = described
      if (described !== null) c.reply(described.bytes)
    },
  })
  c.target.expect({
    kind: 'execute',
    visible: false,
    errors: true,
    execution,
    shape: () => shape,
    done: (tag) => {
      if (tag !== null) completed(tag)
    },
  })
  c.target.expect({ kind: 'close', ...hidden })
}

/** Lets the target do what was sent, without committing it. False: it was too much, or failed. */
export function* withinBound(
  c: Conversation,
  maxRows: number,
  executions: readonly Execution[],
): Step<boolean> {
  c.writer.flush()
  yield* c.answered()
  if (c.target.error !== null) {
    yield* sync(c)
    return false
  }
  const rows = executions.reduce((sum, each) => sum + (each.rows ?? 0), 0)
  if (rows <= maxRows) return true
  yield* rollBack(c)
  const message = `${rows} rows would have changed, and ${maxRows} were approved`
  yield* c.fail({ code: '42501', message, hint: 'nothing was changed' }, executions[0] ?? null)
  return false
}

/** An error of the broker's own before Sync: the target rolls back what it did since the last one. */
function* rollBack(c: Conversation): Step {
  c.writer.parse('', Buffer.from('too many rows'), NO_BYTES)
  c.target.expect({ kind: 'parse', visible: false, done: nothing })
  yield* sync(c)
  c.target.error = null
}

function* sync(c: Conversation): Step {
  c.writer.sync()
  c.target.expect({ kind: 'sync' })
  c.target.skipping = false
  yield* c.answered()
}

const UNCOUNTABLE = {
  code: '42501',
  message: 'approved with a bound on its rows, but the rows it touches cannot be counted',
  hint: 'nothing was run; have it approved without --max-rows',
}

const NO_BYTES = Buffer.alloc(0)
/** Bind without parameters: no formats, no values, all results as text. */
const NO_PARAMETERS = Buffer.from([0, 0, 0, 0, 0, 0])
const nothing = (): void => undefined
