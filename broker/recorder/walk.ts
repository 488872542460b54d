import { closeSync, openSync, readSync } from 'node:fs'
import { type EntryKind, kindOf } from '../../protocol/log/entries.ts'
import {
  AT,
  ENTRY_HEADER_SIZE,
  FILE_HEADER_SIZE,
  FLAG,
  HASH_SIZE,
  MAX_ID,
  MAX_LENGTH,
  MIN_LENGTH,
  readU64,
} from '../../protocol/log/format.ts'
import type { FrameBody } from './parts.ts'

const BLOCK = 256 * 1024

/** A session's file as those read it who index it: from entry to entry, with no hashing. */
export class LogWalker {
  readonly #fd: number
  #block: Buffer = Buffer.alloc(0)
  #blockAt = 0
  /** Where the next entry begins. */
  offset: number

  private constructor(fd: number, offset: number) {
    this.#fd = fd
    this.offset = offset
  }

  /** At the first entry, or where an earlier walk stopped. */
  static open(path: string, offset: number | null): LogWalker {
    const walker = new LogWalker(openSync(path, 'r'), offset ?? 0)
    if (offset === null) walker.offset = walker.#firstEntry()
    return walker
  }

  /** Epoch milliseconds at which the log was created. */
  created(): number {
    return readU64(this.#bytes(0, FILE_HEADER_SIZE), 12) / 1000
  }

  #firstEntry(): number {
    const idLength = this.#bytes(0, FILE_HEADER_SIZE).readUInt16BE(10)
    if (idLength > MAX_ID) throw new RangeError('not a log')
    return FILE_HEADER_SIZE + idLength + HASH_SIZE
  }

  /** The next entry before `end`, or null. The payload is read for the kinds that are `wanted`. */
  next(end: number, wanted: ReadonlySet<EntryKind>): FrameBody | null {
    const start = this.offset
    if (start + 4 > end) return null
    const length = this.#bytes(start, 4).readUInt32BE(0)
    if (length < MIN_LENGTH || length > MAX_LENGTH) throw new RangeError('not an entry')
    if (start + 4 + length > end) return null
    const header = this.#bytes(start, ENTRY_HEADER_SIZE)
    const kind = kindOf(header[AT.kind] as number)
    const headLength = header.readUInt32BE(AT.headLength)
    const bodyLength = length + 4 - ENTRY_HEADER_SIZE - HASH_SIZE
    if (kind === null || headLength > bodyLength) throw new RangeError('not an entry')
    const flags = header[AT.flags] as number
    const seq = header.readUInt32BE(AT.seq)
    const micros = readU64(header, AT.time)
    const body = this.#bytes(start + ENTRY_HEADER_SIZE, wanted.has(kind) ? bodyLength : headLength)
    this.offset = start + 4 + length
    return {
      seq,
      kind,
      micros,
      more: (flags & FLAG.more) !== 0,
      absent: (flags & FLAG.absent) !== 0,
      head: body.subarray(0, headLength),
      payload: body.subarray(headLength),
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** Bytes of the file: from the block that is in memory, else a new block from there. */
  #bytes(at: number, length: number): Buffer {
    const from = at - this.#blockAt
    if (from >= 0 && from + length <= this.#block.length) {
      return this.#block.subarray(from, from + length)
    }
    const block = Buffer.allocUnsafe(Math.max(BLOCK, length))
    const got = readSync(this.#fd, block, 0, block.length, at)
    if (got < length) throw new RangeError('the file ends too early')
    this.#block = block.subarray(0, got)
    this.#blockAt = at
    return this.#block.subarray(0, length)
  }
}
