import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAnalyst } from '../../broker/analysis/analyst.ts'
import { type Desk, openDesk } from '../../broker/approval/desk.ts'
import type { Config, ConnectionConfig } from '../../broker/config.ts'
import { NO_PERSONS } from '../../broker/identity/persons.ts'
import { Presence } from '../../broker/identity/presence.ts'
import type { Principal } from '../../broker/identity/principal.ts'
import { parsePolicy } from '../../broker/policy/parse.ts'
import type { LogFs } from '../../broker/recorder/files.ts'
import { openRecorder, type Recorder } from '../../broker/recorder/recorder.ts'
import { systemRuntime } from '../../broker/runtime.ts'
import type { ClientEnd } from '../../broker/session/client-end.ts'
import { openSession, type SessionDeps } from '../../broker/session/open.ts'
import { type LiveSession, Sessions } from '../../broker/session/sessions.ts'
import { Targets } from '../../broker/session/target.ts'
import { LiveWindows } from '../../broker/session/windows.ts'
import { openStore } from '../../broker/store/open.ts'
import type { Store } from '../../broker/store/store.ts'
import { connectPostgres } from '../../broker/upstream/postgres.ts'
import {
  BACKEND_RULES,
  decodeErrorFields,
  decodeReadyForQuery,
  type ErrorFields,
} from '../../protocol/pg/backend.ts'
import { Framer } from '../../protocol/pg/framer.ts'
import { FrontendWriter } from '../../protocol/pg/frontend.ts'
import { terminate } from './messages.ts'
import type { RunningPostgres } from './postgres.ts'

/** Sessions as the broker opens them, without tunnel and login: what a client sends and gets, as bytes. */

export const ALICE: Principal = {
  issuer: 'https://idp.test',
  subject: 'alice',
  email: 'alice@example.test',
  groups: ['engineers'],
  roles: ['requester'],
  keys: ['account:https://idp.test alice'],
  machine: false,
  jkt: 'key-of-alice',
  issuedAt: Number.MAX_SAFE_INTEGER,
  expiresAt: Number.MAX_SAFE_INTEGER,
}

export const BOB: Principal = {
  ...ALICE,
  subject: 'bob',
  email: 'bob@example.test',
  groups: ['dba'],
  roles: ['requester', 'approver'],
  keys: ['account:https://idp.test bob'],
  jkt: 'key-of-bob',
}

const POLICY = `connections:
  pg-prod:
    request: [engineers, dba]
    rules:
      read: allow
      write: { hold: [{ group: dba, count: 1 }] }
      ddl: { hold: [{ group: dba, count: 1 }] }
      admin: { hold: [{ group: dba, count: 1 }] }
`

export interface StackOptions {
  readonly postgres: RunningPostgres
  readonly user: string
  readonly password: string
  readonly databases: readonly [string, ...string[]]
  /** Columns that are redacted. */
  readonly mask: readonly string[]
  /** What may be done with masked columns; as hoop does it by itself, where it is not said. */
  readonly predicates?: 'allow'
  /** As in a policy; unsaid: nothing is detected, so that what masks let through is seen. */
  readonly detect?: string
  /** The disk that the record is written to. */
  readonly fs?: LogFs
  /** Requests that may wait at a time; unsaid: as many as anybody wants. */
  readonly maxPending?: number
  /** Instead of the usual one with `mask`: the text of a policy for pg-prod. */
  readonly policy?: string
}

export class SessionStack {
  readonly desk: Desk
  readonly faults: unknown[]
  readonly #deps: SessionDeps
  readonly #store: Store
  readonly #recorder: Recorder
  readonly #folder: string

  /** Where the record is. */
  get folder(): string {
    return this.#folder
  }

  private constructor(
    deps: SessionDeps,
    store: Store,
    recorder: Recorder,
    folder: string,
    faults: unknown[],
  ) {
    this.#deps = deps
    this.desk = deps.desk
    this.#store = store
    this.#recorder = recorder
    this.#folder = folder
    this.faults = faults
  }

