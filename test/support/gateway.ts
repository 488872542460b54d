import pg from 'pg'
import { type Analyst, createAnalyst } from '../../broker/analysis/analyst.ts'
import { systemRuntime } from '../../broker/runtime.ts'
import { connectPostgres, type Upstream } from '../../broker/upstream/postgres.ts'
import type { GateOptions, Output } from '../../protocol/pg/conversation.ts'
import type { Answer, Question, Unit } from '../../protocol/pg/execution.ts'
import { PostgresGate } from '../../protocol/pg/gate.ts'
import { read, summary } from './messages.ts'
import { bytesForClient, type Input } from './pieces.ts'
import { type RunningPostgres, startPostgres } from './postgres.ts'

const PASSWORD = 'app'
const ROLES = `
CREATE ROLE reader; CREATE ROLE writer;
CREATE ROLE app LOGIN NOINHERIT PASSWORD '${PASSWORD}';
GRANT reader, writer TO app;
GRANT CREATE ON SCHEMA public TO writer;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO writer;
`
/** Only the gate says it, and by itself. */
const READY = 0x5a
const FREE: ReadonlySet<string> = new Set(['read', 'session', 'transaction'])

/** A real PostgreSQL behind the gate: real analyst, real roles; what it holds, the test decides. */
export class Gateway {
  readonly admin: pg.Client
  readonly server: RunningPostgres
  private readonly analyst: Analyst
  private readonly wires: Wire[] = []

  private constructor(server: RunningPostgres, analyst: Analyst, admin: pg.Client) {
    this.server = server
    this.analyst = analyst
    this.admin = admin
  }

  static async start(sql: string): Promise<Gateway> {
    const server = await startPostgres({ sql: { postgres: ROLES + sql } })
    const admin = new pg.Client(server.url())
    await admin.connect()
    const connect = () => connectPostgres(targetOf(server), { applicationName: 'a', params: {} })
    const analyst = await createAnalyst({ connect, runtime: systemRuntime })
    return new Gateway(server, analyst, admin)
  }

  /** What is in the database, asked beside the gate. */
  async rows(sql: string): Promise<unknown[]> {
    const { rows } = await this.admin.query({ text: sql, rowMode: 'array' })
    return rows.flat()
  }

  async connect(): Promise<Wire> {
    const startup = { applicationName: 'test', params: { role: 'reader' } }
    const upstream = await connectPostgres(targetOf(this.server), startup)
    const wire = new Wire(upstream, this.analyst)
    this.wires.push(wire)
    return wire
  }

  /** DDL beside the gate: nobody must answer from what was known before. */
  async ddl(sql: string): Promise<void> {
    await this.admin.query(sql)
    await this.analyst.refresh()
  }

  async stop(): Promise<void> {
    for (const wire of this.wires) wire.upstream.destroy()
    await this.analyst.close()
    await this.admin.end()
    await this.server.stop()
  }
}

function targetOf(server: RunningPostgres) {
  return {
    ...{ host: server.host, port: server.port, database: 'postgres', user: 'app' },
    ...{ password: () => PASSWORD, tls: { mode: 'disable' as const }, connectTimeoutMs: 30_000 },
  }
}

export interface Hold {
  readonly unit: Unit
  approve(maxRows?: number): void
  reject(): void
}

/** One client at the gate, raw: bytes in, messages out. */
export class Wire {
  readonly upstream: Upstream
  readonly settled: string[] = []
  /** All that the gate was given, so that it can be given again, cut in other pieces. */
  readonly inputs: Input[] = []
  readonly options: GateOptions
  closed: string | null = null
  withdrawn = 0
  private readonly gate: PostgresGate
  private readonly analyst: Analyst
  private readonly holds: Hold[] = []
  private readonly waiting = new Set<() => void>()
  private seen: Buffer[] = []
  private readies = 0
  private spool: Buffer[] = []

  constructor(upstream: Upstream, analyst: Analyst) {
    this.upstream = upstream
    this.analyst = analyst
    const roles = { reader: 'reader', writer: 'writer' }
    this.options = { parameters: upstream.parameters, roles }
    this.gate = new PostgresGate(this.options)
    upstream.onData((bytes) => this.feed({ type: 'target', bytes }))
    upstream.onClose((why) => this.feed({ type: 'target-closed', why }))
  }

