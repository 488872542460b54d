import type { SessionEvent } from '../../protocol/tunnel/messages.ts'
import type { Principal } from '../identity/principal.ts'

/** The client's end of a session, as the session sees it. */
export interface TunnelStream {
  /** Address for the record. */
  readonly remote: string
  /** Who it is, by the latest token. */
  principal(): Principal
  /** By a token that is at most a minute old: it is asked for where it must be. */
  fresh(signal: AbortSignal): Promise<Principal>
  /** Something waits: the token is kept fresh until the answer is called. */
  keepFresh(): () => void
  /** False: wait for onDrain. What is written before `open` has resolved goes out right after. */
  write(bytes: Buffer): boolean
  /** Bytes flow once there is a handler, and not before `open` has resolved. */
  onData(handler: (bytes: Buffer) => void): void
  onDrain(handler: () => void): void
  /** Once, whoever ended it; at once where it has ended already. */
  onClose(handler: (why: string) => void): void
  /** The login ran out and was not renewed: tell the client, then close. Without a handler: closed. */
  onExpired(handler: () => void): void
  /** Stop reading from the client; a few frames that have arrived may still come. */
  pause(): void
  resume(): void
  event(event: SessionEvent): void
  /** Flushes, then closes. */
  close(): void
}
