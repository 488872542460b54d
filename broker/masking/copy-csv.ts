import type { CopyOptions } from '../../protocol/pg/statement.ts'
import type { CellMask } from './cell.ts'
import { type CellCodec, equals, MaskedCell } from './copy-cell.ts'
import { oneByte } from './copy-text.ts'
import { MaskingError } from './errors.ts'
import type { Output } from './output.ts'
import type { Run, Scanner } from './run.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d

/** Where the reader is within a value. */
type Place =
  | 'start' // before its first byte
  | 'bare' // in a value without quotes
  | 'quoted'
  | 'escaped' // behind an escape character in quotes
  | 'closing' // behind a quote in quotes: its end, or the first half of a doubled quote

/**
 * COPY's CSV format as the server writes it (CopyAttributeOutCSV, copyto.c): a value is quoted whole
 * or not at all; in quotes a quote or escape character stands behind the escape character.
 */
export class CsvScanner implements Scanner {
  readonly #columns: readonly (CellMask | null)[]
  readonly #delimiter: number
  readonly #quote: number
  readonly #escape: number
  readonly #bareEnds = new Uint8Array(256)
  readonly #quotedEnds = new Uint8Array(256)
  readonly #cell: MaskedCell
  #isHeader: boolean
  #column = 0
  #mask: CellMask | null
  #place: Place = 'start'

  constructor(columns: readonly (CellMask | null)[], options: CopyOptions) {
    this.#columns = columns
    this.#delimiter = oneByte(options.delimiter)
    this.#quote = oneByte(options.quote)
    this.#escape = oneByte(options.escape)
    for (const byte of [this.#delimiter, NEWLINE, this.#quote]) this.#bareEnds[byte] = 1
    for (const byte of [this.#quote, this.#escape]) this.#quotedEnds[byte] = 1
    this.#cell = new MaskedCell(new CsvCodec(options), columns)
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
    let at = start
    for (;;) {
      at = this.#skip(source, at, end)
      if (at === end) break
      if (this.#mask !== null) {
        this.#cell.close(this.#mask, source, cell, at, run.out)
        run.resume(at)
      }
      this.#next(source[at++]!)
      if (this.#mask !== null) run.stop(at)
      cell = at
    }
    if (this.#mask !== null) this.#cell.hold(this.#mask, source, cell, end)
  }

  end(): void {
    if (this.#column !== 0 || this.#place !== 'start') {
      throw new MaskingError('COPY ended within a row')
    }
  }

  /** Reads on to the delimiter or newline that ends the value, or to the end of the piece. */
  #skip(source: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      const byte = source[at]!
      switch (this.#place) {
        case 'start':
          this.#place = byte === this.#quote ? 'quoted' : 'bare'
          if (this.#place === 'quoted') at++
          break
        case 'bare':
          while (at < end && this.#bareEnds[source[at]!] === 0) at++
          if (at === end) return at
          if (source[at] !== this.#quote) return at
          throw new MaskingError('a quote within a value of COPY that is not quoted')
        case 'quoted':
          while (at < end && this.#quotedEnds[source[at]!] === 0) at++
          if (at === end) return at
          this.#place = source[at] === this.#quote ? 'closing' : 'escaped'
          at++
          break
        case 'escaped':
          this.#place = 'quoted'
          at++
          break
        case 'closing':
          if (byte === this.#delimiter || byte === NEWLINE) return at
          if (byte !== this.#quote || this.#quote !== this.#escape) {
            throw new MaskingError('a value of COPY goes on after its closing quote')
          }
          this.#place = 'quoted'
          at++
      }
    }
    return at
  }

  #next(byte: number): void {
    this.#place = 'start'
    if (byte !== NEWLINE) {
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

/** NULL is the marker without quotes; a value that equals it is quoted by the server. */
class CsvCodec implements CellCodec {
  readonly nullMarker: Buffer
  readonly #quote: number
  readonly #escape: number
  readonly #needsQuotes = new Uint8Array(256)

  constructor(options: CopyOptions) {
    this.nullMarker = Buffer.from(options.null)
    this.#quote = oneByte(options.quote)
    this.#escape = oneByte(options.escape)
    for (const byte of [oneByte(options.delimiter), this.#quote, NEWLINE, RETURN]) {
      this.#needsQuotes[byte] = 1
    }
  }

  isNull(bytes: Buffer, start: number, end: number): boolean {
    return equals(bytes, start, end, this.nullMarker)
  }

  decode(bytes: Buffer, start: number, end: number, into: Output): void {
    if (start === end || bytes[start] !== this.#quote) {
      into.copy(bytes, start, end)
      return
    }
    for (let at = start + 1; at < end - 1; at++) {
      if (bytes[at] === this.#escape && at + 1 < end - 1) at++
      into.byte(bytes[at]!)
    }
  }

  encode(bytes: Buffer, start: number, end: number, into: Output): void {
    if (!this.#isQuoted(bytes, start, end)) {
      into.copy(bytes, start, end)
      return
    }
    into.byte(this.#quote)
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte === this.#quote || byte === this.#escape) into.byte(this.#escape)
      into.byte(byte)
    }
    into.byte(this.#quote)
  }

  #isQuoted(bytes: Buffer, start: number, end: number): boolean {
    if (this.isNull(bytes, start, end)) return true
    for (let at = start; at < end; at++) if (this.#needsQuotes[bytes[at]!] !== 0) return true
    return false
  }
}
