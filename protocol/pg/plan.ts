import { asControl, type Control } from './control.ts'
import { type Conversation, runsUnderGuard, type Step } from './conversation.ts'
import type { Execution } from './execution.ts'
import { isFresh, refreshed, refreshNamed } from './fresh.ts'
import { type FrontendMessage, MAX_NAME, parameterTypes } from './frontend.ts'
import type { Knowledge, Portal, Prepared } from './names.ts'
import { movesPath, type Refused, type Resolved, resolve, TOO_MANY } from './resolve.ts'
import type { Command } from './statement.ts'

/** Messages of the extended protocol between two Syncs, with their names looked up. */
export type Op =
  | { readonly op: 'parse'; readonly name: string; readonly prepared: Prepared }
  | { readonly op: 'bind'; readonly name: string; readonly portal: Portal }
  | { readonly op: 'describe-statement'; readonly prepared: Prepared }
  | { readonly op: 'describe-portal'; readonly portal: Portal }
  | {
      readonly op: 'execute'
      readonly portal: Portal
      readonly maxRows: number
      readonly execution: Execution
      readonly statement: Resolved | null
      readonly local: LocalCommand | null
    }
  | { readonly op: 'close-statement'; readonly name: string; readonly prepared: Prepared | null }
  | { readonly op: 'close-portal'; readonly name: string; readonly portal: Portal | null }
  /** The message is an error by itself; what stands before it is done first. */
  | { readonly op: 'fail'; readonly refused: Refused; readonly dropsUnnamed?: boolean }

export type ExecuteOp = Extract<Op, { op: 'execute' }>

/** Commands that the broker says itself, in a message of their own, whoever sent them how. */
export type LocalCommand = Control | Extract<Command, { type: 'copy-in' | 'copy-out' }>

export type Extended = Extract<
  FrontendMessage,
  { type: 'parse' | 'bind' | 'describe' | 'execute' | 'close' }
>

export function localCommand(prepared: Prepared): LocalCommand | null {
  const command = prepared.facts?.command
  if (command?.type === 'copy-in' || command?.type === 'copy-out') return command
  return asControl(command)
}

/** Whether running it could change something, so that it is not even bound before it may run. */
export function changes(prepared: Prepared): boolean {
  return prepared.kind !== 'empty' && !runsUnderGuard(prepared.facts)
}

export function needsUnit(op: Op): op is ExecuteOp {
  if (op.op !== 'execute' || op.local !== null || op.portal.prepared.kind === 'empty') return false
  return !runsUnderGuard(op.execution.facts)
}

/** Looks at the messages in order, as if each had been done, up to the first that cannot be. */
export function* plan(c: Conversation, messages: readonly Extended[]): Step<Op[]> {
  const planner = new Planner(c)
  for (const message of messages) {
    if (planner.isStale(message)) yield* planner.refresh(message)
    const op = message.type === 'parse' ? yield* parse(c, planner, message) : planner.look(message)
    planner.ops.push(dropping(op, message))
    if (op.op === 'fail') break
  }
  return planner.ops
}

/** A Parse without a name that fails takes the statement without a name with it. */
function dropping(op: Op, message: Extended): Op {
  if (op.op !== 'fail' || message.type !== 'parse' || message.name !== '') return op
  return { ...op, dropsUnnamed: true }
}

function* parse(
  c: Conversation,
  planner: Planner,
  message: Extract<Extended, { type: 'parse' }>,
): Step<Op> {
  const { name, text } = message
  const named = checkName(name) ?? planner.duplicate(name)
  if (named !== null) return { op: 'fail', refused: named }
  if (planner.pathMoved) return { op: 'fail', refused: PATH_MOVED }
  const analysis = yield* c.analyse(text)
  // Parse runs nothing, so the target may say what it thinks of what we cannot read.
  if (!analysis.ok) return planner.prepare(name, message, asItIs(text), 'unparsed')
  const [facts, more] = analysis.statements
  if (more !== undefined) return { op: 'fail', refused: MULTIPLE }
  if (facts === undefined) return planner.prepare(name, message, asItIs(text), 'empty')
  yield* refreshNamed(c, facts)
  const resolution = resolve(c, facts, text)
  if (!resolution.ok) return { op: 'fail', refused: resolution.refused }
  return planner.prepare(name, message, resolution.statement, 'statement')
}

