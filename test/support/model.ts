import assert from 'node:assert/strict'
import type { Known, Output } from '../../protocol/pg/conversation.ts'
import type { Answer, Unit } from '../../protocol/pg/execution.ts'
import { PostgresGate } from '../../protocol/pg/gate.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'
import { analysisOf } from './analyses.ts'
import { KINDS, type Said } from './arbitrary-client.ts'
import { summary } from './messages.ts'
import { ModelServer } from './model-server.ts'
import { bytesForClient, type Input } from './pieces.ts'

/** A client, the gate and a server that answers at once; writes are decided by a given list. */
export class Model {
  readonly server = new ModelServer()
  readonly toClient: Buffer[] = []
  readonly toServer: Buffer[] = []
  closed: Extract<Output, { type: 'close' }> | null = null
  allowed = 0
  private readonly gate: PostgresGate
  private readonly decisions: readonly boolean[]
  private decided = 0
  private pending: Input[] = []

  /** `knows`: reads are known before they are asked about. */
  constructor(decisions: readonly boolean[], knows = false) {
    this.decisions = decisions
    const known = knows ? { known: KNOWN } : {}
    this.gate = new PostgresGate({ parameters: new Map(), roles: null, ...known })
  }

  client(bytes: Buffer): void {
    this.pending.push({ type: 'client', bytes })
    for (let input = this.pending.shift(); input !== undefined; input = this.pending.shift()) {
      for (const output of this.gate.handle(input)) this.one(output)
    }
  }

  private one(output: Output): void {
    const bytes = bytesForClient(output)
    if (bytes !== null) this.toClient.push(bytes)
    if (output.type === 'close') this.closed = output
    if (output.type === 'send') this.send(output.bytes)
    if (output.type === 'ask') this.ask(output)
  }

  private send(bytes: Buffer): void {
    const before = this.server.written.length
    this.toServer.push(bytes)
    this.pending.push({ type: 'target', bytes: this.server.take(bytes) })
    if (this.server.written.length > before) assert.ok(this.allowed > 0, 'a write was not decided')
  }

  private ask({ id, question }: Extract<Output, { type: 'ask' }>): void {
    const tell = (answer: Answer): number => this.pending.push({ type: 'answer', id, answer })
    if (question.kind === 'analyse') {
      tell({ kind: 'analysis', analysis: analysisOfModel(question.text) })
      return
    }
    if (!isWrite(question.unit)) tell({ kind: 'allow' })
    else if (question.dry) tell({ kind: 'held', request: '', message: '', hint: '' })
    else this.decide(tell, question.unit.executions.length)
  }

  private decide(tell: (answer: Answer) => number, count: number): void {
    tell({ kind: 'held', request: 'r', message: 'held', hint: '' })
    const yes = this.decisions[this.decided++ % this.decisions.length] ?? false
    if (yes) this.allowed += count
    tell(
      yes
        ? { kind: 'approved', request: 'r', maxRows: null }
        : { kind: 'refused', sqlstate: '42501', message: 'no', hint: 'no' },
    )
  }

  /** ReadyForQuery that the client was given. */
  get readies(): number {
    let count = 0
    for (let rest = Buffer.concat(this.toClient); rest.length > 0; ) {
      if (rest[0] === 0x5a) count++
      rest = rest.subarray(rest.readInt32BE(1) + 1)
    }
    return count
  }
}

function analysisOfModel(text: Buffer): Analysis {
  const kind = KINDS[text.toString()]
  assert.ok(kind !== undefined)
  return analysisOf(text, [kind()])
}

function isWrite(unit: Unit): boolean {
  return unit.executions.some((each) => each.facts?.class === 'write')
}

/** The same facts for the same text each time, as a cache gives them. */
const ANALYSES = new Map<string, Analysis>()

export const KNOWN: Known = {
  analysis(text) {
    const key = text.toString()
    const known = ANALYSES.get(key) ?? analysisOfModel(text)
    ANALYSES.set(key, known)
    return known
  },
  allows: (unit) => !isWrite(unit),
}

/** What is known spares questions and changes nothing else: neither end can tell. */
export function checkKnown(said: readonly Said[], decisions: readonly boolean[]): void {
  const [asking, knowing] = [new Model(decisions), new Model(decisions, true)]
  for (const { bytes } of said) {
    for (const model of [asking, knowing]) model.client(bytes)
    assert.deepEqual(Buffer.concat(knowing.toClient), Buffer.concat(asking.toClient))
    assert.deepEqual(knowing.toServer, asking.toServer)
  }
}

/** A gate that allows everything does not show: the same conversation without it is the same. */
export function checkInvisible(said: readonly Said[]): void {
  const [model, server] = [new Model([true]), new ModelServer()]
  let aborted = false
  for (const { bytes } of said) {
    const before = model.toClient.length
    model.client(bytes)
    const seen = kindsOf(model.toClient.slice(before), aborted)
    const expected = kindsOf([server.take(bytes)], aborted)
    assert.deepEqual(seen, expected, `after ${bytes.toString('latin1')}`)
    aborted = expected.at(-1) === 'Z E'
  }
}

/** The messages; of errors, that they are errors. In an aborted block the gate says nothing before. */
function kindsOf(buffers: readonly Buffer[], aborted: boolean): string[] {
  const all = summary(Buffer.concat(buffers)).map((each) => (each.startsWith('E') ? 'E' : each))
  return aborted && all.includes('E') ? all.slice(all.indexOf('E')) : all
}

/**
 * As the protocol counts them: one for each Sync, and one for each Query that is not skipped. A
 * Query is skipped between an error of the extended protocol and the next Sync.
 */
export function check(said: readonly Said[], decisions: readonly boolean[]): void {
  const model = new Model(decisions)
  let least = 0
  let most = 0
  for (const { bytes, kind } of said) {
    const before = model.readies
    model.client(bytes)
    if (kind === 'sync') {
      assert.equal(model.readies, before + 1, 'one ReadyForQuery for one Sync')
      least++
    }
    if (kind === 'query') assert.ok(model.readies - before <= 1)
    if (kind === 'other') assert.equal(model.readies, before)
    if (kind !== 'other') most++
    assert.equal(model.closed, null)
  }
  assert.ok(model.readies >= least && model.readies <= most)
  // Bind and Execute of a unit, or its Query: never more than what was allowed.
  const bound = model.server.written.filter((each) => each.startsWith('bind')).length
  const run = model.server.written.length - bound
  assert.ok(bound <= model.allowed && run <= model.allowed, 'a write ran that nobody allowed')
}
