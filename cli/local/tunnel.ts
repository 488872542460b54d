import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { MalformedBytes } from '../../protocol/bytes/cursor.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import {
  CLOSE,
  CONTROL_MARK,
  FrameSorter,
  MAX_FRAME,
  pieces,
  TUNNEL_VERSION,
} from '../../protocol/tunnel/frames.ts'
import { HEARTBEAT_MS, Liveness } from '../../protocol/tunnel/liveness.ts'
import {
  type ClientMessage,
  decodeServerMessage,
  encodeMessage,
  type ProveMessage,
  type ServerMessage,
  type SessionEvent,
} from '../../protocol/tunnel/messages.ts'
import { PlainFrames, readPlainFrames } from '../../protocol/tunnel/plain-frames.ts'
import type { CancelRequest, Dialer, OpenRequest, Tunnel, TunnelEnd } from './dialer.ts'
import { type UpgradeRequest, upgrade } from './handshake.ts'
import { TunnelRefused } from './refused.ts'

export type { CancelRequest, Dialer, OpenRequest, Tunnel, TunnelEnd } from './dialer.ts'
export { type TunnelHeaders, tunnelUrl } from './handshake.ts'
export { TunnelRefused } from './refused.ts'

/** `url` is that of the broker (`https://broker`) or of its tunnel (`wss://broker/v1/tunnel`). */
export interface TunnelOptions extends UpgradeRequest {
  /** A token could not be shown again; the session will end when the broker no longer believes it. */
  readonly onRenewalFailed?: (error: unknown) => void
}

/** Unsent bytes above which the client must wait. */
const HIGH_WATER = 1 << 20

/** The broker looks up a target, connects and logs in within it, or says why not. */
const OPEN_MS = 60_000

/** A dialer for one broker. */
export function tunnelDialer(options: TunnelOptions): Dialer {
  return {
    open: (open, signal) => openTunnel({ ...options, open, signal }),
    cancel: (cancel, signal) => sendCancel({ ...options, cancel, signal }),
  }
}

/** Throws a HoopError; {@link TunnelRefused} where the broker itself says no. */
export async function openTunnel(
  options: TunnelOptions & { readonly open: OpenRequest; readonly signal?: AbortSignal },
): Promise<Tunnel> {
  const signal = deadline(options.signal)
  const { ws, socket } = await upgrade(options, signal)
  const tunnel = new ClientTunnel(ws, socket, options)
  await tunnel.greet({ t: 'open', ...options.open }, signal)
  return tunnel
}

/** Resolves when the broker has taken it; there is no other answer. */
async function sendCancel(
  options: TunnelOptions & { readonly cancel: CancelRequest; readonly signal: AbortSignal },
): Promise<void> {
  const signal = deadline(options.signal)
  const { ws, socket } = await upgrade(options, signal)
  await new ClientTunnel(ws, socket, options).greet({ t: 'cancel', ...options.cancel }, signal)
}

function deadline(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(OPEN_MS)
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal])
}

type Phase = 'hello' | 'answer' | 'open' | 'over'

class ClientTunnel implements Tunnel {
  session = ''
  private readonly ws: WebSocket
  private readonly socket: Socket
  private readonly options: TunnelOptions
  private readonly sorter = new FrameSorter()
  private readonly liveness = new Liveness()
  private readonly heart: NodeJS.Timeout
  private phase: Phase = 'hello'
  /** The token that was shown when a fresh one was wanted last. */
  private shown: string | null = null
  private isTroubled = false
  private frame = 0
  private ended: TunnelEnd | null = null
  private blocked = false
  private paused = false
  private request: ClientMessage | null = null
  private answered: { resolve(): void; reject(error: unknown): void } | null = null
  private early: Buffer[] = []
  private events: SessionEvent[] = []
  private deliver: ((bytes: Buffer) => void) | null = null
  private drained: (() => void) | null = null
  private tell: ((event: SessionEvent) => void) | null = null

  constructor(ws: WebSocket, socket: Socket, options: TunnelOptions) {
    this.ws = ws
    this.socket = socket
    this.options = options
    socket.on('drain', this.onSocketDrain)
    ws.on('message', (data, isBinary) => this.onMessage(data as Buffer, isBinary))
    const isOpen = () => ws.readyState === ws.OPEN
    readPlainFrames(socket, new PlainFrames(false), isOpen, (frame) => this.onMessage(frame, true))
    ws.on('error', (error) => {
      this.ended ??= { clean: false, why: `the tunnel broke: ${error.message}` }
    })
    ws.on('close', (code, reason) => this.onSocketClose(code, reason.toString()))
    this.heart = setInterval(() => this.beat(), HEARTBEAT_MS)
    this.heart.unref()
  }

  /** Hello, then what is wanted. Resolves when the broker has answered it. */
  greet(request: ClientMessage, signal: AbortSignal): Promise<void> {
    const abort = () => this.ws.terminate()
    signal.addEventListener('abort', abort, { once: true })
    this.request = request
    this.ws.send(encodeMessage({ t: 'hello', version: TUNNEL_VERSION }))
    return new Promise<void>((resolve, reject) => {
      this.answered = { resolve, reject }
    }).finally(() => signal.removeEventListener('abort', abort))
  }

  write(bytes: Buffer): boolean {
    if (this.phase !== 'open') return true
    for (const piece of pieces(bytes, this.frame)) this.ws.send(piece)
    this.blocked = this.socket.writableLength >= HIGH_WATER
    return !this.blocked
  }

  onData(handler: (bytes: Buffer) => void): void {
    this.deliver = handler
    this.catchUp()
  }

  onDrain(handler: () => void): void {
    this.drained = handler
  }

