import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GateOptions, Output } from '../../protocol/pg/conversation.ts'
import type { Answer, Unit } from '../../protocol/pg/execution.ts'
import { PostgresGate } from '../../protocol/pg/gate.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'
import { analysisOf, type Facts } from './analyses.ts'
import {
  close,
  closeComplete,
  columns,
  complete,
  emptyQuery,
  parse,
  parseComplete,
  query,
  read,
  ready,
  row,
  summary,
  sync,
} from './messages.ts'
import { assertSameInPieces, bytesForClient, type Input } from './pieces.ts'

export const SEARCH_PATH =
  "SELECT pg_catalog.array_to_string(pg_catalog.current_schemas(true), E'\\n')"
const PARAMETERS = { default_transaction_read_only: 'on', client_encoding: 'UTF8' }

/** A conversation through the gate, to be read aloud: who says what, in this order and no other. */
export class Play {
  readonly inputs: Input[] = []
  readonly options: GateOptions
  private readonly gate: PostgresGate
  private toTarget: Buffer[] = []
  private toClient: Buffer[] = []
  private others: Output[] = []

  constructor(options: Partial<GateOptions> & { parameters?: ReadonlyMap<string, string> } = {}) {
    this.options = { parameters: new Map(Object.entries(PARAMETERS)), roles: null, ...options }
    this.gate = new PostgresGate(this.options)
  }

  /** Data of COPY FROM STDIN that were reported, for the record, before they were sent. */
  copied = ''

  get waiting(): number {
    return this.gate.waiting
  }

  give(input: Input): void {
    this.inputs.push(input)
    for (const output of this.gate.handle(input)) {
      const bytes = bytesForClient(output)
      if (output.type === 'copied') this.copied += output.bytes.toString()
      if (output.type === 'send') this.toTarget.push(output.bytes)
      else if (bytes !== null) this.toClient.push(bytes)
      else if (!QUIET.has(output.type)) this.others.push(output)
    }
  }

  client = (...bytes: Buffer[]): void => this.give({ type: 'client', bytes: Buffer.concat(bytes) })
  target = (...bytes: Buffer[]): void => this.give({ type: 'target', bytes: Buffer.concat(bytes) })

  /** Exactly this goes to the target now. */
  sends(...bytes: Buffer[]): void {
    assert.deepEqual(read(Buffer.concat(this.toTarget.splice(0))), read(Buffer.concat(bytes)))
  }

  /** The client sees exactly this now. */
  replies(...bytes: Buffer[]): void {
    assert.deepEqual(read(Buffer.concat(this.toClient.splice(0))), read(Buffer.concat(bytes)))
  }

  /** As `replies`, of errors only the SQLSTATE. */
  shows(...messages: string[]): void {
    assert.deepEqual(summary(Buffer.concat(this.toClient.splice(0))), messages)
  }

  /** The last message that the client sees; what came before it is no matter. */
  endsWith(last: string): void {
    assert.equal(summary(Buffer.concat(this.toClient.splice(0))).at(-1), last)
  }

  /** The next thing that is neither bytes for the target nor for the client. */
  says<T extends Output['type']>(type: T): Extract<Output, { type: T }> {
    const output = this.others.shift()
    assert.equal(output?.type, type)
    return output as Extract<Output, { type: T }>
  }

  /** Asks what the text is, and is told. */
  asks(text: string, ...all: Facts[]): void {
    this.asksFor(text, (bytes) => analysisOf(bytes, all))
  }

  asksFor(text: string, analyse: (text: Buffer) => Analysis): void {
    const { id, question } = this.says('ask')
    assert.equal(question.kind, 'analyse')
    if (question.kind !== 'analyse') return
    assert.equal(question.text.toString(), text)
    const analysis = analyse(question.text)
    this.give({ type: 'answer', id, answer: { kind: 'analysis', analysis } })
  }

  /** Asks whether the text may run. */
  judges(text: string, dry = false): { readonly unit: Unit; tell(...answers: Answer[]): void } {
    const { id, question } = this.says('ask')
    assert.equal(question.kind, 'judge')
    if (question.kind !== 'judge') throw new Error('not reached')
    assert.equal(question.unit.text.toString(), text)
    assert.equal(question.dry, dry)
    const tell = (...answers: Answer[]): void => {
      for (const answer of answers) this.give({ type: 'answer', id, answer })
    }
    return { unit: question.unit, tell }
  }

