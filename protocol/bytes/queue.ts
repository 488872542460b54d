/**
 * Bytes that have arrived and are not yet used, as a list of chunks: no chunk is copied until a
 * message that spans several is asked for, and then once, whatever its size.
 */
export class ByteQueue {
  private readonly chunks: Buffer[] = []
  private start = 0
  private total = 0
  /** How many of the last chunks are tiny. */
  private tiny = 0

  get length(): number {
    return this.total
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.chunks.push(chunk)
    this.total += chunk.length
    this.tiny = chunk.length < TINY ? this.tiny + 1 : 0
    if (this.tiny >= MOST_TINY) this.joinTiny()
  }

  /**
   * A peer that sends byte by byte makes each of them cost an object: many become one. The first
   * chunk stays as it is, because a part of it may be used up.
   */
  private joinTiny(): void {
    const count = Math.min(this.tiny, this.chunks.length - 1)
    this.chunks.push(Buffer.concat(this.chunks.splice(this.chunks.length - count)))
    this.tiny = 0
  }

  /** The first chunk; what is not used of it begins at {@link ByteQueue.offset}. */
  get first(): Buffer | undefined {
    return this.chunks[0]
  }

  get offset(): number {
    return this.start
  }

  /** The bytes of the first chunk that are not used: what can be looked at without a copy. */
  head(): Buffer {
    const first = this.chunks[0]
    if (first === undefined) return EMPTY
    return this.start === 0 ? first : first.subarray(this.start)
  }

  /** The first `length` bytes, which must be there, not used up. Copies only over a chunk's edge. */
  peek(length: number): Buffer {
    const head = this.head()
    if (head.length >= length) return head.subarray(0, length)
    const joined = Buffer.allocUnsafe(length)
    let filled = head.copy(joined)
    for (let i = 1; filled < length; i++) {
      filled += (this.chunks[i] as Buffer).copy(joined, filled, 0, length - filled)
    }
    return joined
  }

  /** Uses up the first `length` bytes and returns them. */
  take(length: number): Buffer {
    const bytes = this.peek(length)
    this.drop(length)
    return bytes
  }

  drop(length: number): void {
    this.total -= length
    let left = length
    let gone = 0
    while (left > 0) {
      const room = (this.chunks[gone] as Buffer).length - this.start
      if (left < room) {
        this.start += left
        break
      }
      left -= room
      this.start = 0
      gone++
    }
    if (gone === 0) return
    if (gone === 1) this.chunks.shift()
    else this.chunks.splice(0, gone)
    this.tiny = Math.min(this.tiny, this.chunks.length)
  }
}

const EMPTY = Buffer.alloc(0)

const TINY = 256
const MOST_TINY = 1_024
