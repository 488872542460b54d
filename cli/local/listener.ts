import { pbkdf2, randomBytes } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { BackendKey } from '../../protocol/pg/backend-key.ts'
import { saslprep } from '../../protocol/pg/saslprep.ts'
import { SCRAM_KEY_LENGTH, type ScramVerifier, scramVerifier } from '../../protocol/pg/scram.ts'
import type { Startup } from '../../protocol/pg/startup.ts'
import type { SessionEvent } from '../../protocol/tunnel/messages.ts'
import type { Dialer, Tunnel } from './dialer.ts'
import { LocalClient, type LocalHost } from './local-client.ts'
import { isTooLong, listenOnSocket, socketPath } from './socket-folder.ts'

/** What happens at the local port, for the screen or the JSON stream of `hoop connect`. */
export type ListenerEvent =
  /** A client has its session. */
  | {
      readonly event: 'opened'
      readonly session: string
      readonly message: string
      readonly at: string
    }
  /** A client was turned away, here or by the broker. */
  | { readonly event: 'refused'; readonly message: string; readonly at: string }
  /** What the broker says of a session, and its end. */
  | (SessionEvent & { readonly session: string })

export interface ListenerOptions {
  readonly connection: string
  readonly host: '127.0.0.1'
  /** 0: any that is free. */
  readonly port: number
  readonly password: string
  /** Folder of the unix socket; null: none. */
  readonly socketDir: string | null
  /** The first is taken where a client names none. */
  readonly databases: readonly string[]
  readonly dial: () => Dialer
  readonly reason: string | null
  /** Sessions are opened in an emergency. */
  readonly breakGlass?: boolean
  readonly onEvent: (event: ListenerEvent) => void
  /** From connecting to the right password. */
  readonly startupDeadlineMs?: number
  /** Clients that have not shown a password yet. */
  readonly maxStrangers?: number
  readonly maxClients?: number
}

export interface Listener {
  readonly port: number
  /** Path of the unix socket; null where there is none, or its path would be too long. */
  readonly socket: string | null
  close(): Promise<void>
}

const DEFAULTS = { startupDeadlineMs: 10_000, maxStrangers: 64, maxClients: 512 }

/** PostgreSQL's own default (scram_iterations); the password is random, so more adds nothing. */
const ITERATIONS = 4096

/** Cancels on their way at the same time. */
const MAX_CANCELS = 8

/** Listens before it returns, so that nobody else can take the port that is printed (wire.md AP-02). */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const desk = new Desk({ ...DEFAULTS, ...options }, await deriveVerifier(options.password))
  const tcp = createServer(SERVER, (socket) => desk.admit(socket, 'tcp'))
  const port = await listenOnPort(tcp, options)
  try {
    const unix = await listenBeside(desk, options.socketDir, port)
    return {
      port,
      socket: unix?.path ?? null,
      async close() {
        desk.close()
        await Promise.all([closed(tcp), unix === null ? null : closed(unix.server)])
      },
    }
  } catch (error) {
    await closed(tcp)
    throw error
  }
}

const SERVER = { allowHalfOpen: false, noDelay: true, pauseOnConnect: false }

async function deriveVerifier(password: string): Promise<ScramVerifier> {
  const salt = randomBytes(16)
  const salted = await promisify(pbkdf2)(
    saslprep(password),
    salt,
    ITERATIONS,
    SCRAM_KEY_LENGTH,
    'sha256',
  )
  return scramVerifier(salted, salt, ITERATIONS)
}

async function listenOnPort(server: Server, { host, port }: ListenerOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(port, error)))
    server.listen({ host, port, exclusive: true }, resolve)
  })
  return (server.address() as AddressInfo).port
}

function cannotListen(port: number, error: Error): HoopError {
  const taken = 'code' in error && error.code === 'EADDRINUSE'
  return new HoopError({
    code: taken ? 'port_taken' : 'port_unusable',
    message: taken
      ? `The local port ${port} is taken by another program.`
      : `The local port ${port} cannot be used: ${error.message}.`,
    hint: 'Choose another one with --port, or end the other program.',
    exit: EXIT.failed,
    fault: 'client',
    cause: error,
  })
}