  allows(text: string): void {
    this.judges(text).tell({ kind: 'allow' })
  }

  /** It is held; the client has its notice. The function approves it, or refuses it. */
  holds(text: string): (answer?: Answer) => void {
    const { tell } = this.judges(text)
    tell(HELD)
    assert.deepEqual(summary(this.toClient.pop() ?? Buffer.alloc(0)), ['N 00000'])
    return (answer = APPROVED) => tell(answer)
  }

  /** A write by itself: tried on the target's parser, under this name, before people are asked. */
  triesAndHolds(text: string, name: string, status: 'I' | 'T' = 'I'): (answer?: Answer) => void {
    this.judges(text, true).tell(HELD)
    this.parsesOnly(text, name, status)
    return this.holds(text)
  }

  /** Data of a COPY are kept, and no more. */
  spools(data: string): void {
    assert.equal(this.says('spool').bytes.toString(), data)
  }

  settles(status: 'ok' | 'error' | 'unknown', rows: number | null = null): void {
    const settled = this.says('settled')
    assert.deepEqual([settled.request, settled.status, settled.rows], ['r-1', status, rows])
  }

  closes(fault: 'none' | 'client' | 'target' | 'hoop'): void {
    assert.equal(this.says('close').fault, fault)
  }

  /** Nothing is left unsaid. */
  done(): void {
    this.sends()
    this.replies()
    assert.deepEqual(this.others, [])
  }

  /** The broker's own statement: goes out, is answered, and nobody sees it. */
  hidden(sql: string, ...answers: Buffer[]): void {
    this.sends(query(sql))
    this.target(...answers)
  }

  window = {
    opens: () => this.hidden('SET default_transaction_read_only = off', complete('SET'), ready()),
    closes: () => this.hidden('RESET default_transaction_read_only', complete('RESET'), ready()),
  }

  looksUpPath(status: 'I' | 'T' = 'I', path = 'pg_catalog\npublic'): void {
    this.hidden(SEARCH_PATH, columns('path'), row(path), complete('SELECT 1'), ready(status))
  }

  /** Parse in a Sync of its own, which runs nothing: does the target understand the text? */
  parsesOnly(text: string, name: string, status: 'I' | 'T' = 'I'): void {
    this.sends(...(status === 'T' ? this.guard : []), parse(text, name), close(name), sync())
    if (status === 'T') this.target(...GUARDED)
    this.target(parseComplete, closeComplete, ready(status))
  }

  /** Before the first statement in a block. */
  guard = [query('SAVEPOINT hoop_guard; SET TRANSACTION READ ONLY')]

  runs(text: string, kind: Facts, answers: readonly Buffer[]): void {
    this.client(query(text))
    this.asks(text, kind)
    this.allows(text)
    this.sends(query(text))
    this.target(...answers)
    this.replies(...answers)
  }
}

export const GUARDED = [complete('SAVEPOINT'), complete('SET'), ready('T')]
export const APPROVED: Answer = { kind: 'approved', request: 'r-1', maxRows: null }
export const REFUSED: Answer = { kind: 'refused', sqlstate: '42501', message: 'no', hint: 'no' }
export const HELD: Answer = { kind: 'held', request: 'r-1', message: 'held', hint: 'ask bob' }

/** Outputs that only the record needs. */
const QUIET: ReadonlySet<string> = new Set(['parameter', 'error', 'copied', 'changed'])

/** Starts where most conversations are after a moment: the search path is known. */
export function play(options: Partial<GateOptions> = {}): Play {
  const t = new Play(options)
  t.client(query(''))
  t.looksUpPath()
  t.asks('')
  t.replies(emptyQuery, ready())
  return t
}

/** A test of one conversation, and of the same conversation cut into pieces in every way. */
export function scene(name: string, act: (t: Play) => void, options?: Partial<GateOptions>): void {
  test(name, () => {
    const t = play(options)
    act(t)
    t.done()
    assertSameInPieces(t.inputs, t.options)
  })
}
