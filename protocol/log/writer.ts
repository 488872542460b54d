import { ENTRIES, type EntrySpec, type NewEntry } from './entries.ts'
import { LogFormatError, putField, Scratch } from './fields.ts'
import {
  AT,
  ENTRY_HEADER_SIZE,
  FILE_HEADER_SIZE,
  FLAG,
  HASH_SIZE,
  LOG_TYPE,
  type LogHeader,
  MAGIC,
  MAX_HEAD,
  MAX_ID,
  MAX_PART,
  VERSION,
  writeU32,
  writeU64,
} from './format.ts'
import { digest, hexOf, putDigest } from './hash.ts'

/** Gets the bytes of one append; returns only when it has them, else throws. */
export type Sink = (bytes: Buffer, offset: number, length: number) => void

const INITIAL = 4 * 1024
/** What is encoded goes to the sink at this size at the latest. */
const FLUSH = 1024 * 1024
/** A buffer that one large append made is not kept. */
const KEEP = 512 * 1024
const LAST_SEQ = 0xffff_ffff

/** Of all logs: an append begins and ends in one call, and memory that was just used costs less. */
let scratch = new Scratch(INITIAL)

/** The file's header and the genesis hash over it. */
export function encodeHeader(header: LogHeader): Buffer {
  const id = Buffer.from(header.id, 'utf8')
  if (id.length === 0 || id.length > MAX_ID) throw new LogFormatError('the id of a log is too long')
  const bytes = Buffer.alloc(FILE_HEADER_SIZE + id.length + HASH_SIZE)
  bytes.write(MAGIC, 0, 'latin1')
  bytes[8] = VERSION
  bytes[9] = LOG_TYPE[header.type]
  bytes.writeUInt16BE(id.length, 10)
  writeU64(bytes, Math.round(header.created * 1000), 12)
  id.copy(bytes, FILE_HEADER_SIZE)
  const end = FILE_HEADER_SIZE + id.length
  putDigest(bytes, end, digest(bytes.subarray(0, end)))
  return bytes
}

/** Where a log stands: how many entries, and the hash of the last one (latin1). */
export interface LogHead {
  readonly seq: number
  readonly hash: string
}

/** The head of a log that has no entry yet. */
export function genesis(encodedHeader: Buffer): LogHead {
  return { seq: 0, hash: encodedHeader.toString('latin1', encodedHeader.length - HASH_SIZE) }
}

/**
 * Encodes entries and chains them. The buffer begins with the hash before, so what is hashed is
 * one run of it, and one append is one call of the sink (several only above 1 MB).
 * When the sink throws, the writer stands where it stood before the append: whoever goes on must
 * cut the file back to there.
 */
export class ChainWriter {
  #seq: number
  #hash: string

  constructor(head: LogHead) {
    this.#seq = head.seq
    this.#hash = head.hash
  }

  get seq(): number {
    return this.#seq
  }

  /** Hash of the last entry, hex. */
  get hash(): string {
    return hexOf(this.#hash)
  }

  append(entries: readonly NewEntry[], micros: number, sink: Sink): void {
    const seq = this.#seq
    const hash = this.#hash
    try {
      this.#rewind()
      for (let i = 0; i < entries.length; i++) this.#entry(entries[i] as NewEntry, micros, sink)
      this.#put(sink)
    } catch (error) {
      this.#seq = seq
      this.#hash = hash
      throw error
    }
    if (scratch.bytes.length > KEEP) scratch = new Scratch(INITIAL)
  }

  #rewind(): void {
    putDigest(scratch.bytes, 0, this.#hash)
    scratch.at = HASH_SIZE
  }

  #put(sink: Sink): void {
    const { bytes, at } = scratch
    if (at > HASH_SIZE) sink(bytes, HASH_SIZE, at - HASH_SIZE)
  }