  static async open(options: StackOptions): Promise<SessionStack> {
    const folder = await mkdtemp(join(tmpdir(), 'hoop-sessions-'))
    await mkdir(join(folder, 'spool'))
    const runtime = systemRuntime
    const faults: unknown[] = []
    const onFault = (error: unknown): void => void faults.push(error)
    const recorder = openRecorder({
      dataDir: folder,
      runtime,
      ...(options.fs === undefined ? {} : { fs: options.fs }),
    })
    const store = await openStore({ dataDir: folder, now: () => runtime.now() })
    const maxPending = options.maxPending ?? 10_000
    const desk = await openDesk({ store, runtime, spendWithin: 60_000, maxPending, onFault })
    const sessions = new Sessions(10_000)
    const config = configOf(options, folder)
    const rules = { version: 1, digest: '', policy: config.policy, authors: new Map() }
    const deps: SessionDeps = {
      windows: await LiveWindows.open({ desk, uses: store.windows, sessions, runtime }),
      config,
      inForce: { rules: () => rules, connections: () => config.connections },
      runtime,
      desk,
      recorder,
      targets: new Targets(openTarget, () => rules, Buffer.alloc(32, 1)),
      sessions,
      presence: new Presence(() => systemRuntime.now()),
      onFault,
    }
    return new SessionStack(deps, store, recorder, folder, faults)
  }

