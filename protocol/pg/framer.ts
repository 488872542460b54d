import { MalformedBytes } from '../bytes/cursor.ts'
import { ByteQueue } from '../bytes/queue.ts'

/** Type byte and int32 length, which counts itself but not the type byte. */
export const HEADER = 5

/**
 * One frame of the PostgreSQL protocol (Message Formats, 55.7), header included in `bytes`.
 * `count` messages of the same type may come as one slice (rows, copy data). A message too large to
 * be kept comes in parts: `first` holds the header.
 */
export interface Frame {
  readonly type: number
  readonly bytes: Buffer
  readonly count: number
  readonly part: 'whole' | 'first' | 'middle' | 'last'
}

export interface FramerRules {
  /** Longest length field that this type may have; -1 = this type is not known. */
  limit(type: number): number
  /** Types that come in runs, and in parts when they are larger than `partsAbove`. */
  readonly stream: ReadonlySet<number>
  readonly partsAbove: number
}

/** Cuts a stream of bytes into frames. A length is checked before anything is kept because of it. */
export class Framer {
  private readonly queue = new ByteQueue()
  private readonly partsAbove: number
  /** By type byte: the longest length field (-1 = unknown), and 1 for types that come in runs. */
  private readonly limits: Int32Array
  private readonly streamed: Uint8Array
  /** Bytes of a message in parts that are still to come, and its type. */
  private remaining = 0
  private partType = 0

  constructor(rules: FramerRules) {
    this.partsAbove = rules.partsAbove
    this.limits = Int32Array.from({ length: 256 }, (_, type) => rules.limit(type))
    this.streamed = Uint8Array.from({ length: 256 }, (_, type) => Number(rules.stream.has(type)))
  }

  /** Bytes that wait for the rest of their message. */
  get buffered(): number {
    return this.queue.length
  }

  push(chunk: Buffer): void {
    this.queue.push(chunk)
  }

  /** The next frame, or null when more bytes are needed. Throws {@link MalformedBytes}. */
  next(): Frame | null {
    if (this.remaining > 0) return this.nextPart()
    const { first } = this.queue
    if (first === undefined) return null
    return this.run(first, this.queue.offset) ?? this.single()
  }

  /** Whole messages that lie in the first chunk: one, or a run of a streamed type. No copy. */
  private run(chunk: Buffer, start: number): Frame | null {
    const type = chunk[start] as number
    const streamed = this.streamed[type] === 1
    let end = start
    let count = 0
    while (end + HEADER <= chunk.length && chunk[end] === type) {
      const size = this.checked(type, chunk.readInt32BE(end + 1))
      if (end + size > chunk.length) break
      end += size
      count++
      if (!streamed) break
    }
    if (count === 0) return null
    this.queue.drop(end - start)
    return { type, bytes: chunk.subarray(start, end), count, part: 'whole' }
  }

  private single(): Frame | null {
    if (this.queue.length < HEADER) return null
    const header = this.queue.peek(HEADER)
    const type = header[0] as number
    const size = this.checked(type, header.readInt32BE(1))
    if (this.queue.length >= size) {
      return { type, bytes: this.queue.take(size), count: 1, part: 'whole' }
    }
    if (this.streamed[type] !== 1 || size <= this.partsAbove) return null
    this.partType = type
    this.remaining = size - this.queue.length
    return { type, bytes: this.queue.take(this.queue.length), count: 1, part: 'first' }
  }

  private nextPart(): Frame | null {
    const head = this.queue.head()
    if (head.length === 0) return null
    const bytes = head.subarray(0, Math.min(head.length, this.remaining))
    this.queue.drop(bytes.length)
    this.remaining -= bytes.length
    const part = this.remaining === 0 ? 'last' : 'middle'
    return { type: this.partType, bytes, count: 0, part }
  }

  /** The size of the whole message, type byte included. */
  private checked(type: number, length: number): number {
    const limit = this.limits[type] as number
    if (limit === -1) throw new MalformedBytes(`unknown message type 0x${type.toString(16)}`)
    if (length < 4 || length > limit) {
      throw new MalformedBytes(`message length ${length} is not allowed`)
    }
    return length + 1
  }
}