  send(...bytes: Buffer[]): void {
    this.feed({ type: 'client', bytes: Buffer.concat(bytes) })
  }

  /** Sends, and gives what came until so many ReadyForQuery. */
  async ask(bytes: Buffer | readonly Buffer[], readies = 1): Promise<string[]> {
    this.send(...(Buffer.isBuffer(bytes) ? [bytes] : bytes))
    return this.answers(readies)
  }

  async answers(readies = 1): Promise<string[]> {
    await this.until(() => this.closed !== null || this.readies >= readies)
    this.readies = 0
    return summary(Buffer.concat(this.seen.splice(0)))
  }

  /** The same, where whatever is asked about meanwhile is approved. */
  async answersApproved(): Promise<string[]> {
    while (this.readies === 0 && this.closed === null) {
      this.holds.shift()?.approve()
      if (this.readies === 0) await this.until(() => this.holds.length > 0 || this.readies > 0)
    }
    return this.answers()
  }

  /** Until a message of this type has come. */
  async see(type: string): Promise<string[]> {
    const shown = () => read(Buffer.concat(this.seen))
    await this.until(() => this.closed !== null || shown().some((each) => each[0] === type))
    return summary(Buffer.concat(this.seen.splice(0)))
  }

  /** The next thing that people are asked about; an answer instead of it is an error. */
  async held(): Promise<Hold> {
    const shown = () => summary(Buffer.concat(this.seen))
    const isOver = () => this.closed !== null || this.readies > 0
    await this.until(() => this.holds.length > 0 || isOver())
    const hold = this.holds.shift()
    if (hold === undefined) throw new Error(`not held: ${shown().join(' | ')}`)
    return hold
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.waiting.add(resolve))
  }

  feed(input: Input): void {
    this.inputs.push(input)
    for (const output of this.gate.handle(input)) this.one(output)
    for (const wake of this.waiting) wake()
    this.waiting.clear()
  }

  private one(output: Output): void {
    const bytes = bytesForClient(output)
    if (bytes !== null) this.seen.push(Buffer.from(bytes))
    if (bytes?.[0] === READY) this.readies++
    if (output.type === 'send') this.upstream.write(output.bytes)
    if (output.type === 'ask') this.answer(output.id, output.question)
    if (output.type === 'withdraw') this.withdrawn++
    if (output.type === 'cancel-target') this.upstream.cancel().catch(() => this.upstream.destroy())
    if (output.type === 'spool') this.spool.push(Buffer.from(output.bytes))
    if (output.type === 'replay') queueMicrotask(() => this.replay())
    if (output.type === 'unspool') this.spool = []
    if (output.type === 'settled') this.settled.push(output.status)
    if (output.type === 'close') {
      this.closed = output.fault
      this.upstream.end()
    }
  }

  private replay(): void {
    for (const bytes of this.spool) this.feed({ type: 'spooled', bytes })
    this.feed({ type: 'spool-end' })
  }

  private answer(id: number, question: Question): void {
    const tell = (answer: Answer): void => this.feed({ type: 'answer', id, answer })
    if (question.kind === 'analyse') {
      const known = this.analyst.analyse(question.text, question.searchPath)
      Promise.resolve(known).then(
        (analysis) => tell({ kind: 'analysis', analysis }),
        () => this.upstream.destroy(),
      )
      return
    }
    const { unit, dry } = question
    const isFree = unit.executions.every((each) => FREE.has(each.facts?.class ?? 'unknown'))
    if (isFree) return queueMicrotask(() => tell({ kind: 'allow' }))
    const request = `r-${id}`
    queueMicrotask(() => tell({ kind: 'held', request, message: 'held', hint: 'wait' }))
    if (dry) return
    const refused = { kind: 'refused', sqlstate: '42501', message: 'no', hint: 'no' } as const
    this.holds.push({
      unit,
      approve: (maxRows) => tell({ kind: 'approved', request, maxRows: maxRows ?? null }),
      reject: () => tell(refused),
    })
  }
}