  async client(
    database: string,
    startup: Record<string, string> = {},
    order: { readonly breakGlass?: boolean; readonly reason?: string } = {},
  ): Promise<RawClient> {
    const client = new RawClient()
    client.session = await openSession(this.#deps, {
      client,
      remote: '127.0.0.1',
      connection: 'pg-prod',
      startup: { user: 'alice', database, ...startup },
      program: {},
      reason: order.reason ?? null,
      breakGlass: order.breakGlass ?? false,
      ticket: null,
      onPlan: (shape, plan) =>
        client.plans.push({ names: shape.fields.map((field) => field.name), masked: plan.masked }),
    })
    return client
  }

  async close(): Promise<void> {
    this.#deps.sessions.endAll('the test is over', '')
    await this.#deps.targets.close()
    await this.desk.close()
    await this.#store.close()
    this.#recorder.close('the test is over')
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const NOTHING_DETECTED =
  '{card: show, ssn: show, iban: show, jwt: show, private_key: show, cloud_key: show}'

function configOf(options: StackOptions, dataDir: string): Config {
  const { postgres } = options
  const lines = options.mask.map((column) => `      ${column}: redact\n`).join('')
  const predicates =
    options.predicates === undefined ? '' : `    predicates: ${options.predicates}\n`
  const detect = `    detect: ${options.detect ?? NOTHING_DETECTED}\n`
  const usual = `${POLICY}${predicates}    mask:\n${lines === '' ? '      {}\n' : lines}${detect}`
  const policy = parsePolicy(options.policy ?? usual, 'policy.yaml')
  const connection: ConnectionConfig = {
    name: 'pg-prod',
    kind: 'postgres',
    target: {
      host: postgres.host,
      port: postgres.port,
      user: options.user,
      password: () => options.password,
      secret: null,
      tls: { mode: 'disable' },
      connectTimeoutMs: 5_000,
      allowCleartextPassword: false,
    },
    databases: options.databases,
    readerRole: null,
    writerRole: null,
  }
  return {
    file: 'broker.yaml',
    demo: false,
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl: 'http://127.0.0.1',
    tls: null,
    behindProxy: false,
    identity: {
      issuer: 'https://idp.test',
      clientId: 'hoop',
      audience: 'hoop',
      scopes: [],
      groupsClaim: 'groups',
      roles: { requester: [], approver: [], auditor: [], admin: [] },
      ...NO_PERSONS,
    },
    dataDir,
    policy,
    policyText: usual,
    secretsKey: null,
    approval: {
      expiresAfter: 3_600_000,
      inTransaction: 600_000,
      useWithin: 60_000,
      maxPending: 20,
    },
    limits: { sessionsPerPerson: 10_000, copySpool: 1 << 26 },
    connections: [connection],
    notify: [],
    warnings: [],
  }
}

async function openTarget(connection: ConnectionConfig, database: string) {
  const connect = (applicationName: string) =>
    connectPostgres({ ...connection.target, database }, { applicationName, params: {} })
  const analyst = await createAnalyst({
    connect: () => connect('hoop catalogue'),
    runtime: systemRuntime,
  })
  return { analyst, searchPath: ['pg_catalog', 'public'] }
}

/** What came back until ReadyForQuery, or until something is held. */
export interface Exchange {
  readonly bytes: Buffer
  /** Type letters of the messages, in order. */
  readonly types: string
  readonly errors: readonly ErrorFields[]
  readonly notices: readonly ErrorFields[]
  /** The request that waits now. */
  readonly held: string | null
  readonly closed: boolean
  readonly status: string | null
}

export class RawClient implements ClientEnd {
  session: LiveSession | null = null
  /** False: what comes is counted, and the broker told to wait. */
  reads = true
  unread = 0
  paused = false
  readonly plans: { names: readonly string[]; masked: readonly boolean[] }[] = []
  readonly #framer = new Framer({ ...BACKEND_RULES, stream: new Set() })
  #frames: { type: string; bytes: Buffer }[] = []
  #closed = false
  #wake: (() => void) | null = null
  #give: (bytes: Buffer) => void = () => undefined
  #gone: (why: string) => void = () => undefined

  principal(): Principal {
    return ALICE
  }

  fresh(): Promise<Principal> {
    return Promise.resolve(ALICE)
  }

  keepFresh(): () => void {
    return () => undefined
  }

  write(bytes: Buffer): boolean {
    if (!this.reads) {
      this.unread += bytes.length
      return false
    }
    this.#framer.push(bytes)
    for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
      this.#frames.push({ type: String.fromCharCode(frame.type), bytes: Buffer.from(frame.bytes) })
    }
    this.#wake?.()
    return true
  }

  onData(handler: (bytes: Buffer) => void): void {
    this.#give = handler
  }

  onDrain(): void {
    return
  }

  onClose(handler: (why: string) => void): void {
    this.#gone = handler
  }

  onExpired(): void {
    return
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  event(): void {
    return
  }

  close(): void {
    this.#closed = true
    this.#wake?.()
  }

  cancel(): void {
    this.session?.pump?.cancel()
  }

  /** Gone without a word. */
  vanish(): void {
    this.#gone('the client is gone')
  }

  send(write: (writer: FrontendWriter) => void): void {
    const writer = new FrontendWriter()
    write(writer)
    this.sendBytes(writer.finish())
  }

  sendBytes(bytes: Buffer): void {
    this.#give(bytes)
  }

  terminate(): void {
    this.sendBytes(terminate())
  }

  /** What comes until ReadyForQuery (`ready` of them), a held request, an end, or `until`. */
  async take(ready = 1, until: string | null = null): Promise<Exchange> {
    for (;;) {
      const end = this.#end(ready, until)
      if (end !== null) return summary(this.#frames.splice(0, end), this.#closed)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  async query(text: string | Buffer): Promise<Exchange> {
    this.send((writer) => writer.query(text))
    return await this.take()
  }

  /** Parse, Bind, Describe, Execute, Sync of the unnamed statement, parameters as text. */
  async extended(text: string, values: readonly string[] = [], binary = false): Promise<Exchange> {
    this.send((writer) => {
      writer.parse('', Buffer.from(text), Buffer.alloc(0)).bind('', '', bindTail(values, binary))
      writer.describe('portal', '').execute('', 0).sync()
    })
    return await this.take()
  }

  #end(ready: number, until: string | null): number | null {
    let left = ready
    for (const [index, frame] of this.#frames.entries()) {
      if (frame.type === 'Z' && --left === 0) return index + 1
      if (frame.type === 'N' && requestOf(frame.bytes) !== null) return index + 1
      if (frame.type === until) return index + 1
    }
    return this.#closed ? this.#frames.length : null
  }
}

export function bindTail(values: readonly string[], binary = false): Buffer {
  const parts = [Buffer.from([0, 0, 0, values.length])]
  for (const value of values) {
    const length = Buffer.alloc(4)
    length.writeInt32BE(Buffer.byteLength(value))
    parts.push(length, Buffer.from(value))
  }
  parts.push(Buffer.from(binary ? [0, 1, 0, 1] : [0, 0]))
  return Buffer.concat(parts)
}

function requestOf(notice: Buffer): string | null {
  const message = decodeErrorFields(notice).get('M') ?? ''
  return /^held for approval as (r-[0-9a-z]{10})/.exec(message)?.[1] ?? null
}

function summary(frames: readonly { type: string; bytes: Buffer }[], closed: boolean): Exchange {
  const of = (type: string) =>
    frames.filter((frame) => frame.type === type).map((frame) => decodeErrorFields(frame.bytes))
  const last = frames.at(-1)
  const isReady = last?.type === 'Z'
  return {
    bytes: Buffer.concat(frames.map((frame) => frame.bytes)),
    types: frames.map((frame) => frame.type).join(''),
    errors: of('E'),
    notices: of('N'),
    held: last?.type === 'N' ? requestOf(last.bytes) : null,
    closed: closed && !isReady && last?.type !== 'N',
    status: isReady ? decodeReadyForQuery(last.bytes) : null,
  }
}
