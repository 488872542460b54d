import type { Server as HttpServer, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { HoopError } from '../../protocol/errors.ts'
import { CLOSE, MAX_FRAME, TUNNEL_PATH, TUNNEL_PROTOCOL } from '../../protocol/tunnel/frames.ts'
import { HEARTBEAT_MS } from '../../protocol/tunnel/liveness.ts'
import type { CancelMessage, OpenMessage } from '../../protocol/tunnel/messages.ts'
import type { Authenticator } from '../identity/authenticator.ts'
import { challengeHeaders, isChallenge } from '../identity/challenge.ts'
import type { Principal } from '../identity/principal.ts'
import { type Runtime, systemRuntime } from '../runtime.ts'
import { answerUpgrade, asHoopError, badUpgrade, statusOf, tooMany } from './refusal.ts'
import type { TunnelStream } from './stream.ts'
import { ServerTunnel, type TunnelHost } from './tunnel.ts'

export type { TunnelStream } from './stream.ts'

export interface TunnelRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

export interface TunnelHandlers {
  /** Throws a HoopError. */
  authenticate(request: TunnelRequest): Promise<Principal>
  /** Throws a HoopError or StartupRefused → refused. Data flows only after it has resolved. */
  open(principal: Principal, open: OpenMessage, stream: TunnelStream): Promise<{ session: string }>
  cancel(principal: Principal, cancel: CancelMessage): Promise<void>
}

export interface AcceptOptions {
  /** Gives the nonces of challenges; without it there are none. */
  readonly authenticator?: Authenticator
  readonly runtime?: Pick<Runtime, 'now' | 'setTimer'>
  /** The client's address for the record, where a proxy stands between; default: the socket's. */
  readonly remote?: (request: IncomingMessage) => string
  /** For the log: what no person is told. */
  readonly onFault?: (error: unknown) => void
  readonly tunnelsPerPerson?: number
  readonly tunnels?: number
  /** Upgrades that are being authenticated at the same time. */
  readonly knocking?: number
  /** From the first byte of the upgrade to `open`. */
  readonly handshakeMs?: number
  readonly heartbeatMs?: number
}

const DEFAULTS = {
  runtime: systemRuntime,
  remote: (request: IncomingMessage) => request.socket.remoteAddress ?? 'unknown',
  onFault: () => undefined,
  tunnelsPerPerson: 256,
  tunnels: 10_000,
  knocking: 256,
  handshakeMs: 10_000,
  heartbeatMs: HEARTBEAT_MS,
}

/** How long the other ends may take to say goodbye when the broker stops. */
const GOODBYE_MS = 2_000

/** Serves the tunnel's path on a server that has no other upgrades. */
export function acceptTunnels(
  server: HttpServer | HttpsServer,
  handlers: TunnelHandlers,
  options: AcceptOptions = {},
): { close(): Promise<void> } {
  const door = new Door(handlers, { authenticator: undefined, ...DEFAULTS, ...options })
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    door.knock(request, socket as Socket, head)
  }
  server.on('upgrade', onUpgrade)
  return {
    async close() {
      server.off('upgrade', onUpgrade)
      await door.close()
    },
  }
}

type Settings = Required<Omit<AcceptOptions, 'authenticator'>> & {
  readonly authenticator: Authenticator | undefined
}

