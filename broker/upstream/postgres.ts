import type { Socket } from 'node:net'
import { encodeCancel } from '../../protocol/pg/authentication.ts'
import type { BackendKey } from '../../protocol/pg/backend-key.ts'
import { type Runtime, systemRuntime } from '../runtime.ts'
import { type LoggedIn, logIn } from './login.ts'
import { openSocket, unreachable } from './socket.ts'
import { type PostgresTarget, targetError } from './target.ts'

export type { PostgresTarget, TlsRules } from './target.ts'

/** One session at the target, after its first ReadyForQuery. Never shared, never used again. */
export interface Upstream {
  /** What the target reported at the start: server_version, TimeZone, … */
  readonly parameters: ReadonlyMap<string, string>
  readonly backendKey: BackendKey | null
  readonly serverVersion: string
  /** False: wait for onDrain. */
  write(bytes: Buffer): boolean
  /** Bytes flow once there is a handler. */
  onData(handler: (bytes: Buffer) => void): void
  onDrain(handler: () => void): void
  /** Once, whoever ended it. */
  onClose(handler: (why: string) => void): void
  pause(): void
  resume(): void
  /** Terminate, then close. */
  end(): void
  destroy(): void
  /** CancelRequest on a socket of its own; resolves when the target has taken it. */
  cancel(): Promise<void>
}

export interface UpstreamStartup {
  readonly applicationName: string
  /** Names of {@link ALLOWED}. What the broker's safety rests on cannot be given here. */
  readonly params: Readonly<Record<string, string>>
}

/** What may stand in the start-up packet beside the forced settings, lower case. */
const ALLOWED: ReadonlySet<string> = new Set([
  'datestyle',
  'intervalstyle',
  'timezone',
  'extra_float_digits',
  'role',
  'search_path',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
])

/**
 * Settings that classification rests on. As start-up settings they are what RESET ALL and DISCARD
 * ALL return to, and they beat those of ALTER ROLE and ALTER DATABASE.
 */
const FORCED = {
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  default_transaction_read_only: 'on',
} as const

/** TERMINATE: type X, length 4. */
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4])

/** How long the target may take to close after Terminate. */
const GOODBYE_MS = 5_000

/** Throws a HoopError `target_…`, exit 7; the password is never part of it. */
export async function connectPostgres(
  target: PostgresTarget,
  startup: UpstreamStartup,
  runtime: Pick<Runtime, 'random' | 'setTimer'> = systemRuntime,
): Promise<Upstream> {
  const packet = startupPacket(target, startup)
  const nonce = runtime.random(18).toString('base64')
  return withDeadline(target, runtime, async (signal) => {
    const socket = await openSocket(target, signal)
    try {
      const login = await logIn(socket, target, packet, nonce)
      assertForced(target, login.parameters)
      return new PostgresUpstream(socket, target, login, runtime)
    } catch (error) {
      socket.destroy()
      throw error
    }
  })
}

/** One deadline over looking up, connecting, TLS and login together. */
async function withDeadline<T>(
  target: PostgresTarget,
  runtime: Pick<Runtime, 'setTimer'>,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const timer = runtime.setTimer(target.connectTimeoutMs, () => deadline.abort(LATE))
  try {
    return await run(deadline.signal)
  } catch (error) {
    throw deadline.signal.aborted ? unreachable(target, LATE) : error
  } finally {
    timer.cancel()
  }
}

const LATE = Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })

/** Built from nothing but the target's configuration and the allow-list (wire.md PG-09). */
function startupPacket(target: PostgresTarget, startup: UpstreamStartup): Record<string, string> {
  for (const [name, value] of Object.entries(startup.params)) {
    if (!ALLOWED.has(name.toLowerCase())) throw new TypeError(`start-up setting ${name}`)
    if (value.includes('\0')) throw new TypeError(`start-up setting ${name} with a zero byte`)
  }
  return {
    user: target.user,
    database: target.database,
    application_name: startup.applicationName.replaceAll('\0', ''),
    ...startup.params,
    ...FORCED,
  }
}

/** A pooler between may drop start-up settings without a word; then nothing here would be safe. */
function assertForced(target: PostgresTarget, reported: ReadonlyMap<string, string>): void {
  for (const [name, value] of Object.entries(FORCED)) {
    const actual = reported.get(name)
    if (actual === value || (actual === undefined && name === NOT_REPORTED_BEFORE_14)) continue
    throw targetError(
      'target_unsafe',
      target,
      `did not take ${name}=${value} at the start (it says ${actual ?? 'nothing'})`,
      'Connect to the server itself: poolers between may drop start-up settings.',
    )
  }
}

/** PostgreSQL 14 began to report it; whoever needs it on older ones asks by SHOW. */
const NOT_REPORTED_BEFORE_14 = 'default_transaction_read_only'

class PostgresUpstream implements Upstream {
  readonly parameters: ReadonlyMap<string, string>
  readonly backendKey: BackendKey | null
  readonly serverVersion: string
  private readonly socket: Socket
  private readonly target: PostgresTarget
  private readonly address: string | undefined
  private readonly runtime: Pick<Runtime, 'setTimer'>
  private rest: Buffer
  private ended: string | null = null

  constructor(
    socket: Socket,
    target: PostgresTarget,
    login: LoggedIn,
    runtime: Pick<Runtime, 'setTimer'>,
  ) {
    this.socket = socket
    this.target = target
    this.runtime = runtime
    this.address = socket.remoteAddress
    this.parameters = login.parameters
    this.backendKey = login.backendKey
    this.serverVersion = login.parameters.get('server_version') ?? ''
    this.rest = login.rest
    socket.once('error', (error) => {
      this.ended ??= `the connection to the target broke: ${error.message}`
    })
    socket.once('close', () => {
      this.ended ??= 'the target closed the connection'
    })
  }

  write(bytes: Buffer): boolean {
    return this.socket.write(bytes)
  }

  onData(handler: (bytes: Buffer) => void): void {
    if (this.rest.length > 0) process.nextTick(handler, this.rest)
    this.rest = EMPTY
    this.socket.on('data', handler)
    this.socket.resume()
  }

  onDrain(handler: () => void): void {
    this.socket.on('drain', handler)
  }

  onClose(handler: (why: string) => void): void {
    const run = () => handler(this.ended ?? 'the target closed the connection')
    if (this.socket.closed) queueMicrotask(run)
    else this.socket.once('close', run)
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  end(): void {
    this.ended ??= 'the session ended'
    this.socket.end(TERMINATE)
    this.socket.resume()
    const timer = this.runtime.setTimer(GOODBYE_MS, () => this.socket.destroy())
    this.socket.once('close', () => timer.cancel())
  }

  destroy(): void {
    this.ended ??= 'the session was ended'
    this.socket.destroy()
  }

  async cancel(): Promise<void> {
    const { backendKey, target } = this
    if (backendKey === null) return
    await withDeadline(target, this.runtime, async (signal) => {
      const socket = await openSocket(target, signal, this.address)
      socket.end(encodeCancel(backendKey.pid, backendKey.key))
      await closed(socket)
    })
  }
}

const EMPTY = Buffer.alloc(0)

/** The server says nothing to a CancelRequest: it has acted on it when it closes. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.resume()
    socket.once('error', reject)
    socket.once('close', () => resolve())
  })
}
