import { ENTRIES, type Entry, type EntryKind, kindOf } from './entries.ts'
import { HeadReader, LogFormatError, missingField, takeField } from './fields.ts'
import {
  AT,
  ENTRY_HEADER_SIZE,
  FILE_HEADER_SIZE,
  FLAG,
  HASH_SIZE,
  KNOWN_FLAGS,
  LOG_TYPE,
  type LogHeader,
  type LogType,
  MAGIC,
  MAX_ID,
  MAX_LENGTH,
  MIN_LENGTH,
  readU64,
  VERSION,
} from './format.ts'
import { digest, hexOf } from './hash.ts'

/** One entry as it stands in the file; its hash was checked. */
export interface Frame {
  readonly seq: number
  readonly kind: EntryKind
  /** µs since the log was created. */
  readonly micros: number
  /** The payload goes on in the next entry. */
  readonly more: boolean
  readonly absent: boolean
  readonly head: Buffer
  readonly payload: Buffer
  /** Hex. */
  readonly hash: string
  /** Where it begins in the file, and the bytes that it takes. */
  readonly offset: number
  readonly size: number
}

/** What is wrong, and with which entry: 0 = the file's header. */
export interface LogFault {
  readonly entry: number
  readonly reason: string
}

export type ReaderItem =
  | { readonly type: 'header'; readonly header: LogHeader; readonly genesis: string }
  | { readonly type: 'entry'; readonly frame: Frame }
  | { readonly type: 'fault'; readonly fault: LogFault }

const EMPTY = Buffer.alloc(0)

/**
 * Reads a log from bytes in pieces of any size and checks the chain on the way. Stops at the first
 * fault: nothing behind it can be trusted. Memory is bounded by the largest entry.
 */
export class LogReader {
  #bytes: Buffer = EMPTY
  /** Where the hash before the next entry stands in #bytes; at first the header. */
  #at = 0
  #offset = 0
  #seq = 0
  #started = false
  #fault: LogFault | null = null
  #hash = ''

  /** Entries that were read and hold. */
  get seq(): number {
    return this.#seq
  }

