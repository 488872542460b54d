import type { CopyOptions } from '../../protocol/pg/statement.ts'
import type { CellMask } from './cell.ts'
import { type CellCodec, equals, MaskedCell } from './copy-cell.ts'
import { MaskingError } from './errors.ts'
import type { Output } from './output.ts'
import type { Run, Scanner } from './run.ts'

const NEWLINE = 0x0a
const BACKSLASH = 0x5c

/** What a byte is outside of an escape. */
const PLAIN = 0
const ESCAPE = 1
const END = 2

/**
 * COPY's text format as the server writes it (CopyAttributeOutText, copyto.c): a delimiter, newline
 * or backslash within a value always stands behind a backslash or is written as a letter.
 */
export class TextScanner implements Scanner {
  readonly #columns: readonly (CellMask | null)[]
  readonly #kinds = new Uint8Array(256)
  readonly #cell: MaskedCell
  #isHeader: boolean
  #column = 0
  #mask: CellMask | null
  /** The byte before was a backslash. */
  #escaped = false
  #atRowStart = true

  constructor(columns: readonly (CellMask | null)[], options: CopyOptions) {
    const delimiter = oneByte(options.delimiter)
    this.#columns = columns
    this.#kinds[BACKSLASH] = ESCAPE
    this.#kinds[delimiter] = END
    this.#kinds[NEWLINE] = END
    this.#cell = new MaskedCell(new TextCodec(delimiter, options.null), columns)
    this.#isHeader = options.header
    this.#mask = options.header ? null : columns[0]!
  }

  get withinMasked(): boolean {
    return this.#mask !== null
  }

  scan(run: Run, start: number, end: number): void {
    if (start === end) return
    const { source } = run
    let cell = start
    let at = this.#escaped ? start + 1 : start
    for (;;) {
      at = valueEnd(this.#kinds, source, at, end)
      if (at >= end) break
      if (this.#mask !== null) {
        this.#cell.close(this.#mask, source, cell, at, run.out)
        run.resume(at)
      }
      this.#next(source[at] === NEWLINE)
      cell = ++at
      if (this.#mask !== null) run.stop(at)
    }
    this.#escaped = at > end
    this.#atRowStart = this.#column === 0 && cell === end
    if (this.#mask !== null) this.#cell.hold(this.#mask, source, cell, end)
  }

  end(): void {
    if (!this.#atRowStart) throw new MaskingError('COPY ended within a row')
  }

  #next(isRowEnd: boolean): void {
    if (!isRowEnd) {
      if (++this.#column === this.#columns.length) {
        throw new MaskingError('a row of COPY has too many columns')
      }
    } else {
      if (this.#column + 1 !== this.#columns.length) {
        throw new MaskingError('a row of COPY has too few columns')
      }
      this.#column = 0
      this.#isHeader = false
    }
    this.#mask = this.#isHeader ? null : this.#columns[this.#column]!
  }
}

/** Where the delimiter or newline stands that ends the value; past `end` behind a last backslash. */
function valueEnd(kinds: Uint8Array, source: Buffer, start: number, end: number): number {
  let at = start
  for (;;) {
    while (at < end && kinds[source[at]!] === PLAIN) at++
    if (at >= end || kinds[source[at]!] === END) return at
    at += 2
  }
}

export function oneByte(text: string): number {
  const bytes = Buffer.from(text)
  if (bytes.length !== 1) throw new MaskingError('a delimiter of COPY is not one byte')
  return bytes[0]!
}

/** Letters that stand for control characters behind a backslash. */
const LETTERS: readonly (readonly [number, string])[] = [
  [0x08, 'b'],
  [0x0c, 'f'],
  [0x0a, 'n'],
  [0x0d, 'r'],
  [0x09, 't'],
  [0x0b, 'v'],
]

class TextCodec implements CellCodec {
  readonly nullMarker: Buffer
  readonly #tellsNull: boolean
  /** By byte: what follows the backslash, 0 = no backslash. */
  readonly #escapes = new Uint8Array(256)
  readonly #letters = new Uint8Array(256)

  constructor(delimiter: number, marker: string) {
    this.nullMarker = Buffer.from(marker)
    this.#tellsNull = tellsNull(marker)
    for (const [byte, letter] of LETTERS) {
      this.#escapes[byte] = letter.charCodeAt(0)
      this.#letters[letter.charCodeAt(0)] = byte
    }
    this.#escapes[BACKSLASH] = BACKSLASH
    if (this.#escapes[delimiter] === 0) this.#escapes[delimiter] = delimiter
  }

  isNull(bytes: Buffer, start: number, end: number): boolean {
    return this.#tellsNull && equals(bytes, start, end, this.nullMarker)
  }

  decode(bytes: Buffer, start: number, end: number, into: Output): void {
    if (isFreeOf(this.#escapes, bytes, start, end)) {
      into.copy(bytes, start, end)
      return
    }
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte !== BACKSLASH || at + 1 === end) into.byte(byte)
      else into.byte(this.#letters[bytes[++at]!]! || bytes[at]!)
    }
  }

  encode(bytes: Buffer, start: number, end: number, into: Output): void {
    if (isFreeOf(this.#escapes, bytes, start, end)) {
      into.copy(bytes, start, end)
      return
    }
    for (let at = start; at < end; at++) {
      const letter = this.#escapes[bytes[at]!]!
      if (letter !== 0) into.byte(BACKSLASH)
      into.byte(letter || bytes[at]!)
    }
  }
}

/** Nearly all values are: they are copied as they are. */
function isFreeOf(marks: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (marks[bytes[at]!] !== 0) return false
  return true
}

/**
 * In this format a value that equals the marker looks like NULL, and the marker is the client's
 * choice: `NULL '078-05-1120'` would ask "is it this one?". So only markers that no secret equals
 * are believed; with another one NULL is masked like a value.
 */
function tellsNull(marker: string): boolean {
  return marker === '\\N' || marker === '' || /^null$/i.test(marker)
}
