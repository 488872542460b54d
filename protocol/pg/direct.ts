import { MalformedBytes } from '../bytes/cursor.ts'
import { statusOf } from './backend.ts'
import type { Conversation } from './conversation.ts'
import type { Execution, Shape } from './execution.ts'
import { HEADER } from './framer.ts'
import { isFresh } from './fresh.ts'
import type { BindTail, FrontendMessage } from './frontend.ts'
import type { Portal, Prepared } from './names.ts'
import { type Ordinary, ordinaryAnswer, ordinaryRequest } from './ordinary.ts'
import { movesPath } from './resolve.ts'
import { unitOf } from './run.ts'
import { ownText } from './simple.ts'
import type { StatementFacts } from './statement.ts'

/**
 * The short path, which most of the traffic takes: one statement that only reads, that was understood
 * before and that policy allows, as one Query or as Bind (Describe) Execute Sync of what was parsed
 * before. It does what `simpleQuery` and `pipeline` do with such a one, in one step with one wait.
 * Whatever is not exactly this is left to them.
 */
export class Direct {
  private readonly c: Conversation
  private running: Running | null = null

  constructor(c: Conversation) {
    this.c = c
  }

  get isRunning(): boolean {
    return this.running !== null
  }

  /** True: none is on its way any more. */
  isOver(): boolean {
    if (this.running === null) return true
    const { c } = this
    if (c.target.copyIn === 'ready') throw new MalformedBytes('the target wants copy data')
    if (!c.target.quiet) return false
    this.running = null
    if (c.status === 'I') c.names.endTransaction()
    c.ready()
    return true
  }

  /** Begins what stands first in the inbox. The number of messages that it took; 0 = none. */
  begin(inbox: readonly FrontendMessage[]): number {
    if (!this.mayBegin()) return 0
    return inbox[0]?.type === 'query' ? this.query(inbox[0].text) : this.pipeline(inbox)
  }

  /** Begins what the chunk asks for, as it mostly comes. False: it is left to `begin`, message by message. */
  beginWith(chunk: Buffer): boolean {
    if (!this.mayBegin()) return false
    const request = ordinaryRequest(chunk)
    if (request === null) return false
    return this.bound(request.statement, request.tail, request.described)
  }

  /**
   * The whole answer as it mostly comes, taken at once. False: it is another one, or not all of it;
   * from now on it is followed message by message. `first`: nothing is left of the chunk before.
   */
  answer(chunk: Buffer, first: boolean): boolean {
    const { running, c } = this
    if (running === null || c.target.direct === null) return false
    const found = first ? ordinaryAnswer(chunk, running.portal !== null) : null
    if (found === null) {
      this.follow(running)
      return false
    }
    this.take(chunk, found, running)
    return true
  }

  private take(chunk: Buffer, at: Ordinary, { portal, execution, described }: Running): void {
    const { c } = this
    c.target.direct = null
    this.running = null
    c.target.status = statusOf(chunk[at.ready + HEADER])
    const shape = c.target.shapeIn(chunk, at.shape, at.rows)
    execution.shape = shape
    if (portal !== null) portal.shape = shape
    if (c.status === 'I') c.names.endTransaction()
    else if (portal !== null) c.names.portals.set('', portal)
    const { tag, rows: counted } = c.target.tagIn(chunk, at.complete, at.ready)
    execution.rows = counted
    // What the client did not ask for lies between what it is to see.
    if (!described) c.reply(chunk.subarray(0, at.shape))
    const bytes = described ? chunk : chunk.subarray(at.rows)
    const before = described ? at.rows : 0
    const rows = chunk.subarray(at.rows, at.complete)
    c.emit({ type: 'answer', execution, bytes, before, rows, count: at.count, tag })
  }

  /** What the target owes, spelled out. */
  private follow({ portal, execution, described }: Running): void {
    const { target, names } = this.c
    target.direct = null
    if (portal === null) {
      target.expect({ kind: 'query', visible: true, executions: [execution], done: nothing })
      return
    }
    const bound = (): void => {
      names.portals.set('', portal)
    }
    const shaped = (shape: Shape | null): void => {
      portal.shape = shape
    }
    const shape = (): Shape | null => portal.shape ?? null
    const what = 'portal' as const
    target.expect({ kind: 'bind', visible: true, done: bound })
    target.expect({ ...DESCRIBED, visible: described, what, done: shaped })
    target.expect({ kind: 'execute', visible: true, execution, shape, done: nothing })
    target.expect({ kind: 'sync' })
  }

