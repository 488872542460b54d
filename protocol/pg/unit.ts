import { liftGuard } from './control.ts'
import { Broken, type Conversation, type Step } from './conversation.ts'
import type { Execution, Unit } from './execution.ts'
import { mayChangeCatalogue } from './inside.ts'
import { quoteName } from './quote.ts'

/**
 * Runs what may write, exactly once, and closes the window behind it. `snapshot` sends it and waits
 * for the answers. Nothing else is sent in between (see docs/architecture.md, "How it runs").
 */
export function* runUnit(c: Conversation, unit: Unit, snapshot: () => Step): Step {
  const inBlock = c.status === 'T'
  const opened = inBlock ? yield* openInBlock(c) : yield* openWindow(c)
  if (!opened) throw new Broken('the target does not take an approved statement')
  c.changed = true
  yield* snapshot()
  settle(c, unit.executions)
  const { error } = c.target
  if (inBlock) yield* closeInBlock(c)
  else yield* closeWindow(c)
  if (inBlock && unit.executions.some(({ facts }) => mayChangeCatalogue(facts)))
    c.insideStale = true
  c.leaveInside()
  // What the broker says after it does not make good what went wrong in it.
  c.target.error = error
  c.searchPathStale = true
}

/** Outside a block: the guard is lifted under its own Sync, so that nothing else is in the unit. */
function* openWindow(c: Conversation): Step<boolean> {
  c.window = true
  if (!(yield* c.hidden('SET default_transaction_read_only = off'))) return false
  const { roles } = c.options
  if (roles !== null && !(yield* c.hidden(`SET ROLE ${quoteName(roles.writer)}`))) return false
  return c.status === 'I'
}

function* closeWindow(c: Conversation): Step {
  if (c.status !== 'I') {
    yield* c.hidden('ROLLBACK')
    throw new Broken('an approved statement left a transaction open')
  }
  const roleIsBack = c.options.roles === null || (yield* c.hidden('RESET ROLE'))
  const isBack = yield* c.hidden('RESET default_transaction_read_only')
  if (!roleIsBack || !isBack || c.status !== 'I' || !guardIsBack(c)) {
    throw new Broken('the session could not be made read-only again')
  }
  c.window = false
  c.names.endTransaction()
}

/** Servers since 14 report the setting; before, the answer to RESET has to do. */
function guardIsBack(c: Conversation): boolean {
  const reported = c.target.parameters.get('default_transaction_read_only')
  return reported === undefined || reported === 'on'
}

/** In a block the guard is a savepoint: released, the unit stands in the client's transaction. */
function* openInBlock(c: Conversation): Step<boolean> {
  c.window = true
  if (!(yield* liftGuard(c))) return false
  const { roles } = c.options
  if (roles !== null) return yield* c.hidden(`SET LOCAL ROLE ${quoteName(roles.writer)}`)
  return true
}

/** The next statement puts the guard back before it; an aborted block needs none. */
function* closeInBlock(c: Conversation): Step {
  const { roles } = c.options
  if (c.status === 'I') c.block.end()
  if (c.status === 'T' && roles !== null) {
    const isBack = yield* c.hidden(`SET LOCAL ROLE ${quoteName(roles.reader)}`)
    if (!isBack) throw new Broken('the session could not be given its reader role again')
  }
  c.window = false
}

/** Says what became of what people let run. */
export function settle(c: Conversation, executions: readonly Execution[]): void {
  const request = executions[0]?.request ?? null
  if (request === null) return
  c.approved = null
  const { error } = c.target
  const sqlstate = error?.fields.get('C') ?? null
  const rows = error === null ? rowsOf(executions) : null
  c.emit({ type: 'settled', request, status: error === null ? 'ok' : 'error', sqlstate, rows })
}

function rowsOf(executions: readonly Execution[]): number | null {
  const counted = executions.map((each) => each.rows).filter((rows) => rows !== null)
  return counted.length === 0 ? null : counted.reduce((sum, rows) => sum + rows, 0)
}
