import type { CancelMessage, OpenMessage, SessionEvent } from '../../protocol/tunnel/messages.ts'

export type OpenRequest = Omit<OpenMessage, 't'>
export type CancelRequest = Omit<CancelMessage, 't'>

/** How a tunnel came to its end. */
export interface TunnelEnd {
  /** True: one of the two ends closed it. False: it broke. */
  readonly clean: boolean
  readonly why: string
}

/** The CLI's end of one open session; bytes as they are, back-pressure both ways. */
export interface Tunnel {
  readonly session: string
  /** False: wait for onDrain. */
  write(bytes: Buffer): boolean
  /** Bytes flow once there is a handler. */
  onData(handler: (bytes: Buffer) => void): void
  onDrain(handler: () => void): void
  onEvent(handler: (event: SessionEvent) => void): void
  /** Once; at once where it has ended already. */
  onClose(handler: (end: TunnelEnd) => void): void
  /** Stop reading from the broker; a few frames that have arrived may still come. */
  pause(): void
  resume(): void
  /** Flushes, then closes. */
  close(): void
}

/** Where the listener gets its tunnels from: the broker, or a fake one in tests. */
export interface Dialer {
  /** Throws a HoopError; {@link TunnelRefused} where the broker itself says no. */
  open(request: OpenRequest, signal: AbortSignal): Promise<Tunnel>
  cancel(request: CancelRequest, signal: AbortSignal): Promise<void>
}
