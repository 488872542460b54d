import type { ErrorReport } from './backend.ts'
import type { Conversation } from './conversation.ts'
import { type Portal, type Prepared, RESERVED } from './names.ts'
import { graver, type Span, type StatementFacts } from './statement.ts'

/** A statement as this session understands it: names looked up, the text as it will be sent. */
export interface Resolved {
  /** Null: nobody could parse it. */
  readonly facts: StatementFacts | null
  /** The client's text of this statement alone. */
  readonly text: Buffer
  /** What the target is sent: the same, but for names that the broker has changed. */
  readonly sentText: Buffer
  /** The text that EXECUTE or FETCH runs. */
  readonly underlying: Buffer | null
  /** What the client sees as command tag, where the sent text would give another. */
  readonly tag: string | null
  /** Keeps the books when the target has done it. */
  readonly done: (c: Conversation) => void
}

export type Refused = Omit<ErrorReport, 'severity'>

export type Resolution =
  | { readonly ok: true; readonly statement: Resolved }
  | { readonly ok: false; readonly refused: Refused }

/** Looks up the names that the statement uses. `text` is the statement's own text. */
export function resolve(c: Conversation, facts: StatementFacts, text: Buffer): Resolution {
  if (facts.refusal !== null) {
    const { sqlstate, message, hint } = facts.refusal
    return no(sqlstate, message, hint)
  }
  const { command } = facts
  switch (command.type) {
    case 'execute': {
      const prepared = c.names.statements.get(command.name)
      if (prepared === undefined) return unknownStatement(command.name)
      const sentText = rename(facts, text, command.nameSpan, prepared)
      const inner =
        command.explain === 'no' ? joined(facts, prepared.facts) : explained(facts, prepared.facts)
      return yes(facts, text, { facts: inner, sentText, underlying: prepared.text })
    }
    case 'fetch': {
      const portal = c.names.portals.get(command.name)
      if (portal === undefined) return unknownCursor(command.name)
      const sentText = rename(facts, text, command.nameSpan, portal)
      const inner = joined(facts, portal.prepared.facts)
      return yes(facts, text, { facts: inner, sentText, underlying: portal.prepared.text })
    }
    case 'prepare':
      return resolvePrepare(c, facts, command, text)
    case 'declare':
      return resolveDeclare(c, facts, command, text)
    case 'deallocate':
      return resolveDeallocate(c, facts, command, text)
    case 'close':
      return resolveClose(c, facts, command, text)
    case 'show':
      return yes(facts, text, guardedShow(c, command.name))
    case 'discard':
      return yes(facts, text, { done: () => afterDiscard(c, command.what) })
    default:
      return yes(facts, text, { done: () => noteSettings(c, facts) })
  }
}

type Of<T extends StatementFacts['command']['type']> = Extract<
  StatementFacts['command'],
  { type: T }
>

function resolvePrepare(
  c: Conversation,
  facts: StatementFacts,
  command: Of<'prepare'>,
  text: Buffer,
): Resolution {
  const { name, inner } = command
  if (name.startsWith(RESERVED)) return reserved(name)
  if (inner.refusal !== null)
    return no(inner.refusal.sqlstate, inner.refusal.message, inner.refusal.hint)
  if (c.names.statements.has(name)) return duplicateStatement(name)
  if (c.names.isFull) return { ok: false, refused: TOO_MANY }
  const done = (): void => {
    c.names.setStatement(name, sqlPrepared(name, inner, text))
  }
  return yes(facts, text, { done })
}

function resolveDeclare(
  c: Conversation,
  facts: StatementFacts,
  command: Of<'declare'>,
  text: Buffer,
): Resolution {
  const { name, inner } = command
  if (name.startsWith(RESERVED)) return reserved(name)
  if (inner.refusal !== null)
    return no(inner.refusal.sqlstate, inner.refusal.message, inner.refusal.hint)
  if (c.names.portals.get(name)?.origin === 'protocol') {
    return no('42P03', `cursor "${name}" already exists`)
  }
  const done = (): void => {
    c.names.portals.set(name, cursor(name, inner, text))
  }
  return yes(facts, text, { facts: joined(facts, inner), done })
}

function resolveDeallocate(
  c: Conversation,
  facts: StatementFacts,
  command: Of<'deallocate'>,
  text: Buffer,
): Resolution {
  const { name, nameSpan } = command
  if (name === null || nameSpan === null) {
    return yes(facts, text, { done: () => c.names.clearStatements() })
  }
  const prepared = c.names.statements.get(name)
  if (prepared === undefined) return unknownStatement(name)
  const done = (): void => {
    prepared.onTarget = false
    c.names.dropStatement(name)
  }
  return yes(facts, text, { sentText: rename(facts, text, nameSpan, prepared), done })
}

function resolveClose(
  c: Conversation,
  facts: StatementFacts,
  command: Of<'close'>,
  text: Buffer,
): Resolution {
  const { name, nameSpan } = command
  if (name === null || nameSpan === null) {
    return yes(facts, text, { done: () => c.names.portals.clear() })
  }
  const portal = c.names.portals.get(name)
  if (portal === undefined) return unknownCursor(name)
  const done = (): void => {
    c.names.portals.delete(name)
  }
  return yes(facts, text, { sentText: rename(facts, text, nameSpan, portal), done })
}

function sqlPrepared(name: string, inner: StatementFacts, text: Buffer): Prepared {
  return {
    upstream: name,
    origin: 'sql',
    text,
    sentText: text,
    types: NO_BYTES,
    typeOids: [],
    facts: inner,
    underlying: text,
    kind: 'statement',
    tag: null,
    knownAt: NEVER,
    onTarget: true,
  }
}

