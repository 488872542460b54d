/** Below this many bytes a loop beats the call of a native copy. */
const SHORT = 24

/** A buffer that grows, for one pass over many rows. */
export class Output {
  #bytes: Buffer
  #length = 0

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** What is there so far; good until the next write. */
  get bytes(): Buffer {
    return this.#bytes
  }

  clear(): void {
    this.#length = 0
  }

  reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }

  copy(source: Buffer, start: number, end: number): void {
    const count = end - start
    this.reserve(count)
    if (count > SHORT) source.copy(this.#bytes, this.#length, start, end)
    else {
      const bytes = this.#bytes
      let to = this.#length
      for (let from = start; from < end; from++) bytes[to++] = source[from]!
    }
    this.#length += count
  }

  byte(value: number): void {
    this.reserve(1)
    this.#bytes[this.#length++] = value
  }

  fill(value: number, count: number): void {
    this.reserve(count)
    const end = this.#length + count
    if (count > SHORT) this.#bytes.fill(value, this.#length, end)
    else for (let at = this.#length; at < end; at++) this.#bytes[at] = value
    this.#length = end
  }

  int32(value: number): void {
    this.reserve(4)
    this.#length = this.#bytes.writeInt32BE(value, this.#length)
  }

  /** Overwrites four bytes that are already there. */
  patchInt32(at: number, value: number): void {
    this.#bytes.writeInt32BE(value, at)
  }

  /** Gives the bytes away; this output must not be used afterwards. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}