  #entry(entry: NewEntry, micros: number, sink: Sink): void {
    const spec = ENTRIES[entry.kind]
    const payload = payloadOf(entry, spec)
    if (payload === null || payload.length <= MAX_PART) {
      const flags = payload === null && spec.payload !== null ? FLAG.absent : 0
      this.#frame(spec, entry, payload, flags, micros, sink)
      return
    }
    this.#frame(spec, entry, payload.subarray(0, MAX_PART), FLAG.more, micros, sink)
    for (let at = MAX_PART; at < payload.length; at += MAX_PART) {
      const flags = at + MAX_PART < payload.length ? FLAG.more : 0
      const part = payload.subarray(at, at + MAX_PART)
      this.#frame(ENTRIES.part, null, part, flags, micros, sink)
    }
  }

  #frame(
    spec: EntrySpec,
    entry: NewEntry | null,
    payload: Buffer | null,
    flags: number,
    micros: number,
    sink: Sink,
  ): void {
    if (this.#seq === LAST_SEQ) throw new LogFormatError('the log is full')
    const out = scratch
    const start = out.at
    out.reserve(ENTRY_HEADER_SIZE)
    out.at += ENTRY_HEADER_SIZE
    if (entry !== null) putHead(out, spec, entry)
    const headLength = out.at - start - ENTRY_HEADER_SIZE
    if (headLength > MAX_HEAD) throw new LogFormatError(`${entry?.kind}: too much to record`)
    if (payload !== null) out.raw(payload)
    out.reserve(HASH_SIZE)
    const b = out.bytes
    writeU32(b, out.at - start - 4 + HASH_SIZE, start)
    b[start + AT.kind] = spec.code
    b[start + AT.flags] = flags
    b[start + AT.zero] = 0
    b[start + AT.zero + 1] = 0
    writeU32(b, this.#seq + 1, start + AT.seq)
    writeU64(b, micros, start + AT.time)
    writeU32(b, headLength, start + AT.headLength)
    this.#hash = digest(b.subarray(start - HASH_SIZE, out.at))
    this.#seq++
    putDigest(b, out.at, this.#hash)
    out.at += HASH_SIZE
    if (out.at <= FLUSH) return
    this.#put(sink)
    this.#rewind()
  }
}

/**
 * The head as the table says. The kinds that every statement makes are spelled out: a field
 * that is looked up by its name costs more than to write it.
 */
function putHead(out: Scratch, spec: EntrySpec, entry: NewEntry): void {
  switch (entry.kind) {
    case 'execute':
      out.uint(entry.ref)
      out.text(entry.decision)
      out.text(entry.rule)
      putField(out, 'text?', entry.request)
      putField(out, 'text?', entry.reason)
      putField(out, 'uints?', entry.formats)
      putField(out, 'uint?', entry.policy)
      break
    case 'rows':
      out.uint(entry.ref)
      out.uint(entry.count)
      break
    case 'complete':
      out.uint(entry.ref)
      out.text(entry.tag)
      putField(out, 'uint?', entry.rows)
      out.micros(entry.ms)
      break
    case 'result':
      out.uint(entry.ref)
      out.uint(entry.count)
      out.text(entry.tag)
      putField(out, 'uint?', entry.rows)
      out.micros(entry.ms)
      break
    default:
      putTable(out, spec, entry)
  }
}

function putTable(out: Scratch, spec: EntrySpec, entry: NewEntry): void {
  const fields = entry as unknown as Readonly<Record<string, unknown>>
  for (let i = 0; i < spec.head.length; i++) {
    const [name, type] = spec.head[i] as EntrySpec['head'][number]
    putField(out, type, fields[name])
  }
}

function payloadField(entry: NewEntry, name: string): unknown {
  if (entry.kind === 'result' || entry.kind === 'rows') return entry.bytes
  if (entry.kind === 'execute') return entry.parameters
  return (entry as unknown as Readonly<Record<string, unknown>>)[name]
}

/** Null = the entry has none; its kind has none, or the value is null. */
function payloadOf(entry: NewEntry, spec: EntrySpec): Buffer | null {
  if (spec.payload === null) return null
  const value = payloadField(entry, spec.payload)
  if (value === null) return null
  if (Buffer.isBuffer(value)) return value
  throw new LogFormatError(`${entry.kind}.${spec.payload} is not bytes`)
}
