import type { FieldType } from './entries.ts'
import { MAX_HEAD, readU64, writeU32, writeU64 } from './format.ts'

/**
 * The head of an entry: its fields one after the other, with no names and no gaps.
 *
 *   text   length u32 | UTF-8 bytes          null = length ffffffff
 *   uint   u64                               null = all ones
 *   micros u64, whole microseconds
 *   texts  count u32 | text …
 *   flags  count u32 | one byte each, 0 or 1
 *   uints  count u32 | u32 each              null = count ffffffff
 */

const NULL = 0xffff_ffff
const SHORT = 32

export class LogFormatError extends Error {
  override readonly name = 'LogFormatError'
}

/** A buffer that grows, written from the front; reused for ever. */
export class Scratch {
  bytes: Buffer
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + size))
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
  }

  u32(value: number): void {
    this.reserve(4)
    writeU32(this.bytes, value, this.at)
    this.at += 4
  }

  u64(value: number): void {
    this.reserve(8)
    writeU64(this.bytes, value, this.at)
    this.at += 8
  }

  /** Throws for what is no whole number. */
  uint(value: number): void {
    this.u64(whole(value))
  }

  micros(milliseconds: number): void {
    this.u64(whole(Math.round(milliseconds * 1000)))
  }

  text(value: string): void {
    this.reserve(4 + value.length * 3)
    const size = putUtf8(this.bytes, value, this.at + 4)
    writeU32(this.bytes, size, this.at)
    this.at += 4 + size
  }

  raw(value: Buffer): void {
    this.reserve(value.length)
    value.copy(this.bytes, this.at)
    this.at += value.length
  }
}

/** Short ASCII by hand: a call into C++ costs more than the bytes. */
function putUtf8(into: Buffer, value: string, at: number): number {
  const length = value.length
  if (length > SHORT) return into.write(value, at, 'utf8')
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i)
    if (code > 127) return into.write(value, at, 'utf8')
    into[at + i] = code
  }
  return length
}

function whole(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new LogFormatError(`not a whole number: ${String(value)}`)
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new LogFormatError(`not a text: ${typeof value}`)
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new LogFormatError(`not a list: ${typeof value}`)
}

export function putField(out: Scratch, type: FieldType, value: unknown): void {
  if (value === null || value === undefined) putNull(out, type)
  else putValue(out, type, value)
}

/** A missing list is an empty one; what must not be null throws. */
function putNull(out: Scratch, type: FieldType): void {
  switch (type) {
    case 'text?':
    case 'uints?':
      out.u32(NULL)
      break
    case 'uint?':
      out.u32(NULL)
      out.u32(NULL)
      break
    case 'texts':
    case 'flags':
      out.u32(0)
      break
    default:
      throw new LogFormatError('null where a value must stand')
  }
}

function putValue(out: Scratch, type: FieldType, value: unknown): void {
  switch (type) {
    case 'text':
    case 'text?':
      out.text(asText(value))
      break
    case 'uint':
    case 'uint?':
      out.uint(whole(value))
      break
    case 'micros':
      out.micros(Number(value))
      break
    case 'texts':
      putTexts(out, list(value))
      break
    case 'flags':
      putFlags(out, list(value))
      break
    case 'uints?':
      putUints(out, list(value))
  }
}

function putTexts(out: Scratch, values: readonly unknown[]): void {
  out.u32(values.length)
  for (const value of values) out.text(asText(value))
}

function putFlags(out: Scratch, values: readonly unknown[]): void {
  out.u32(values.length)
  out.reserve(values.length)
  for (const value of values) out.bytes[out.at++] = value === true ? 1 : 0
}

function putUints(out: Scratch, values: readonly unknown[]): void {
  out.u32(values.length)
  for (const value of values) out.u32(whole(value))
}

/** Reads a head; every length is a lie until checked. */
export class HeadReader {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    if (bytes.length > MAX_HEAD) throw new LogFormatError('the head is too large')
    this.bytes = bytes
  }

  get ended(): boolean {
    return this.at === this.bytes.length
  }

  take(size: number): number {
    const at = this.at
    if (size > this.bytes.length - at) throw new LogFormatError('a field ends after its entry')
    this.at = at + size
    return at
  }

  u32(): number {
    return this.bytes.readUInt32BE(this.take(4))
  }

  textOf(size: number): string {
    const at = this.take(size)
    return this.bytes.toString('utf8', at, at + size)
  }

  text(): string {
    const size = this.u32()
    if (size === NULL) throw new LogFormatError('null where a text must stand')
    return this.textOf(size)
  }

  uint(): number | null {
    const at = this.take(8)
    if (this.bytes.readUInt32BE(at) === NULL && this.bytes.readUInt32BE(at + 4) === NULL)
      return null
    const value = readU64(this.bytes, at)
    if (!Number.isSafeInteger(value)) throw new LogFormatError('a number is too large')
    return value
  }

  need(): number {
    const value = this.uint()
    if (value === null) throw new LogFormatError('null where a number must stand')
    return value
  }

  /** A count, never of more than the bytes that are left could hold. */
  count(itemSize: number): number {
    const count = this.u32()
    if (count * itemSize > this.bytes.length - this.at)
      throw new LogFormatError('a list is too long')
    return count
  }

  flag(): boolean {
    const value = this.bytes[this.take(1)]
    if (value !== 0 && value !== 1) throw new LogFormatError('a flag is neither 0 nor 1')
    return value === 1
  }
}

export function takeField(from: HeadReader, type: FieldType): unknown {
  switch (type) {
    case 'text':
      return from.text()
    case 'text?': {
      const size = from.u32()
      return size === NULL ? null : from.textOf(size)
    }
    case 'uint':
      return from.need()
    case 'uint?':
      return from.uint()
    case 'micros':
      return from.need() / 1000
    case 'texts':
      return Array.from({ length: from.count(4) }, () => from.text())
    case 'flags':
      return Array.from({ length: from.count(1) }, () => from.flag())
    case 'uints?':
      return takeUints(from)
  }
}

function takeUints(from: HeadReader): number[] | null {
  if (from.bytes.length - from.at >= 4 && from.bytes.readUInt32BE(from.at) === NULL) {
    from.take(4)
    return null
  }
  return Array.from({ length: from.count(4) }, () => from.u32())
}

/** What a field reads as in a file that is older than the field. */
export function missingField(type: FieldType): unknown {
  if (type === 'texts' || type === 'flags') return []
  if (type === 'text?' || type === 'uint?' || type === 'uints?') return null
  throw new LogFormatError('a field is missing')
}
