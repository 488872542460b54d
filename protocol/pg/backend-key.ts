import { Cursor, MalformedBytes } from '../bytes/cursor.ts'
import { ByteQueue } from '../bytes/queue.ts'
import { BACKEND } from './backend.ts'
import { HEADER } from './framer.ts'

export interface BackendKey {
  readonly pid: number
  readonly key: Buffer
}

/** Reads BackendKeyData, header included. Throws {@link MalformedBytes}. */
export function readBackendKey(message: Buffer): BackendKey {
  const cursor = new Cursor(message, HEADER)
  const pid = cursor.int32()
  if (cursor.left < 4 || cursor.left > 256) throw new MalformedBytes('cancel key of a wrong length')
  return { pid, key: Buffer.from(cursor.rest()) }
}

/** Longest message that comes before the key: a ParameterStatus or a notice. */
const LONGEST = 65_536

/**
 * Finds BackendKeyData in the first bytes of a session, which are ParameterStatus messages and
 * notices, while these go to the client untouched. The listener passes on no CancelRequest whose
 * key it has not seen go by, so a stranger on the local port cannot make it talk to the broker.
 */
export class BackendKeyWatch {
  private readonly queue = new ByteQueue()
  private over = false

  /** The key, once; null while it is not there. After it, and where none comes, nothing is kept. */
  see(bytes: Buffer): BackendKey | null {
    if (this.over) return null
    this.queue.push(bytes)
    while (this.queue.length >= HEADER) {
      const header = this.queue.peek(HEADER)
      const size = header.readUInt32BE(1) + 1
      if (size < HEADER || size > LONGEST || header[0] === BACKEND.readyForQuery) return this.end()
      if (this.queue.length < size) return null
      const message = this.queue.take(size)
      if (header[0] === BACKEND.backendKey) return this.found(message)
    }
    return null
  }

  get done(): boolean {
    return this.over
  }

  private found(message: Buffer): BackendKey {
    this.end()
    return readBackendKey(message)
  }

  private end(): null {
    this.over = true
    this.queue.drop(this.queue.length)
    return null
  }
}
