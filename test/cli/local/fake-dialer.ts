import { pbkdf2Sync } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type {
  CancelRequest,
  Dialer,
  OpenRequest,
  Tunnel,
  TunnelEnd,
} from '../../../cli/local/dialer.ts'
import { encodeSaslInitial, encodeSaslResponse } from '../../../protocol/pg/authentication.ts'
import {
  encodeBackendKey,
  encodeParameterStatus,
  encodeReadyForQuery,
} from '../../../protocol/pg/backend.ts'
import { SCRAM_KEY_LENGTH, ScramClient } from '../../../protocol/pg/scram.ts'
import type { SessionEvent } from '../../../protocol/tunnel/messages.ts'

/** A tunnel that ends in the test. */
export class FakeTunnel implements Tunnel {
  readonly session = 's-fake'
  readonly request: OpenRequest
  readonly written: Buffer[] = []
  /** What write answers. */
  room = true
  paused = false
  closed = false
  data: (bytes: Buffer) => void = () => undefined
  drain: () => void = () => undefined
  end: (end: TunnelEnd) => void = () => undefined
  tell: (event: SessionEvent) => void = () => undefined

  constructor(request: OpenRequest) {
    this.request = request
  }

  write(bytes: Buffer): boolean {
    this.written.push(bytes)
    return this.room
  }

  text(): string {
    return Buffer.concat(this.written).toString('latin1')
  }

  onData(handler: (bytes: Buffer) => void): void {
    this.data = handler
  }

  onDrain(handler: () => void): void {
    this.drain = handler
  }

  onEvent(handler: (event: SessionEvent) => void): void {
    this.tell = handler
  }

  onClose(handler: (end: TunnelEnd) => void): void {
    this.end = handler
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    queueMicrotask(() => this.end({ clean: true, why: 'closed' }))
  }
}

export class FakeDialer implements Dialer {
  readonly tunnels: FakeTunnel[] = []
  readonly cancels: CancelRequest[] = []
  /** Awaited before a tunnel opens; rejects to refuse. */
  gate: () => Promise<void> = () => Promise.resolve()

  async open(request: OpenRequest, signal: AbortSignal): Promise<Tunnel> {
    await this.gate()
    signal.throwIfAborted()
    const tunnel = new FakeTunnel(request)
    this.tunnels.push(tunnel)
    return tunnel
  }

  async cancel(request: CancelRequest): Promise<void> {
    this.cancels.push(request)
  }

  get tunnel(): FakeTunnel {
    return this.tunnels.at(-1) as FakeTunnel
  }
}

export const KEY = Buffer.from([9, 8, 7, 6])
export const GREETING = Buffer.concat([
  encodeParameterStatus('server_version', '18.4'),
  encodeBackendKey(4711, KEY),
  encodeReadyForQuery('I'),
])

/** A client that says bytes and hears bytes. */
export class RawClient {
  readonly socket: Socket
  received = Buffer.alloc(0)
  closed = false

  constructor(address: number | string) {
    this.socket = typeof address === 'number' ? connect(address, '127.0.0.1') : connect(address)
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes])
    })
    this.socket.on('error', () => this.socket.destroy())
    this.socket.on('close', () => {
      this.closed = true
    })
  }

  send(bytes: Buffer | string): void {
    this.socket.write(bytes)
  }

  text(): string {
    return this.received.toString('latin1')
  }
}

export function startupPacket(parameters: Record<string, string>): Buffer {
  const body = Object.entries(parameters)
    .map(([name, value]) => `${name}\0${value}\0`)
    .join('')
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 9)
  head.writeInt32BE(0x30000, 4)
  return Buffer.concat([head, Buffer.from(`${body}\0`)])
}

export function cancelPacket(pid: number, key: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeInt32BE(16)
  head.writeInt32BE(80877102, 4)
  head.writeInt32BE(pid, 8)
  return Buffer.concat([head, key])
}

/** SCRAM by hand over the raw socket; resolves when the server has said yes or no. */
export async function scramLogin(
  client: RawClient,
  password: string,
  until: (condition: () => boolean) => Promise<void>,
): Promise<void> {
  await until(() => client.text().includes('SCRAM-SHA-256'))
  const scram = new ScramClient('clientnonce', { type: 'none' })
  client.send(encodeSaslInitial('SCRAM-SHA-256', scram.first()))
  await until(() => /r=clientnonce.*,i=4096/.test(client.text()))
  const first = /r=clientnonce[^,]*,s=[^,]*,i=4096/.exec(client.text())?.[0] ?? ''
  const { salt, iterations } = scram.challenge(first)
  const salted = pbkdf2Sync(password, salt, iterations, SCRAM_KEY_LENGTH, 'sha256')
  client.send(encodeSaslResponse(scram.final(salted)))
  await until(
    () => client.text().includes('FATAL') || client.text().includes('R\0\0\0\x08\0\0\0\0'),
  )
}