async function listenBeside(
  desk: Desk,
  folder: string | null,
  port: number,
): Promise<{ path: string; server: Server } | null> {
  if (folder === null || process.platform === 'win32') return null
  const path = socketPath(folder, port)
  if (isTooLong(path)) return null
  const server = createServer(SERVER, (socket) => desk.admit(socket, 'unix'))
  await listenOnSocket(server, folder, path)
  return { path, server }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

type Settings = ListenerOptions & typeof DEFAULTS

/** Everybody who is connected to the local port. */
class Desk {
  private readonly settings: Settings
  private readonly verifier: ScramVerifier
  private readonly clients = new Map<Socket, LocalClient>()
  private readonly strangers = new Set<Socket>()
  private cancels = 0

  constructor(settings: Settings, verifier: ScramVerifier) {
    this.settings = settings
    this.verifier = verifier
  }

  admit(socket: Socket, kind: 'tcp' | 'unix'): void {
    const { maxStrangers, maxClients } = this.settings
    if (this.strangers.size >= maxStrangers || this.clients.size >= maxClients) {
      this.refused('too many clients at the same time')
      socket.destroy()
      return
    }
    this.strangers.add(socket)
    this.clients.set(socket, new LocalClient(socket, this.hostOf(socket, kind)))
    socket.once('close', () => {
      this.strangers.delete(socket)
      this.clients.delete(socket)
    })
  }

  private hostOf(socket: Socket, kind: 'tcp' | 'unix'): LocalHost {
    return {
      databases: this.settings.databases,
      deadlineMs: this.settings.startupDeadlineMs,
      verifier: kind === 'tcp' ? this.verifier : null,
      nonce: () => randomBytes(18).toString('base64'),
      now: () => Date.now(),
      open: (startup, minor, signal) => this.open(startup, minor, signal),
      cancel: (key) => this.cancel(key),
      onAuthenticated: () => this.strangers.delete(socket),
      onOpened: (session, program) => this.opened(session, program),
      onEvent: (session, event) => this.settings.onEvent({ ...event, session }),
      onRefused: (why) => this.refused(why),
    }
  }

  private open(startup: Startup, minor: number, signal: AbortSignal): Promise<Tunnel> {
    const { connection, reason, breakGlass, databases, dial } = this.settings
    const program = startup.settings['application_name']
    const database = startup.database ?? databases[0]
    return dial().open(
      {
        connection,
        client: {
          pid: process.pid,
          ...(program ? { program: program.slice(0, 255) } : {}),
          ...(minor === 0 ? {} : { minor }),
        },
        reason,
        ...(breakGlass ? { breakGlass } : {}),
        startup: {
          user: startup.user,
          ...(database === undefined ? {} : { database }),
          ...startup.settings,
        },
      },
      signal,
    )
  }

  /**
   * A cancel has no password (wire.md PG-89). It goes on only with the key of a session that is open
   * here, and only a few at once, so a stranger who knocks does not reach the broker.
   */
  private async cancel({ pid, key }: BackendKey): Promise<void> {
    const known = [...this.clients.values()].some(
      (client) => client.key?.pid === pid && client.key.key.equals(key),
    )
    if (!known || this.cancels >= MAX_CANCELS) return
    this.cancels++
    try {
      const { connection, dial } = this.settings
      await dial().cancel({ connection, pid, key }, AbortSignal.timeout(CANCEL_MS))
    } finally {
      this.cancels--
    }
  }

  private opened(session: string, program: string | null): void {
    const message = `${program ?? 'a client'} is connected`
    this.settings.onEvent({ event: 'opened', session, message, at: now() })
  }

  private refused(message: string): void {
    this.settings.onEvent({ event: 'refused', message, at: now() })
  }

  close(): void {
    for (const client of this.clients.values()) client.destroy()
  }
}

const CANCEL_MS = 15_000

function now(): string {
  return new Date().toISOString()
}
