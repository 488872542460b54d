import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { isFresh, YOUNG_MS } from '../../protocol/api/fresh.ts'
import { MalformedBytes } from '../../protocol/bytes/cursor.ts'
import { HoopError } from '../../protocol/errors.ts'
import {
  CLOSE,
  CONTROL_MARK,
  FrameSorter,
  MAX_FRAME,
  pieces,
  TUNNEL_VERSION,
} from '../../protocol/tunnel/frames.ts'
import { Liveness } from '../../protocol/tunnel/liveness.ts'
import {
  type CancelMessage,
  decodeClientMessage,
  encodeMessage,
  type OpenMessage,
  type ServerMessage,
  type SessionEvent,
  type TokenMessage,
} from '../../protocol/tunnel/messages.ts'
import { PlainFrames, readPlainFrames } from '../../protocol/tunnel/plain-frames.ts'
import { Present } from '../identity/presence.ts'
import type { Principal } from '../identity/principal.ts'
import { refusedMessage } from './refusal.ts'
import { SMALL, smallFrame } from './small-frame.ts'
import type { TunnelStream } from './stream.ts'

export interface TunnelHost {
  open(principal: Principal, open: OpenMessage, stream: TunnelStream): Promise<{ session: string }>
  cancel(principal: Principal, cancel: CancelMessage): Promise<void>
  /** A fresh token and proof → who that is. */
  prove(token: TokenMessage): Promise<Principal>
  nonce(): string
  now(): number
  /** An error that no person is told: for the log. */
  onFault(error: unknown): void
}

/** Unsent bytes above which the session must wait: one slow reader costs the broker no more. */
const HIGH_WATER = 1 << 20

/** A token is asked for anew when it has no longer than this to live. */
const PROVE_BEFORE_MS = 120_000

type Phase = 'hello' | 'request' | 'opening' | 'open' | 'over'

/** One tunnel at the broker, from the upgraded socket to its end. */
export class ServerTunnel implements TunnelStream {
  readonly remote: string
  private readonly ws: WebSocket
  private readonly socket: Socket
  private readonly host: TunnelHost
  private readonly sorter = new FrameSorter()
  private readonly liveness = new Liveness()
  private readonly present: Present
  /** What waits for people, and wants the token fresh. */
  private keeping = 0
  private phase: Phase = 'hello'
  private why: string | null = null
  private blocked = false
  private paused = false
  private expired = false
  /** What the session did before the client was told that it is open. */
  private late: (() => void)[] = []
  /** Frames that came while nobody listened or reading was stopped. */
  private early: Buffer[] = []
  private deliver: ((bytes: Buffer) => void) | null = null
  private drained: (() => void) | null = null
  private expire: (() => void) | null = null

  constructor(ws: WebSocket, socket: Socket, remote: string, who: Principal, host: TunnelHost) {
    this.ws = ws
    this.socket = socket
    this.remote = remote
    this.present = new Present(who, () => host.now())
    this.host = host
    ws.on('message', (data, isBinary) => this.onMessage(data as Buffer, isBinary))
    const isOpen = () => ws.readyState === ws.OPEN
    readPlainFrames(socket, new PlainFrames(true), isOpen, (frame) => this.onMessage(frame, true))
    socket.on('drain', this.onSocketDrain)
    ws.on('error', (error) => {
      this.why ??= `the tunnel broke: ${error.message}`
    })
    ws.on('close', (code) => {
      this.phase = 'over'
      this.why ??= code === CLOSE.normal ? 'the client closed the tunnel' : 'the tunnel broke'
    })
  }

  principal(): Principal {
    return this.present.who
  }

  fresh(signal: AbortSignal): Promise<Principal> {
    const isYoung = isFresh(this.present.who, this.host.now())
    if (!isYoung) this.prove(true)
    return this.present.fresh(signal)
  }

  keepFresh(): () => void {
    this.keeping++
    this.renewIfOld(this.host.now())
    return () => {
      this.keeping--
    }
  }

  private renewIfOld(now: number): void {
    if (this.keeping > 0 && now - this.present.who.issuedAt > YOUNG_MS) this.prove(true)
  }

  private prove(fresh: boolean): void {
    this.control({ t: 'prove', nonce: this.host.nonce(), fresh })
  }

  /** Has the client said what it wants? */
  get settled(): boolean {
    return this.phase === 'opening' || this.phase === 'open'
  }

  write(bytes: Buffer): boolean {
    if (this.phase === 'opening') {
      this.late.push(() => this.write(bytes))
      this.blocked = true
      return false
    }
    if (this.phase !== 'open') return true
    if (bytes.length > 0 && bytes.length <= SMALL) this.socket.write(smallFrame(bytes))
    else for (const piece of pieces(bytes)) this.ws.send(piece)
    this.blocked = this.socket.writableLength >= HIGH_WATER
    return !this.blocked
  }

  event(event: SessionEvent): void {
    this.control({ t: 'event', event })
  }

  private control(message: ServerMessage): void {
    if (this.phase === 'opening') this.late.push(() => this.control(message))
    if (this.phase !== 'open') return
    this.ws.send(CONTROL_MARK)
    this.ws.send(encodeMessage(message))
  }

  onData(handler: (bytes: Buffer) => void): void {
    this.deliver = handler
    this.catchUp()
  }

  onDrain(handler: () => void): void {
    this.drained = handler
  }

  private readonly onSocketDrain = (): void => {
    if (!this.blocked || this.phase !== 'open') return
    this.blocked = false
    this.drained?.()
  }

