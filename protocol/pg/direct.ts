import { MalformedBytes } from '../bytes/cursor.ts'
import type { Conversation } from './conversation.ts'
import type { Execution } from './execution.ts'
import { isFresh } from './fresh.ts'
import type { FrontendMessage } from './frontend.ts'
import type { Portal, Prepared } from './names.ts'
import { movesPath } from './resolve.ts'
import { unitOf } from './run.ts'
import { describe, sendBind, sendExecute } from './send.ts'
import { ownText } from './simple.ts'
import type { StatementFacts } from './statement.ts'

/**
 * The short path, which most of the traffic takes: one statement that only reads, that was understood
 * before and that policy allows, as one Query or as Bind (Describe) Execute Sync of what was parsed
 * before. It does what `simpleQuery` and `pipeline` do with such a one, in one step with one wait.
 * Whatever is not exactly this is left to them.
 */
export class Direct {
  isRunning = false
  private readonly c: Conversation

  constructor(c: Conversation) {
    this.c = c
  }

  /** True: none is on its way any more. */
  isOver(): boolean {
    if (!this.isRunning) return true
    const { c } = this
    if (c.target.copyIn === 'ready') throw new MalformedBytes('the target wants copy data')
    if (!c.target.quiet) return false
    this.isRunning = false
    if (c.status === 'I') c.names.endTransaction()
    c.ready()
    return true
  }

  /** Begins what stands first in the inbox. The number of messages that it took; 0 = none. */
  begin(inbox: readonly FrontendMessage[]): number {
    if (!this.mayBegin()) return 0
    const used = inbox[0]?.type === 'query' ? this.query(inbox[0].text) : this.pipeline(inbox)
    this.isRunning = used > 0
    return used
  }

  /** Nothing is half done, and the guard is where it has to be. */
  private mayBegin(): boolean {
    const { c } = this
    if (c.options.known === undefined || c.searchPathStale) return false
    if (c.implicit !== 'none' || c.target.skipping || !c.target.quiet) return false
    return c.status === 'I' || (c.status === 'T' && (c.block.guarded || c.block.openedReadOnly))
  }

  private query(text: Buffer): number {
    const { c } = this
    const analysis = c.options.known?.analysis(text, c.searchPath) ?? null
    if (analysis === null || !analysis.ok || analysis.statements.length !== 1) return 0
    const facts = analysis.statements[0] as StatementFacts
    if (!isPlainRead(facts)) return 0
    const own = ownText(text, facts)
    const execution = c.execution(facts, own)
    const unit = unitOf(c, own, [execution])
    if (c.options.known?.allows(unit) !== true) return 0
    c.names.dropUnnamed()
    c.target.error = null
    c.knownAnalysis(text)
    c.mayRunAtOnce(unit)
    c.maxRows = null
    c.writer.query(own)
    c.target.expect({ kind: 'query', visible: true, executions: unit.executions, done: nothing })
    c.send()
    return 1
  }

  private pipeline(inbox: readonly FrontendMessage[]): number {
    const { c } = this
    const [bind, second] = inbox
    if (bind?.type !== 'bind' || bind.portal !== '' || c.names.hasGarbage) return 0
    const described = second?.type === 'describe' && second.what === 'portal' && second.name === ''
    const execute = described ? inbox[2] : second
    if (execute?.type !== 'execute' || execute.portal !== '' || execute.maxRows !== 0) return 0
    const used = described ? 4 : 3
    if (inbox[used - 1]?.type !== 'sync') return 0
    const prepared = c.names.statements.get(bind.statement)
    if (prepared === undefined || !this.isReady(prepared)) return 0
    const { text, facts, typeOids: types } = prepared
    const execution = c.execution(facts, text, { parameters: bind.tail, types, tag: prepared.tag })
    if (!c.mayRunAtOnce(unitOf(c, text, [execution]))) return 0
    c.maxRows = null
    c.copied = false
    this.send({ ...UNNAMED, prepared, tail: bind.tail }, execution, described)
    return used
  }

  /** Parsed at the target, and what it means there is what it meant when it was looked at. */
  private isReady(prepared: Prepared): boolean {
    const { kind, origin, onTarget, facts, underlying } = prepared
    if (kind !== 'statement' || origin !== 'protocol' || !onTarget) return false
    return facts !== null && underlying === null && isPlainRead(facts) && isFresh(this.c, prepared)
  }

  private send(portal: Portal, execution: Execution, described: boolean): void {
    const { c } = this
    c.target.error = null
    sendBind(c, '', portal, false)
    if (described) describe(c, portal, true)
    sendExecute(c, { portal, execution, maxRows: 0, statement: null }, false)
    c.writer.sync()
    c.target.expect({ kind: 'sync' })
    c.send()
  }
}

const nothing = (): void => undefined
const UNNAMED = { upstream: '', origin: 'protocol', deferred: false, shape: undefined } as const

/** Changes nothing, not even what the conversation knows of itself. */
function isPlainRead(facts: StatementFacts): boolean {
  const { class: kind, command, refusal } = facts
  return kind === 'read' && command.type === 'query' && refusal === null && !movesPath(facts)
}