  /** Hash of the last entry that holds, hex. */
  get hash(): string {
    return hexOf(this.#hash)
  }

  /** Bytes of the file that hold. */
  get size(): number {
    return this.#started ? this.#offset : 0
  }

  get fault(): LogFault | null {
    return this.#fault
  }

  push(bytes: Buffer): void {
    const rest = this.#bytes.subarray(this.#at)
    this.#bytes = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    this.#at = 0
  }

  /** The next item, or null: more bytes are needed (or it has stopped). */
  next(): ReaderItem | null {
    if (this.#fault !== null) return null
    return this.#started ? this.#entry() : this.#header()
  }

  /** The bytes are all there is. What is left must be nothing. */
  end(): LogFault | null {
    if (this.#fault !== null) return this.#fault
    if (!this.#started) return this.#stop(0, 'the file ends before its header does').fault
    const left = this.#bytes.length - this.#at - HASH_SIZE
    if (left === 0) return null
    return this.#stop(this.#seq + 1, 'the file ends in the middle of this entry').fault
  }

  #stop(entry: number, reason: string): { type: 'fault'; fault: LogFault } {
    this.#fault = { entry, reason }
    return { type: 'fault', fault: this.#fault }
  }

  #header(): ReaderItem | null {
    const b = this.#bytes
    const known = Math.min(b.length, MAGIC.length)
    if (b.toString('latin1', 0, known) !== MAGIC.slice(0, known)) {
      return this.#stop(0, 'this is not a hoop log')
    }
    if (b.length < FILE_HEADER_SIZE) return null
    if (b[8] !== VERSION) return this.#stop(0, `the format version ${b[8]} is not known here`)
    const type = typeOf(b[9])
    const idLength = b.readUInt16BE(10)
    if (type === null || idLength === 0 || idLength > MAX_ID) {
      return this.#stop(0, 'the header is damaged')
    }
    const end = FILE_HEADER_SIZE + idLength
    if (b.length < end + HASH_SIZE) return null
    const hash = b.toString('latin1', end, end + HASH_SIZE)
    if (digest(b.subarray(0, end)) !== hash) {
      return this.#stop(0, 'the header was changed: its hash does not fit')
    }
    this.#started = true
    this.#hash = hash
    this.#at = end
    this.#offset = end + HASH_SIZE
    const created = readU64(b, 12) / 1000
    const id = b.toString('utf8', FILE_HEADER_SIZE, end)
    return { type: 'header', header: { type, id, created }, genesis: hexOf(hash) }
  }

  #entry(): ReaderItem | null {
    const b = this.#bytes
    const start = this.#at + HASH_SIZE
    if (b.length < start + 4) return null
    const length = b.readUInt32BE(start)
    const seq = this.#seq + 1
    if (length < MIN_LENGTH || length > MAX_LENGTH) {
      return this.#stop(seq, `its length, ${length}, is not possible`)
    }
    const end = start + 4 + length
    if (b.length < end) return null
    const hash = b.toString('latin1', end - HASH_SIZE, end)
    if (digest(b.subarray(this.#at, end - HASH_SIZE)) !== hash) {
      return this.#stop(seq, mismatch(seq, b.readUInt32BE(start + AT.seq)))
    }
    const frame = this.#frame(start, end, hash)
    if (typeof frame === 'string') return this.#stop(seq, frame)
    this.#seq = seq
    this.#hash = hash
    this.#at = end - HASH_SIZE
    this.#offset += end - start
    return { type: 'entry', frame }
  }

  /** The hash holds; what is wrong now was written so. */
  #frame(start: number, end: number, hash: string): Frame | string {
    const b = this.#bytes
    const said = b.readUInt32BE(start + AT.seq)
    if (said !== this.#seq + 1) return mismatch(this.#seq + 1, said)
    const code = b[start + AT.kind] as number
    const flags = b[start + AT.flags] as number
    const kind = kindOf(code)
    if (kind === null) return `its kind, ${code}, is not known here`
    if ((flags & ~KNOWN_FLAGS) !== 0 || b.readUInt16BE(start + AT.zero) !== 0) {
      return 'its flags are not known here'
    }
    const head = start + ENTRY_HEADER_SIZE
    const payload = head + b.readUInt32BE(start + AT.headLength)
    if (payload > end - HASH_SIZE) return 'its head is longer than the entry'
    return {
      seq: said,
      kind,
      micros: readU64(b, start + AT.time),
      more: (flags & FLAG.more) !== 0,
      absent: (flags & FLAG.absent) !== 0,
      head: b.subarray(head, payload),
      payload: b.subarray(payload, end - HASH_SIZE),
      hash: hexOf(hash),
      offset: this.#offset,
      size: end - start,
    }
  }
}

function typeOf(code: number | undefined): LogType | null {
  if (code === LOG_TYPE.session) return 'session'
  return code === LOG_TYPE.broker ? 'broker' : null
}

function mismatch(expected: number, said: number): string {
  if (said === expected) return 'it was changed, or what stands before it: its hash does not fit'
  return `it is not here: what stands in its place calls itself entry ${said}`
}

/** The fields of an entry. Throws LogFormatError when the head is not what its kind says. */
export function decodeEntry(frame: Pick<Frame, 'kind' | 'head' | 'payload' | 'absent'>): Entry {
  const spec = ENTRIES[frame.kind]
  const head = new HeadReader(frame.head)
  const entry: Record<string, unknown> = { kind: frame.kind }
  for (const [name, type] of spec.head) {
    entry[name] = head.ended ? missingField(type) : takeField(head, type)
  }
  if (!head.ended) throw new LogFormatError('it has fields that are not known here')
  if (spec.payload !== null) entry[spec.payload] = frame.absent ? null : frame.payload
  else if (frame.payload.length > 0) throw new LogFormatError('it has a payload of no meaning')
  return entry as unknown as Entry
}
