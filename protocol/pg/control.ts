import { GUARD, RELEASE_GUARD } from './block.ts'
import type { Conversation, Step } from './conversation.ts'
import type { Execution } from './execution.ts'
import { RESERVED } from './names.ts'
import { quoteName } from './quote.ts'
import { reserved } from './resolve.ts'
import type { Command, TransactionModes } from './statement.ts'

/** Commands that open, end or divide a transaction: the broker says them in its own words. */
export type Control = Extract<
  Command,
  {
    type:
      | 'begin'
      | 'commit'
      | 'rollback'
      | 'savepoint'
      | 'release'
      | 'rollback-to'
      | 'set-transaction'
  }
>

export function asControl(command: Command | undefined): Control | null {
  switch (command?.type) {
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'savepoint':
    case 'release':
    case 'rollback-to':
    case 'set-transaction':
      return command
    default:
      return null
  }
}

/** Runs it; the client sees its CommandComplete or error, never what the broker adds. */
export function* control(c: Conversation, command: Control, execution: Execution): Step {
  switch (command.type) {
    case 'begin':
      return yield* begin(c, command, execution)
    case 'commit':
    case 'rollback':
      return yield* end(c, command.type, execution)
    case 'savepoint':
      return yield* savepoint(c, command.name, execution)
    case 'release':
    case 'rollback-to':
      return yield* cut(c, command, execution)
    case 'set-transaction':
      return yield* setTransaction(c, command.modes, execution)
  }
}

/**
 * Puts the guard before the first statement that is not SET TRANSACTION. Not waited for: if it
 * fails the block is aborted, and then nothing behind it runs either.
 */
export function ensureGuard(c: Conversation): void {
  if (c.status !== 'T' || c.block.guarded || c.block.openedReadOnly) return
  c.names.dropUnnamedPortal()
  c.writer.query(GUARD)
  c.target.expect({ kind: 'query', visible: false, executions: [], done: nothing })
  c.block.guarded = true
}

type Begin = Extract<Control, { type: 'begin' }>

/** The client's own word for it, because that is the tag of the answer. */
function* begin(c: Conversation, { modes, starts }: Begin, execution: Execution): Step {
  const verb = starts === true ? 'START TRANSACTION' : 'BEGIN'
  // In a block BEGIN only warns, but it applies its modes: so it gets none.
  if (c.status !== 'I') return yield* say(c, verb, execution)
  const standby = c.target.parameters.get('in_hot_standby') === 'on'
  const readOnly = standby || modes.access === 'read only'
  const access = standby ? '' : readOnly ? 'READ ONLY' : 'READ WRITE'
  const spelled = [access, modes.others].filter((part) => part !== '').join(', ')
  yield* say(c, `${verb} ${spelled}`, execution)
  if (after(c) === 'T') c.block.begin(readOnly)
}

/** The status may have changed while a step waited, which the compiler cannot know. */
function after(c: Conversation): string {
  return c.status
}

function* end(c: Conversation, verb: 'commit' | 'rollback', execution: Execution): Step {
  yield* say(c, verb.toUpperCase(), execution)
  c.block.end()
  c.leaveInside()
  c.names.endTransaction()
  if (c.settingsTouched) c.searchPathStale = true
  c.settingsTouched = false
}

function* savepoint(c: Conversation, name: string, execution: Execution): Step {
  if (name.startsWith(RESERVED)) return yield* c.fail(reserved(name).refused, execution)
  if (c.status !== 'T' || c.block.openedReadOnly)
    return yield* say(c, `SAVEPOINT ${quoteName(name)}`, execution)
  yield* liftGuard(c)
  const broker = c.block.name()
  yield* say(c, `SAVEPOINT ${broker}`, execution)
  if (c.target.error === null) c.block.push(name, broker)
}

function* cut(
  c: Conversation,
  command: Extract<Control, { type: 'release' | 'rollback-to' }>,
  execution: Execution,
): Step {
  const verb = command.type === 'release' ? 'RELEASE SAVEPOINT' : 'ROLLBACK TO SAVEPOINT'
  const broker = c.block.find(command.name)
  if (broker === null) {
    // The target does not know it either (read-only blocks keep the client's names).
    if (command.name.startsWith(RESERVED))
      return yield* c.fail(reserved(command.name).refused, execution)
    return yield* say(c, `${verb} ${quoteName(command.name)}`, execution)
  }
  yield* say(c, `${verb} ${broker}`, execution)
  if (c.target.error !== null) return
  c.block.cutTo(broker, command.type === 'rollback-to')
  if (command.type !== 'rollback-to') return
  c.searchPathStale = true
  c.doubtInside()
}

/** Releases the guard so that what follows stands in the client's own transaction. */
export function* liftGuard(c: Conversation): Step<boolean> {
  if (!c.block.guarded) return true
  c.block.guarded = false
  return yield* c.hidden(RELEASE_GUARD)
}

/** READ WRITE is what the client has anyway, as far as it may; READ ONLY it can always have. */
function* setTransaction(c: Conversation, modes: TransactionModes, execution: Execution): Step {
  const { access, others } = modes
  if (c.status !== 'T') return yield* say(c, `SET TRANSACTION ${others || 'READ ONLY'}`, execution)
  if (access === 'read only' && c.block.isBare) return yield* becomeReadOnly(c, others, execution)
  if (others !== '') yield* say(c, `SET TRANSACTION ${others}`, execution)
  else c.complete(execution, 'SET')
  if (access === 'read only') c.block.declaredReadOnly = true
}

/** Said in no savepoint nothing takes it back: as if the client had opened the block so. */
function* becomeReadOnly(c: Conversation, others: string, execution: Execution): Step {
  const modes = [others, 'READ ONLY'].filter((mode) => mode !== '').join(', ')
  yield* say(c, `SET TRANSACTION ${modes}`, execution)
  if (after(c) === 'T') c.block.openedReadOnly = true
}

function* say(c: Conversation, sql: string, execution: Execution): Step {
  c.target.error = null
  c.names.dropUnnamedPortal()
  c.writer.query(sql)
  c.target.expect({ kind: 'query', visible: true, executions: [execution], done: nothing })
  yield* c.answered()
}

const nothing = (): void => undefined
