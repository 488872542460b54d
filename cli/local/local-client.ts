import type { Socket } from 'node:net'
import { HoopError } from '../../protocol/errors.ts'
import { encodeError } from '../../protocol/pg/backend.ts'
import { type BackendKey, BackendKeyWatch } from '../../protocol/pg/backend-key.ts'
import { fatal, LocalLogin, type LoginOutput } from '../../protocol/pg/login.ts'
import type { ScramVerifier } from '../../protocol/pg/scram.ts'
import { type Startup, StartupRefused } from '../../protocol/pg/startup.ts'
import type { SessionEvent } from '../../protocol/tunnel/messages.ts'
import type { Tunnel, TunnelEnd } from './dialer.ts'
import { TunnelRefused } from './refused.ts'

/** What a client needs of the listener that it came to. */
export interface LocalHost {
  readonly databases: readonly string[]
  readonly deadlineMs: number
  /** For this kind of socket; null: no password. */
  readonly verifier: ScramVerifier | null
  nonce(): string
  open(startup: Startup, minor: number, signal: AbortSignal): Promise<Tunnel>
  /** Passes it on where the key is of a session of this listener. */
  cancel(key: BackendKey): Promise<void>
  onAuthenticated(): void
  onOpened(session: string, program: string | null): void
  onEvent(session: string, event: SessionEvent): void
  onRefused(why: string): void
  now(): number
}

/** Bytes of the client that may wait while its session is being opened. */
const LONGEST_WAIT = 65_536

/** How long a client may take to read the last bytes; one with a session may stand in a pager. */
const PATIENCE_MS: Record<'stranger' | 'known', number> = { stranger: 2_000, known: 60_000 }

type Phase = 'login' | 'opening' | 'open' | 'over'

/** One client on the local port, from its first byte to its last. */
export class LocalClient {
  key: BackendKey | null = null
  private readonly socket: Socket
  private readonly host: LocalHost
  private readonly login: LocalLogin
  private readonly gone = new AbortController()
  private readonly deadline: NodeJS.Timeout
  private readonly watch = new BackendKeyWatch()
  private phase: Phase = 'login'
  private waiting: Buffer[] = []
  private waitingSize = 0
  private tunnel: Tunnel | null = null
  private program: string | null = null
  private toldClosed = false

