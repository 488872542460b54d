const SHORT = 32

/**
 * Builds messages in one growing buffer. What {@link Writer.finish} returns is owned by the caller;
 * the writer starts anew.
 */
export class Writer {
  private bytes: Buffer
  private at = 0

  constructor(size = 256) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  get length(): number {
    return this.at
  }

  private room(length: number): number {
    const start = this.at
    const end = start + length
    if (end > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.bytes.length * 2))
      this.bytes.copy(grown, 0, 0, start)
      this.bytes = grown
    }
    this.at = end
    return start
  }

  uint8(value: number): this {
    const at = this.room(1)
    this.bytes[at] = value
    return this
  }

  int16(value: number): this {
    const at = this.room(2)
    this.bytes.writeInt16BE(value, at)
    return this
  }

  uint16(value: number): this {
    const at = this.room(2)
    this.bytes.writeUInt16BE(value, at)
    return this
  }

  int32(value: number): this {
    const at = this.room(4)
    this.bytes.writeInt32BE(value, at)
    return this
  }

  raw(value: Buffer): this {
    const at = this.room(value.length)
    value.copy(this.bytes, at)
    return this
  }

  /** Text as UTF-8 with a closing zero byte; the text itself must hold none. */
  string(value: string): this {
    if (this.plain(value)) return this
    const length = Buffer.byteLength(value)
    const at = this.room(length + 1)
    this.bytes.write(value, at)
    this.bytes[at + length] = 0
    return this
  }

  /** Short ASCII by hand: a call into C++ costs more than the bytes. False: it is something else. */
  private plain(value: string): boolean {
    const { length } = value
    if (length > SHORT) return false
    const start = this.at
    const at = this.room(length + 1)
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) {
        this.at = start
        return false
      }
      this.bytes[at + i] = unit
    }
    this.bytes[at + length] = 0
    return true
  }

  /** Overwrites an int32 written before. */
  patchInt32(at: number, value: number): this {
    this.bytes.writeInt32BE(value, at)
    return this
  }

  finish(): Buffer {
    const done = this.bytes.subarray(0, this.at)
    this.bytes = Buffer.allocUnsafe(256)
    this.at = 0
    return done
  }
}
