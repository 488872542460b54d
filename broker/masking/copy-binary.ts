import { type CellMask, LARGEST_DERIVED, writeMasked } from './cell.ts'
import { MaskingError } from './errors.ts'
import { Output } from './output.ts'
import type { Run, Scanner } from './run.ts'

/** COPY's documentation, "Binary Format". */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const TRAILER = -1

type Part =
  | 'signature'
  | 'flags'
  | 'extension size'
  | 'extension'
  | 'column count'
  | 'length'
  | 'value'
  | 'over'

/** Sizes of the parts that are read whole before anything is decided. */
const SIZE = { signature: 11, flags: 4, 'extension size': 4, 'column count': 2, length: 4 } as const

/** COPY's binary format; it may be cut anywhere. */
export class BinaryScanner implements Scanner {
  readonly #columns: readonly (CellMask | null)[]
  readonly #field = Buffer.alloc(SIGNATURE.length)
  readonly #held = new Output(64)
  readonly #masked = new Output(64)
  #part: Part = 'signature'
  /** Bytes of a part with a size that are in `field` already. */
  #read = 0
  /** Bytes of the value or extension that are still to come. */
  #left = 0
  #column = 0
  #mask: CellMask | null = null

  constructor(columns: readonly (CellMask | null)[]) {
    this.#columns = columns
  }

  get withinMasked(): boolean {
    return this.#mask !== null
  }

  scan(run: Run, start: number, end: number): void {
    let at = start
    while (at < end) {
      if (this.#part === 'value') at = this.#value(run, at, end)
      else if (this.#part === 'extension') at = this.#extension(at, end)
      else if (this.#part === 'over') throw new MaskingError('COPY goes on after its trailer')
      else at = this.#whole(run, this.#part, at, end)
    }
  }

  end(): void {
    if (this.#part !== 'over') throw new MaskingError('COPY ended before its trailer')
  }

  #whole(run: Run, part: keyof typeof SIZE, start: number, end: number): number {
    const { source } = run
    const size = SIZE[part]
    let at = start
    while (this.#read < size && at < end) this.#field[this.#read++] = source[at++]!
    if (this.#read < size) return at
    this.#read = 0
    if (part === 'length') this.#length(run, at)
    else if (part === 'column count') this.#row(run, at)
    else this.#header(part)
    return at
  }

  #header(part: 'signature' | 'flags' | 'extension size'): void {
    if (part === 'signature') {
      if (!this.#field.equals(SIGNATURE)) throw new MaskingError('COPY has not the binary header')
      this.#part = 'flags'
    } else if (part === 'flags') {
      // Bits 16 to 31 change the format: bit 16 was a column of OIDs.
      if (this.#field.readInt32BE(0) !== 0) throw new MaskingError('COPY has unknown flags')
      this.#part = 'extension size'
    } else {
      this.#left = this.#field.readInt32BE(0)
      if (this.#left < 0) throw new MaskingError('COPY has an impossible header')
      this.#part = this.#left === 0 ? 'column count' : 'extension'
    }
  }

  #extension(at: number, end: number): number {
    const count = Math.min(this.#left, end - at)
    this.#left -= count
    if (this.#left === 0) this.#part = 'column count'
    return at + count
  }

  #row(run: Run, at: number): void {
    const count = this.#field.readInt16BE(0)
    if (count === TRAILER) {
      this.#part = 'over'
      return
    }
    if (count !== this.#columns.length) {
      throw new MaskingError('a row of COPY has not the columns that were described')
    }
    this.#begin(run, 0, at)
  }

  /** The length of a masked value is not passed on before the value is known. */
  #begin(run: Run, column: number, at: number): void {
    this.#column = column
    if (column === this.#columns.length) {
      this.#mask = null
      this.#part = 'column count'
      return
    }
    this.#part = 'length'
    this.#mask = this.#columns[column]!
    if (this.#mask !== null) run.stop(at)
  }

  #length(run: Run, at: number): void {
    const length = this.#field.readInt32BE(0)
    if (length < -1) throw new MaskingError('a value has a length that cannot be')
    this.#left = length
    this.#part = 'value'
    if (length === -1) {
      this.#null(run, at)
    } else if (length === 0) this.#value(run, at, at)
  }

  #null(run: Run, at: number): void {
    if (this.#mask?.hidesNull === true) this.#write(this.#mask, run.out)
    else if (this.#mask !== null) run.out.int32(-1)
    this.#end(run, at)
  }

  #value(run: Run, at: number, end: number): number {
    const count = Math.min(this.#left, end - at)
    const over = at + count
    this.#left -= count
    const mask = this.#mask
    if (mask !== null) {
      const isHeld = mask.how === 'partial' || mask.how === 'hash'
      if (isHeld && this.#held.length <= LARGEST_DERIVED) this.#held.copy(run.source, at, over)
      if (this.#left === 0) this.#write(mask, run.out)
    }
    if (this.#left === 0) this.#end(run, over)
    return over
  }

  #write(mask: CellMask, out: Output): void {
    this.#masked.clear()
    const { bytes, length } = this.#held
    if (!writeMasked(mask, bytes, 0, length, this.#masked)) out.int32(-1)
    else {
      out.int32(this.#masked.length)
      out.copy(this.#masked.bytes, 0, this.#masked.length)
    }
    this.#held.clear()
  }

  #end(run: Run, at: number): void {
    if (this.#mask !== null) run.resume(at)
    this.#begin(run, this.#column + 1, at)
  }
}