/** Names as they will be when the messages before have been done. */
class Planner {
  readonly ops: Op[] = []
  /** A statement before may change what names mean; nothing behind it can be looked up yet. */
  pathMoved = false
  /** A statement before names cursors or prepared statements anew, by SQL. */
  private namesMoved = false
  private readonly c: Conversation
  /** At the beginning: facts are no older. */
  private readonly knowledge: Knowledge
  private readonly statements = new Map<string, Prepared | null>()
  private readonly portals = new Map<string, Portal | null>()

  constructor(c: Conversation) {
    this.c = c
    this.knowledge = c.knowledge
  }

  look(message: Exclude<Extended, { type: 'parse' }>): Op {
    switch (message.type) {
      case 'bind':
        return this.bind(message)
      case 'describe':
        return this.describe(message)
      case 'execute':
        return this.execute(message)
      case 'close':
        return this.close(message)
    }
  }

  /** Names are looked up again at Bind, and at Execute what EXECUTE names, as the target does. */
  isStale(message: Extended): boolean {
    if (message.type === 'bind') {
      const prepared = this.statement(message.statement)
      return prepared !== undefined && !isFresh(this.c, prepared) && !this.isNew(prepared)
    }
    if (message.type !== 'execute') return false
    return this.portal(message.portal)?.prepared.facts?.command.type === 'execute'
  }

  *refresh(message: Extended): Step {
    if (message.type === 'bind') {
      const prepared = this.statement(message.statement)
      if (prepared === undefined) return
      this.statements.set(message.statement, yield* refreshed(this.c, prepared))
    } else if (message.type === 'execute') {
      const facts = this.portal(message.portal)?.prepared.facts ?? null
      if (facts !== null) yield* refreshNamed(this.c, facts)
    }
  }

  private isNew(prepared: Prepared): boolean {
    return this.ops.some((op) => op.op === 'parse' && op.prepared === prepared)
  }

  duplicate(name: string): Refused | null {
    if (this.c.names.isFull) return TOO_MANY
    if (name === '' || this.statement(name) === undefined) return null
    return { code: '42P05', message: `prepared statement "${name}" already exists` }
  }

  prepare(
    name: string,
    message: Extract<Extended, { type: 'parse' }>,
    resolved: Pick<Resolved, 'facts' | 'sentText' | 'underlying' | 'tag'>,
    kind: Prepared['kind'],
  ): Op {
    const prepared: Prepared = {
      upstream: this.c.names.fresh(),
      origin: 'protocol',
      text: message.text,
      sentText: resolved.sentText,
      types: message.types,
      typeOids: parameterTypes(message.types),
      facts: resolved.facts,
      underlying: resolved.underlying,
      tag: resolved.tag,
      kind,
      knownAt: this.knowledge,
      onTarget: false,
    }
    this.statements.set(name, prepared)
    return { op: 'parse', name, prepared }
  }

  private statement(name: string): Prepared | undefined {
    const planned = this.statements.get(name)
    if (planned !== undefined) return planned ?? undefined
    return this.c.names.statements.get(name)
  }

  private portal(name: string): Portal | undefined {
    const planned = this.portals.get(name)
    if (planned !== undefined) return planned ?? undefined
    return this.c.names.portals.get(name)
  }

  private bind(message: Extract<Extended, { type: 'bind' }>): Op {
    const wrong = checkName(message.portal)
    if (wrong !== null) return { op: 'fail', refused: wrong }
    const prepared = this.statement(message.statement)
    if (prepared === undefined) return { op: 'fail', refused: noStatement(message.statement) }
    if (this.namesMoved && prepared.origin === 'sql') return { op: 'fail', refused: NAMES_MOVED }
    if (this.pathMoved) return { op: 'fail', refused: PATH_MOVED }
    if (message.portal !== '' && this.portal(message.portal) !== undefined) {
      const text = `cursor "${message.portal}" already exists`
      return { op: 'fail', refused: { code: '42P03', message: text } }
    }
    const portal: Portal = {
      upstream: message.portal === '' ? '' : this.c.names.fresh(),
      origin: 'protocol',
      prepared,
      tail: message.tail,
      deferred: false,
      shape: undefined,
    }
    this.portals.set(message.portal, portal)
    return { op: 'bind', name: message.portal, portal }
  }

