/** A peer sent bytes that its protocol does not allow. The connection cannot go on. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes'
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads big-endian fields from a buffer of which nothing is believed: every read is checked
 * against the end before it happens, and {@link Cursor.end} refuses what is left over.
 */
export class Cursor {
  private at: number
  private readonly bytes: Buffer

  constructor(bytes: Buffer, start = 0) {
    this.bytes = bytes
    this.at = start
  }

  get offset(): number {
    return this.at
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  private take(length: number): number {
    if (length < 0 || length > this.left) throw new MalformedBytes('message ends too early')
    const start = this.at
    this.at += length
    return start
  }

  uint8(): number {
    return this.bytes[this.take(1)] as number
  }

  int16(): number {
    return this.bytes.readInt16BE(this.take(2))
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.take(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.take(4))
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.take(4))
  }

  /** `length` bytes, not copied. */
  slice(length: number): Buffer {
    const start = this.take(length)
    return this.bytes.subarray(start, start + length)
  }

  /** Passes over `length` bytes. */
  pass(length: number): void {
    this.take(length)
  }

  /** All that is left, not copied. */
  rest(): Buffer {
    return this.slice(this.left)
  }

  /** Bytes up to the next zero byte, which is passed over. */
  zeroTerminated(): Buffer {
    const end = this.bytes.indexOf(0, this.at)
    if (end === -1) throw new MalformedBytes('string without its terminator')
    const text = this.bytes.subarray(this.at, end)
    this.at = end + 1
    return text
  }

  /** A zero-terminated string; not valid UTF-8 is malformed, never replaced. */
  string(): string {
    const { bytes, at } = this
    // Names are short and plain: no view, no call of the general decoder.
    const most = Math.min(bytes.length, at + SHORT)
    for (let end = at; end < most; end++) {
      const byte = bytes[end] as number
      if (byte > 0x7f) break
      if (byte !== 0) continue
      this.at = end + 1
      return end === at ? '' : bytes.toString('latin1', at, end)
    }
    return decodeUtf8(this.zeroTerminated())
  }

  end(): void {
    if (this.left !== 0) throw new MalformedBytes(`${this.left} bytes too many in a message`)
  }
}

/** Strict: invalid UTF-8 is malformed, never U+FFFD. */
export function decodeUtf8(bytes: Buffer): string {
  if (bytes.length === 0) return ''
  if (bytes.length <= SHORT && isAscii(bytes)) return bytes.toString('latin1')
  try {
    return utf8.decode(bytes)
  } catch {
    throw new MalformedBytes('text is not valid UTF-8')
  }
}

/** Names are short and plain: for these the general decoder costs more than it does. */
const SHORT = 64

function isAscii(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 0x7f) return false
  return true
}