  /** Nothing is half done, and the guard is where it has to be. */
  private mayBegin(): boolean {
    const { c } = this
    if (c.options.known === undefined || c.searchPathStale || c.insideStale) return false
    if (c.implicit !== 'none' || c.target.skipping || !c.target.quiet) return false
    return c.status === 'I' || (c.status === 'T' && (c.block.guarded || c.block.openedReadOnly))
  }

  private query(text: Buffer): number {
    const { c } = this
    const analysis = c.options.known?.analysis(text, c.searchPath, c.inside) ?? null
    if (analysis === null || !analysis.ok || analysis.statements.length !== 1) return 0
    const facts = analysis.statements[0] as StatementFacts
    if (!isPlainRead(facts)) return 0
    const own = ownText(text, facts)
    const execution = c.execution(facts, own)
    const unit = unitOf(c, own, [execution])
    if (c.options.known?.allows(unit) !== true) return 0
    c.noteAnalysis(text, analysis)
    c.noteAllowed(unit)
    c.names.dropUnnamed()
    c.writer.query(own)
    this.sent({ portal: null, execution, described: true })
    return 1
  }

  private pipeline(inbox: readonly FrontendMessage[]): number {
    const [bind, second] = inbox
    if (bind?.type !== 'bind' || bind.portal !== '') return 0
    const described = second?.type === 'describe' && second.what === 'portal' && second.name === ''
    const execute = described ? inbox[2] : second
    if (execute?.type !== 'execute' || execute.portal !== '' || execute.maxRows !== 0) return 0
    const used = described ? 4 : 3
    if (inbox[used - 1]?.type !== 'sync') return 0
    return this.bound(bind.statement, bind.tail, described) ? used : 0
  }

  private bound(statement: string, tail: BindTail, described: boolean): boolean {
    const { c } = this
    if (c.names.hasGarbage) return false
    const prepared = c.names.statements.get(statement)
    if (prepared === undefined || !this.isReady(prepared)) return false
    const { upstream, text, facts, typeOids: types } = prepared
    const execution = c.execution(facts, text, { parameters: tail, types })
    if (!c.mayRunAtOnce(unitOf(c, text, [execution]))) return false
    c.copied = false
    c.writer.bind('', upstream, tail.bytes).describe('portal', '').execute('', 0).sync()
    this.sent({ portal: { ...UNNAMED, prepared, tail }, execution, described })
    return true
  }

  private sent(running: Running): void {
    const { c } = this
    c.maxRows = null
    c.target.error = null
    c.target.direct = running.execution
    this.running = running
    c.send()
  }

  /** Parsed at the target, and what it means there is what it meant when it was looked at. */
  private isReady(prepared: Prepared): boolean {
    const { kind, origin, onTarget, facts, underlying, tag } = prepared
    if (kind !== 'statement' || origin !== 'protocol' || !onTarget) return false
    if (facts === null || underlying !== null || tag !== null) return false
    return isPlainRead(facts) && isFresh(this.c, prepared)
  }
}

/** What was sent, until it is answered. */
interface Running {
  /** Null: a Query. */
  readonly portal: Portal | null
  readonly execution: Execution
  /** The client is to see the RowDescription. */
  readonly described: boolean
}

const nothing = (): void => undefined
const UNNAMED = { upstream: '', origin: 'protocol', deferred: false, shape: undefined } as const
/** An error of it ends what the client asked for, whether the client asked for it or not. */
const DESCRIBED = { kind: 'describe', errors: true, formats: [] as readonly number[] } as const

/** Changes nothing, not even what the conversation knows of itself. */
function isPlainRead(facts: StatementFacts): boolean {
  const { class: kind, command, refusal } = facts
  return kind === 'read' && command.type === 'query' && refusal === null && !movesPath(facts)
}