function cursor(name: string, inner: StatementFacts, text: Buffer): Portal {
  const prepared = sqlPrepared(name, inner, text)
  return {
    upstream: name,
    origin: 'sql',
    prepared,
    tail: null,
    deferred: false,
    shape: undefined,
  }
}

/** The session is read-only for the broker's sake; the client is told what holds for itself. */
function guardedShow(c: Conversation, name: string): Partial<Resolved> {
  const value =
    name === 'default_transaction_read_only'
      ? 'off'
      : name === 'transaction_read_only'
        ? c.block.readOnly || c.target.parameters.get('in_hot_standby') === 'on'
          ? 'on'
          : 'off'
        : null
  if (value === null) return {}
  return { sentText: Buffer.from(`SELECT '${value}'::pg_catalog.text AS ${name}`), tag: 'SHOW' }
}

function afterDiscard(c: Conversation, what: Of<'discard'>['what']): void {
  if (what !== 'all') return
  c.names.clearStatements()
  c.names.portals.clear()
  c.searchPathStale = true
}

/** After it, the same name may mean something else. */
export function movesPath({ command, functions }: StatementFacts): boolean {
  if (command.type === 'set') return command.name === 'search_path' || command.name === 'all'
  if (command.type === 'discard') return command.what === 'all'
  return functions.some((each) => each.name === 'pg_catalog.set_config')
}

/** SET, RESET, set_config and anything that is not a plain query may move search_path. */
function noteSettings(c: Conversation, facts: StatementFacts): void {
  const sets = facts.functions.some((each) => each.name === 'pg_catalog.set_config')
  if (!sets && (facts.class === 'read' || facts.class === 'transaction')) return
  c.searchPathStale = true
  c.settingsTouched = true
}

/** The facts of a statement that runs another one: the stricter class, the other's effects. */
export function joined(outer: StatementFacts, inner: StatementFacts | null): StatementFacts | null {
  if (inner === null) return null
  const strict = graver(outer.class, inner.class) === outer.class ? outer : inner
  return {
    ...outer,
    class: strict.class,
    why: strict.why,
    reads: [...outer.reads, ...inner.reads],
    writes: [...outer.writes, ...inner.writes],
    tables: [...outer.tables, ...inner.tables],
    rowsRead: [...outer.rowsRead, ...inner.rowsRead],
    rowsWritten: [...outer.rowsWritten, ...inner.rowsWritten],
    columnsRead: [...outer.columnsRead, ...inner.columnsRead],
    columnsWritten: [...outer.columnsWritten, ...inner.columnsWritten],
    opaque: outer.opaque || inner.opaque,
    understood: outer.understood && inner.understood,
    functions: [...outer.functions, ...inner.functions],
    callsWithin: [...outer.callsWithin, ...inner.callsWithin],
    unbounded: outer.unbounded || inner.unbounded,
    ddl: inner.ddl ?? outer.ddl,
    output: inner.output,
    predicates: [...outer.predicates, ...inner.predicates],
    refusal: outer.refusal ?? inner.refusal,
  }
}

/** What comes back is the plan. Without ANALYZE nothing runs, but it shows what it would read. */
function explained(outer: StatementFacts, inner: StatementFacts | null): StatementFacts | null {
  const whole = joined(outer, inner)
  if (whole === null || outer.command.type !== 'execute') return null
  const shown = { ...whole, output: outer.output }
  if (outer.command.explain === 'analyze') return shown
  const { class: own, why, ddl, writes, rowsWritten, columnsWritten, unbounded } = outer
  return { ...shown, class: own, why, ddl, writes, rowsWritten, columnsWritten, unbounded }
}

/** `text` with the client's name replaced by the target's; `span` counts within the whole text. */
function rename(
  facts: StatementFacts,
  text: Buffer,
  span: Span,
  named: { readonly upstream: string; readonly origin: 'protocol' | 'sql' },
): Buffer {
  if (named.origin === 'sql') return text
  const at = span.offset - facts.span.offset
  return Buffer.concat([
    text.subarray(0, at),
    Buffer.from(named.upstream),
    text.subarray(at + span.length),
  ])
}

function yes(facts: StatementFacts, text: Buffer, more: Partial<Resolved>): Resolution {
  const done = (c: Conversation): void => noteSettings(c, facts)
  const statement = { facts, text, sentText: text, underlying: null, tag: null, done, ...more }
  return { ok: true, statement }
}

function no(code: string, message: string, hint?: string): Resolution {
  return { ok: false, refused: hint === undefined ? { code, message } : { code, message, hint } }
}

export function reserved(name: string): Resolution & { ok: false } {
  return {
    ok: false,
    refused: {
      code: '42939',
      message: `name "${name}" is reserved`,
      hint: `names that begin with ${RESERVED} are the broker's`,
    },
  }
}

const unknownStatement = (name: string): Resolution =>
  no('26000', `prepared statement "${name}" does not exist`)
const unknownCursor = (name: string): Resolution => no('34000', `cursor "${name}" does not exist`)
const duplicateStatement = (name: string): Resolution =>
  no('42P05', `prepared statement "${name}" already exists`)

const NO_BYTES = Buffer.alloc(0)
export const TOO_MANY: Refused = {
  code: '54000',
  message: 'too many prepared statements or cursors in one session',
  hint: 'close those that are not needed any more',
}

/** Looked up at the first use. */
const NEVER = {}