  onClose(handler: (why: string) => void): void {
    const run = () => handler(this.why ?? 'the tunnel broke')
    if (this.ws.readyState === this.ws.CLOSED) queueMicrotask(run)
    else this.ws.once('close', run)
  }

  onExpired(handler: () => void): void {
    this.expire = handler
  }

  pause(): void {
    this.paused = true
    this.ws.pause()
  }

  resume(): void {
    this.paused = false
    this.catchUp()
  }

  /** Hands on what has waited, in order, as long as the session wants it. */
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
    if (this.phase === 'opening') this.late.push(() => this.close())
    else this.end(CLOSE.normal, 'the session ended')
  }

  /** Reads on, because the other end's goodbye is still to come, but hands nothing on. */
  end(code: number, why: string): void {
    this.why ??= why
    this.phase = 'over'
    this.early = []
    this.late = []
    this.ws.resume()
    this.ws.close(code, Buffer.byteLength(why) <= 123 ? why : '')
  }

  terminate(why: string): void {
    this.why ??= why
    this.phase = 'over'
    this.ws.terminate()
  }

  private onMessage(frame: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      this.end(CLOSE.notBinary, 'the client sent text')
      return
    }
    try {
      this.receive(frame)
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error
      this.end(CLOSE.protocol, error.message)
    }
  }

  private receive(frame: Buffer): void {
    switch (this.phase) {
      case 'hello':
        this.hello(frame)
        break
      case 'request':
        this.request(frame)
        break
      case 'opening':
        throw new MalformedBytes('bytes before the session was open')
      case 'open':
        this.receiveOpen(frame)
        break
      case 'over':
        break
    }
  }

  private hello(frame: Buffer): void {
    const message = decodeClientMessage(frame)
    if (message.t !== 'hello') throw new MalformedBytes('the first message is not hello')
    if (message.version !== TUNNEL_VERSION) {
      this.refuse(wrongVersion(message.version))
      return
    }
    this.ws.send(
      encodeMessage({ t: 'hello', version: TUNNEL_VERSION, limits: { frame: MAX_FRAME } }),
    )
    this.phase = 'request'
  }

  private request(frame: Buffer): void {
    const message = decodeClientMessage(frame)
    if (message.t !== 'open' && message.t !== 'cancel') {
      throw new MalformedBytes('neither open nor cancel')
    }
    this.phase = 'opening'
    const done = message.t === 'open' ? this.openSession(message) : this.cancel(message)
    done.catch((error: unknown) => this.refuse(error))
  }

  private async openSession(open: OpenMessage): Promise<void> {
    const { session } = await this.host.open(this.present.who, open, this)
    if (this.phase !== 'opening') return
    this.ws.send(encodeMessage({ t: 'opened', session }))
    this.phase = 'open'
    if (this.deliver === null) this.ws.pause()
    const owed = this.blocked
    for (const run of this.late.splice(0)) run()
    if (owed && !this.blocked) this.drained?.()
  }

  private async cancel(cancel: CancelMessage): Promise<void> {
    await this.host.cancel(this.present.who, cancel)
    this.end(CLOSE.normal, 'the cancel request was taken')
  }

  private refuse(error: unknown): void {
    if (!(error instanceof HoopError)) this.host.onFault(error)
    if (this.phase === 'over') return
    const refused = refusedMessage(error)
    this.ws.send(encodeMessage(refused))
    this.end(CLOSE.normal, refused.message)
  }

  private receiveOpen(frame: Buffer): void {
    const sort = this.sorter.sort(frame)
    if (sort === 'data') this.receiveData(frame)
    if (sort === 'control') this.receiveControl(frame)
  }

  private receiveData(frame: Buffer): void {
    if (this.deliver === null || this.paused) this.early.push(frame)
    else this.deliver(frame)
  }

  private receiveControl(frame: Buffer): void {
    const message = decodeClientMessage(frame)
    if (message.t !== 'token') throw new MalformedBytes(`${message.t} on an open tunnel`)
    this.host.prove(message).then(
      (fresh) => this.renew(fresh),
      (error: unknown) => this.host.onFault(error),
    )
  }

  /** The same person with the same key, or the tunnel ends: a session never changes hands. */
  private renew(fresh: Principal): void {
    if (!this.present.renew(fresh)) this.end(CLOSE.policy, 'the token is of somebody else')
  }

  /** Looked at once per heartbeat. */
  beat(now: number): void {
    if (this.liveness.beat(this.socket.bytesRead, !this.ws.isPaused) === 'gone') {
      this.terminate('nothing came from the client any more')
      return
    }
    if (this.ws.readyState === this.ws.OPEN && this.socket.writableLength === 0) this.ws.pong()
    if (this.phase !== 'open') return
    this.renewIfOld(now)
    this.checkLogin(now)
  }

  private checkLogin(now: number): void {
    const left = this.present.who.expiresAt - now
    if (left > PROVE_BEFORE_MS || this.expired) return
    if (left > 0) {
      this.prove(false)
      return
    }
    this.expired = true
    if (this.expire === null) this.end(CLOSE.policy, 'the login expired')
    else this.expire()
  }
}

function wrongVersion(version: number): HoopError {
  return new HoopError({
    code: 'wrong_version',
    message: `The client speaks version ${version} of the tunnel, the broker ${TUNNEL_VERSION}.`,
    hint: 'Install the version of hoop that the broker runs.',
    fault: 'client',
  })
}