class Door {
  private readonly handlers: TunnelHandlers
  private readonly settings: Settings
  private readonly tunnels = new Set<ServerTunnel>()
  private readonly byPerson = new Map<string, number>()
  private readonly host: TunnelHost
  private readonly heart: NodeJS.Timeout
  private knocking = 0
  private readonly sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME,
    maxFragments: 16,
    skipUTF8Validation: true,
    handleProtocols: () => TUNNEL_PROTOCOL,
  } as ConstructorParameters<typeof WebSocketServer>[0])

  constructor(handlers: TunnelHandlers, settings: Settings) {
    this.handlers = handlers
    this.settings = settings
    this.host = {
      open: (principal, open, stream) => handlers.open(principal, open, stream),
      cancel: (principal, cancel) => handlers.cancel(principal, cancel),
      prove: ({ token, proof }) => handlers.authenticate(tunnelRequest(token, proof)),
      nonce: () => settings.authenticator?.nonce() ?? '',
      now: () => settings.runtime.now(),
      onFault: settings.onFault,
    }
    this.sockets.on('headers', (headers) => {
      if (settings.authenticator) headers.push(`DPoP-Nonce: ${settings.authenticator.nonce()}`)
    })
    this.heart = setInterval(() => this.beat(), settings.heartbeatMs)
    this.heart.unref()
  }

  private beat(): void {
    const now = this.settings.runtime.now()
    for (const tunnel of this.tunnels) tunnel.beat(now)
  }

  /** Never throws and never rejects: what goes wrong is answered, and logged where it is ours. */
  knock(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const hangUp = () => socket.destroy()
    socket.on('error', hangUp)
    const timer = this.settings.runtime.setTimer(this.settings.handshakeMs, hangUp)
    socket.once('close', () => timer.cancel())
    this.knocking++
    this.letIn(request, socket, head)
      .then((tunnel) => this.untilSettled(tunnel, timer))
      .catch((error: unknown) => this.refuse(socket, error))
      .finally(() => this.knocking--)
      .catch(this.settings.onFault)
  }

  private untilSettled(tunnel: ServerTunnel, timer: { cancel(): void }): void {
    timer.cancel()
    const { handshakeMs, runtime } = this.settings
    const late = runtime.setTimer(handshakeMs, () => {
      if (!tunnel.settled) tunnel.terminate('the client did not say what it wants')
    })
    tunnel.onClose(() => late.cancel())
  }

  private async letIn(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
  ): Promise<ServerTunnel> {
    this.checkRequest(request, head)
    const { method = '', url = '', headers } = request
    const principal = await this.handlers.authenticate({ method, url, headers })
    const person = `${principal.issuer} ${principal.subject}`
    this.checkRoom(person)
    if (socket.destroyed) throw badUpgrade('The client went away.')
    return this.upgrade(request, socket, head, principal, person)
  }

  /** Everything that can be refused without knowing who it is. */
  private checkRequest(request: IncomingMessage, head: Buffer): void {
    const { url = '', headers } = request
    if (url !== TUNNEL_PATH) throw badUpgrade('Nothing is served here by WebSocket.')
    if (headers.origin !== undefined) throw badUpgrade('A web page may not open a tunnel.')
    if (headers['sec-websocket-protocol'] !== TUNNEL_PROTOCOL) {
      throw badUpgrade(`The tunnel's protocol is ${TUNNEL_PROTOCOL}.`)
    }
    if (head.length > 0) throw badUpgrade('Bytes came before the tunnel was there.')
    if (this.knocking > this.settings.knocking) throw tooMany('Too many clients knock at once.')
  }

  private checkRoom(person: string): void {
    const { tunnels, tunnelsPerPerson } = this.settings
    if (this.tunnels.size >= tunnels) throw tooMany('The broker has no room for more tunnels.')
    if ((this.byPerson.get(person) ?? 0) >= tunnelsPerPerson) {
      throw tooMany(`You have ${tunnelsPerPerson} tunnels open, which is the limit.`)
    }
  }

  private upgrade(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    principal: Principal,
    person: string,
  ): Promise<ServerTunnel> {
    socket.setNoDelay(true)
    socket.setKeepAlive(true, HEARTBEAT_MS)
    const remote = this.settings.remote(request)
    return new Promise((resolve, reject) => {
      socket.once('close', () => reject(badUpgrade('The upgrade is not one of WebSocket 13.')))
      this.sockets.handleUpgrade(request, socket, head, (ws) => {
        const tunnel = new ServerTunnel(ws, socket, remote, principal, this.host)
        this.enter(tunnel, person)
        resolve(tunnel)
      })
    })
  }

  private enter(tunnel: ServerTunnel, person: string): void {
    this.tunnels.add(tunnel)
    this.byPerson.set(person, (this.byPerson.get(person) ?? 0) + 1)
    tunnel.onClose(() => {
      this.tunnels.delete(tunnel)
      const left = (this.byPerson.get(person) ?? 1) - 1
      if (left === 0) this.byPerson.delete(person)
      else this.byPerson.set(person, left)
    })
  }

  private refuse(socket: Socket, error: unknown): void {
    const { authenticator, onFault } = this.settings
    if (!(error instanceof HoopError)) onFault(error)
    if (socket.destroyed) return
    if (isChallenge(error)) {
      const headers = authenticator === undefined ? {} : challengeHeaders(error, authenticator)
      answerUpgrade(socket, 401, error, headers)
      return
    }
    const known = asHoopError(error)
    answerUpgrade(socket, statusOf(known), known)
  }

  async close(): Promise<void> {
    clearInterval(this.heart)
    const left = [...this.tunnels]
    const gone = left.map((tunnel) => new Promise<void>((done) => tunnel.onClose(() => done())))
    for (const tunnel of left) tunnel.end(CLOSE.goingAway, 'the broker stops')
    const timer = this.settings.runtime.setTimer(GOODBYE_MS, () => {
      for (const tunnel of this.tunnels) tunnel.terminate('the broker stopped')
    })
    await Promise.all(gone)
    timer.cancel()
  }
}

/** The same request that the upgrade was, with a new token and proof. */
function tunnelRequest(token: string, proof: string): TunnelRequest {
  return {
    method: 'GET',
    url: TUNNEL_PATH,
    headers: { authorization: `DPoP ${token}`, dpop: proof },
  }
}
