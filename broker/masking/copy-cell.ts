import { type CellMask, LARGEST_DERIVED, writeMasked } from './cell.ts'
import { Output } from './output.ts'

/** How one COPY format writes and reads a value. */
export interface CellCodec {
  /** True: these bytes stand for NULL. */
  isNull(bytes: Buffer, start: number, end: number): boolean
  readonly nullMarker: Buffer
  decode(bytes: Buffer, start: number, end: number, into: Output): void
  encode(bytes: Buffer, start: number, end: number, into: Output): void
}

/** One masked value of a textual COPY, gathered from however many pieces it comes in. */
export class MaskedCell {
  readonly #codec: CellCodec
  readonly #replacements = new Map<CellMask, Buffer>()
  readonly #held = new Output(64)
  readonly #value = new Output(64)
  readonly #masked = new Output(64)
  #tooLarge = false

  constructor(codec: CellCodec, masks: readonly (CellMask | null)[]) {
    this.#codec = codec
    for (const mask of masks)
      if (mask !== null) this.#replacements.set(mask, replacement(mask, codec))
  }

  /** Keeps what is needed of a piece: enough to tell NULL, or the value if its mask is made of it. */
  hold(mask: CellMask, bytes: Buffer, start: number, end: number): void {
    const isFixed = mask.how === 'redact' || mask.how === 'null'
    const limit = isFixed ? this.#codec.nullMarker.length : LARGEST_DERIVED
    if (this.#tooLarge || this.#held.length + end - start > limit) this.#tooLarge = true
    else this.#held.copy(bytes, start, end)
  }

  /** The value ends here; its masked form is written. */
  close(mask: CellMask, bytes: Buffer, start: number, end: number, out: Output): void {
    if (this.#held.length === 0 && !this.#tooLarge) {
      this.#write(mask, bytes, start, end, out)
      return
    }
    this.hold(mask, bytes, start, end)
    if (this.#tooLarge) this.#writeReplacement(mask, out)
    else this.#write(mask, this.#held.bytes, 0, this.#held.length, out)
    this.#held.clear()
    this.#tooLarge = false
  }

  #write(mask: CellMask, bytes: Buffer, start: number, end: number, out: Output): void {
    if (!mask.hidesNull && this.#codec.isNull(bytes, start, end)) {
      out.copy(bytes, start, end)
      return
    }
    if (mask.how === 'redact' || mask.how === 'null') {
      this.#writeReplacement(mask, out)
      return
    }
    this.#value.clear()
    this.#masked.clear()
    this.#codec.decode(bytes, start, end, this.#value)
    writeMasked(mask, this.#value.bytes, 0, this.#value.length, this.#masked)
    this.#codec.encode(this.#masked.bytes, 0, this.#masked.length, out)
  }

  #writeReplacement(mask: CellMask, out: Output): void {
    const bytes = this.#replacements.get(mask)!
    out.copy(bytes, 0, bytes.length)
  }
}

function replacement(mask: CellMask, codec: CellCodec): Buffer {
  if (mask.how === 'null') return codec.nullMarker
  const out = new Output(16)
  codec.encode(mask.fixed, 0, mask.fixed.length, out)
  return out.take()
}

export function equals(bytes: Buffer, start: number, end: number, other: Buffer): boolean {
  if (end - start !== other.length) return false
  for (let at = start; at < end; at++) if (bytes[at] !== other[at - start]) return false
  return true
}