  constructor(socket: Socket, host: LocalHost) {
    this.socket = socket
    this.host = host
    this.login = new LocalLogin({ verifier: host.verifier, nonce: host.nonce() })
    this.deadline = setTimeout(() => this.refuse('no login in time'), host.deadlineMs)
    socket.setNoDelay(true)
    socket.on('data', this.onData)
    socket.on('end', () => this.onEnd())
    socket.on('drain', () => this.tunnel?.resume())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.onEnd())
  }

  private readonly onData = (bytes: Buffer): void => {
    switch (this.phase) {
      case 'login':
        for (const output of this.login.receive(bytes)) this.onLogin(output)
        break
      case 'opening':
        this.wait(bytes)
        break
      case 'open':
        if (this.tunnel?.write(bytes) === false) this.socket.pause()
        break
      case 'over':
        break
    }
  }

  private onLogin(output: LoginOutput): void {
    switch (output.type) {
      case 'send':
        this.socket.write(output.bytes)
        break
      case 'close':
        this.refuse(output.why)
        break
      case 'cancel':
        this.cancel(output)
        break
      case 'authenticated':
        this.begin(output.startup, output.minor, output.rest)
        break
    }
  }

  private refuse(why: string): void {
    this.host.onRefused(why)
    this.hangUp()
  }

  /** Sends what was written, then closes; a client that does not read is not waited for long. */
  private hangUp(patience = PATIENCE_MS.stranger): void {
    this.phase = 'over'
    clearTimeout(this.deadline)
    if (this.socket.closed) return
    this.socket.end()
    this.socket.resume()
    const timer = setTimeout(() => this.socket.destroy(), patience)
    timer.unref()
    this.socket.once('close', () => clearTimeout(timer))
  }

  /** libpq waits for the end of the connection: only then was the cancel handed on. */
  private cancel(key: BackendKey): void {
    this.phase = 'over'
    this.host
      .cancel(key)
      .catch((error: unknown) => this.host.onRefused(textOf(error)))
      .finally(() => this.hangUp())
  }

  private begin(startup: Startup, minor: number, rest: Buffer): void {
    clearTimeout(this.deadline)
    this.host.onAuthenticated()
    const { database } = startup
    if (database !== null && !this.host.databases.includes(database)) {
      this.refuseSession(unknownDatabase(database, this.host.databases))
      return
    }
    this.phase = 'opening'
    this.program = startup.settings['application_name'] ?? null
    if (rest.length > 0) this.wait(rest)
    this.host.open(startup, minor, this.gone.signal).then(
      (tunnel) => this.opened(tunnel),
      (error: unknown) => this.refuseSession(error),
    )
  }

  private wait(bytes: Buffer): void {
    this.waiting.push(bytes)
    this.waitingSize += bytes.length
    if (this.waitingSize > LONGEST_WAIT) this.socket.pause()
  }

  private refuseSession(error: unknown): void {
    if (this.phase === 'over') return
    this.socket.write(fatalOf(error))
    this.refuse(textOf(error))
  }

  private opened(tunnel: Tunnel): void {
    if (this.phase === 'over') {
      tunnel.close()
      return
    }
    this.tunnel = tunnel
    this.phase = 'open'
    tunnel.onEvent((event) => this.onEvent(tunnel.session, event))
    tunnel.onClose((end) => this.onTunnelClose(tunnel, end))
    tunnel.onDrain(() => this.socket.resume())
    this.host.onOpened(tunnel.session, this.program)
    tunnel.onData(this.onTunnelData)
    this.socket.resume()
    for (const bytes of this.waiting.splice(0)) this.onData(bytes)
  }

  private onEvent(session: string, event: SessionEvent): void {
    if (event.event === 'closed') this.toldClosed = true
    this.host.onEvent(session, event)
  }

  private readonly onTunnelData = (bytes: Buffer): void => {
    if (!this.watch.done) this.key = this.watch.see(bytes) ?? this.key
    if (!this.socket.write(bytes)) this.tunnel?.pause()
  }

  /**
   * Nothing is said to the client in the broker's name when a tunnel breaks: the last message may
   * be half sent, and what follows would be read as the rest of it.
   */
  private onTunnelClose(tunnel: Tunnel, { clean, why }: TunnelEnd): void {
    if (!this.toldClosed) {
      const at = new Date(this.host.now()).toISOString()
      this.host.onEvent(tunnel.session, { event: 'closed', message: why, at })
    }
    if (clean) this.hangUp(PATIENCE_MS.known)
    else this.socket.destroy()
  }

  /** The client is gone, or has said its last word: PostgreSQL knows no half-closed connection. */
  private onEnd(): void {
    clearTimeout(this.deadline)
    this.phase = 'over'
    this.gone.abort()
    this.tunnel?.close()
    this.socket.end()
  }

  destroy(): void {
    this.onEnd()
    this.socket.destroy()
  }
}

function unknownDatabase(database: string, known: readonly string[]): StartupRefused {
  return new StartupRefused(
    '3D000',
    `database "${database.slice(0, 63)}" is not reached by this connection`,
    `It has: ${known.join(', ')}.`,
  )
}

function fatalOf(error: unknown): Buffer {
  if (error instanceof StartupRefused) return fatal(error)
  const known = error instanceof HoopError ? error : null
  return encodeError({
    severity: 'FATAL',
    code: error instanceof TunnelRefused ? error.sqlstate : '08001',
    message: known?.message ?? 'the session could not be opened',
    ...(known?.hint ? { hint: known.hint } : {}),
  })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