  private describe(message: Extract<Extended, { type: 'describe' }>): Op {
    if (message.what === 'statement') {
      const prepared = this.statement(message.name)
      if (prepared === undefined) return { op: 'fail', refused: noStatement(message.name) }
      return { op: 'describe-statement', prepared }
    }
    const portal = this.portal(message.name)
    if (portal === undefined) return { op: 'fail', refused: noPortal(message.name) }
    return { op: 'describe-portal', portal }
  }

  private execute(message: Extract<Extended, { type: 'execute' }>): Op {
    const portal = this.portal(message.portal)
    if (portal === undefined) return { op: 'fail', refused: noPortal(message.portal) }
    const { prepared } = portal
    if (this.namesMoved && usesNames(portal)) return { op: 'fail', refused: NAMES_MOVED }
    const resolution = this.resolved(prepared)
    if (resolution !== null && !resolution.ok) return { op: 'fail', refused: resolution.refused }
    const statement = resolution?.statement ?? null
    if (statement !== null && !isSame(statement.sentText, prepared.sentText))
      return { op: 'fail', refused: RENAMED }
    const execution = this.c.execution(statement?.facts ?? prepared.facts, prepared.text, {
      underlying: statement?.underlying ?? prepared.underlying,
      parameters: portal.tail,
      types: prepared.typeOids,
      tag: prepared.tag,
    })
    const local = localCommand(prepared)
    if (prepared.facts !== null && movesPath(prepared.facts)) this.pathMoved = true
    if (movesNames(prepared)) this.namesMoved = true
    return { op: 'execute', portal, maxRows: message.maxRows, execution, statement, local }
  }

  /** Names in the text (EXECUTE, FETCH) are looked up when it runs, not when it was parsed. */
  private resolved(prepared: Prepared): ReturnType<typeof resolve> | null {
    if (prepared.facts === null || prepared.origin === 'sql') return null
    return resolve(this.c, prepared.facts, prepared.text)
  }

  private close(message: Extract<Extended, { type: 'close' }>): Op {
    if (message.what === 'statement') {
      const prepared = this.statement(message.name) ?? null
      this.statements.set(message.name, null)
      return { op: 'close-statement', name: message.name, prepared }
    }
    const portal = this.portal(message.name) ?? null
    this.portals.set(message.name, null)
    return { op: 'close-portal', name: message.name, portal }
  }
}

function checkName(name: string): Refused | null {
  if (Buffer.byteLength(name) <= MAX_NAME) return null
  return {
    code: '42622',
    message: `name "${name}" is too long`,
    hint: `names of statements and portals have at most ${MAX_NAME} bytes`,
  }
}

function noStatement(name: string): Refused {
  const what = name === '' ? 'unnamed prepared statement' : `prepared statement "${name}"`
  return { code: '26000', message: `${what} does not exist` }
}

function noPortal(name: string): Refused {
  return { code: '34000', message: `portal "${name}" does not exist` }
}

/** What a name stands for is looked up before any of the pipeline has run: it must stay so. */
function usesNames({ origin, prepared }: Portal): boolean {
  const type = prepared.facts?.command.type
  return origin === 'sql' || type === 'execute' || type === 'fetch'
}

function movesNames({ facts, origin }: Prepared): boolean {
  return origin === 'protocol' && facts !== null && NAMING.has(facts.command.type)
}

const NAMING: ReadonlySet<string> = new Set([
  'declare',
  'close',
  'prepare',
  'deallocate',
  'discard',
])

function isSame(a: Buffer, b: Buffer): boolean {
  return a === b || a.equals(b)
}

const NAMES_MOVED: Refused = {
  code: '0A000',
  message: 'a cursor or statement cannot be used without Sync after names were given or taken',
  hint: 'send Sync after DECLARE, CLOSE, PREPARE and DEALLOCATE',
}

/** The target was told of another one at Parse, and would run that. */
const RENAMED: Refused = {
  code: '26000',
  message: 'what this statement names was replaced since Parse',
  hint: 'parse it again',
}

const PATH_MOVED: Refused = {
  code: '0A000',
  message: 'a statement cannot follow a change of search_path without Sync between them',
  hint: 'send Sync after the change',
}

const MULTIPLE: Refused = {
  code: '42601',
  message: 'cannot insert multiple commands into a prepared statement',
}

function asItIs(text: Buffer): Pick<Resolved, 'facts' | 'sentText' | 'underlying' | 'tag'> {
  return { facts: null, sentText: text, underlying: null, tag: null }
}
