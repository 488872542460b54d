import type { SessionEvent } from '../../protocol/tunnel/messages.ts'
import type { Principal } from '../identity/principal.ts'

/** The client as the pump sees it: a tunnel, or the broker's own client for `hoop exec`. */
export interface ClientEnd {
  /** Who it is, by the latest token. */
  principal(): Principal
  /** By a token that is at most a minute old: it is asked for where it must be. */
  fresh(signal: AbortSignal): Promise<Principal>
  /** Something waits: the token is kept fresh until the answer is called. */
  keepFresh(): () => void
  /** False: wait for onDrain. */
  write(bytes: Buffer): boolean
  onData(handler: (bytes: Buffer) => void): void
  onDrain(handler: () => void): void
  onClose(handler: (why: string) => void): void
  onExpired(handler: () => void): void
  pause(): void
  resume(): void
  event(event: SessionEvent): void
  /** Flushes, then closes. */
  close(): void
}