  onEvent(handler: (event: SessionEvent) => void): void {
    this.tell = handler
    for (const event of this.events.splice(0)) handler(event)
  }

  onClose(handler: (end: TunnelEnd) => void): void {
    const run = () => handler(this.ended ?? BROKEN)
    if (this.ws.readyState === this.ws.CLOSED) queueMicrotask(run)
    else this.ws.once('close', run)
  }

  pause(): void {
    this.paused = true
    this.ws.pause()
  }

  resume(): void {
    this.paused = false
    this.catchUp()
  }

  private catchUp(): void {
    while (this.deliver !== null && !this.paused) {
      const frame = this.early.shift()
      if (frame === undefined) {
        this.ws.resume()
        return
      }
      this.deliver(frame)
    }
  }

  close(): void {
    this.end(CLOSE.normal, { clean: true, why: 'the client closed the connection' })
  }

  /** Reads on, because the other end's goodbye is still to come, but hands nothing on. */
  private end(code: number, end: TunnelEnd): void {
    this.ended ??= end
    this.phase = 'over'
    this.early = []
    this.ws.resume()
    this.ws.close(code)
  }

  private readonly onSocketDrain = (): void => {
    if (!this.blocked || this.phase !== 'open') return
    this.blocked = false
    this.drained?.()
  }

  private onSocketClose(code: number, reason: string): void {
    clearInterval(this.heart)
    const clean = code === CLOSE.normal || code === CLOSE.goingAway
    const why = reason === '' ? (clean ? 'the broker closed the session' : BROKEN.why) : reason
    this.ended ??= { clean, why }
    this.phase = 'over'
    this.settle(code)
  }

  /** Before the answer a close is the answer: yes to a cancel, no to everything else. */
  private settle(code: number): void {
    if (this.request?.t === 'cancel' && code === CLOSE.normal) this.answered?.resolve()
    else this.answered?.reject(brokenOff(this.ended ?? BROKEN))
  }

  private onMessage(frame: Buffer, isBinary: boolean): void {
    try {
      if (!isBinary) throw new MalformedBytes('the broker sent text')
      this.receive(frame)
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error
      this.end(CLOSE.protocol, {
        clean: false,
        why: `the broker broke the protocol: ${error.message}`,
      })
    }
  }

  private receive(frame: Buffer): void {
    if (this.phase === 'over') return
    if (this.phase !== 'open') {
      this.receiveAnswer(decodeServerMessage(frame))
      return
    }
    const sort = this.sorter.sort(frame)
    if (sort === 'data') this.receiveData(frame)
    if (sort === 'control') this.receiveControl(decodeServerMessage(frame))
  }

  private receiveAnswer(message: ServerMessage): void {
    if (message.t === 'refused') this.refused(new TunnelRefused(message))
    else if (message.t === 'hello' && this.phase === 'hello') {
      this.frame = Math.min(message.limits.frame, MAX_FRAME)
      this.phase = 'answer'
      this.ws.send(encodeMessage(this.request as ClientMessage))
    } else if (message.t === 'opened' && this.phase === 'answer' && this.request?.t === 'open') {
      this.opened(message.session)
    } else throw new MalformedBytes(`${message.t} out of order`)
  }

  private opened(session: string): void {
    this.session = session
    this.phase = 'open'
    this.ws.pause()
    this.answered?.resolve()
  }

  private refused(error: TunnelRefused): void {
    this.answered?.reject(error)
    this.end(CLOSE.normal, { clean: true, why: error.message })
  }

  private receiveData(frame: Buffer): void {
    if (this.deliver === null || this.paused) this.early.push(frame)
    else this.deliver(frame)
  }

  private receiveControl(message: ServerMessage): void {
    if (message.t === 'event') this.receiveEvent(message.event)
    else if (message.t === 'prove') this.prove(message)
    else throw new MalformedBytes(`${message.t} on an open tunnel`)
  }

  private receiveEvent(event: SessionEvent): void {
    if (this.tell === null) this.events.push(event)
    else this.tell(event)
  }

  /** Shows the token again, renewed where it had to be, with a proof for this very nonce. */
  private prove({ nonce, fresh }: ProveMessage): void {
    const failed = this.options.onRenewalFailed ?? (() => undefined)
    this.options
      .headers(nonce, fresh ? { not: this.shown } : undefined)
      .then((headers) => {
        const token = this.sendToken(headers)
        if (fresh) this.shown = token
        this.isTroubled = false
      })
      .catch((error: unknown) => {
        // It is asked for again and again; the person is told once.
        if (!this.isTroubled) failed(error)
        this.isTroubled = true
      })
  }

  private sendToken(headers: Record<string, string>): string | null {
    if (this.phase !== 'open') return null
    const sent = new Headers(headers)
    const token = (sent.get('authorization') ?? '').replace(/^DPoP /i, '')
    this.ws.send(CONTROL_MARK)
    this.ws.send(encodeMessage({ t: 'token', token, proof: sent.get('dpop') ?? '' }))
    return token
  }

  private beat(): void {
    if (this.liveness.beat(this.socket.bytesRead, !this.ws.isPaused) === 'gone') {
      this.ended ??= { clean: false, why: 'nothing came from the broker any more' }
      this.ws.terminate()
    } else if (this.ws.readyState === this.ws.OPEN && this.socket.writableLength === 0) {
      this.ws.pong()
    }
  }
}

const BROKEN: TunnelEnd = { clean: false, why: 'the tunnel to the broker broke' }

function brokenOff(end: TunnelEnd): HoopError {
  return new HoopError({
    code: 'broker_unreachable',
    message: `The broker did not open the session: ${end.why}.`,
    hint: 'Try again; `hoop doctor` looks for what is wrong.',
    exit: EXIT.unreachable,
  })
}
