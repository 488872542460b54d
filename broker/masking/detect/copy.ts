import type { CopyOptions } from '../../../protocol/pg/statement.ts'
import { MaskingError } from '../errors.ts'
import type { Shape } from './cover.ts'
import type { Detector } from './detector.ts'
import type { Findings } from './findings.ts'
import { CARD } from './kinds.ts'
import { type DetectPlan, detectFields } from './rows.ts'

const HEADER = 5
const COPY_DATA = 0x64
const NEWLINE = 0x0a
const BACKSLASH = 0x5c
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const TRAILER = -1

/** Looks through whole CopyData messages, in place. The server sends one row in each. */
export type CopyDetector = (bytes: Buffer) => void

/**
 * The options are the client's choice: a delimiter, quote or escape that may stand within what is
 * looked for would hide it (`078\-05\-1120`), so values are then read as the client will read them.
 */
export function copyDetector(
  detector: Detector,
  plan: DetectPlan,
  options: CopyOptions,
  findings: Findings,
): CopyDetector {
  const reader =
    options.format === 'binary'
      ? binaryRow(detector, plan, findings)
      : textRow(detector, plan, options, findings)
  const isPlain =
    options.format === 'text' || options.format === 'csv' ? isOrdinary(options) : false
  return (bytes) => {
    if (plan.idle || (isPlain && !detector.mayHold(bytes, 0, bytes.length))) return
    let at = 0
    while (at < bytes.length) {
      if (bytes[at] !== COPY_DATA || at + HEADER > bytes.length) {
        throw new MaskingError('a message within COPY is not CopyData')
      }
      const end = at + 1 + bytes.readInt32BE(at + 1)
      if (end < at + HEADER || end > bytes.length) {
        throw new MaskingError('CopyData has a length that cannot be')
      }
      reader(bytes, at + HEADER, end)
      at = end
    }
  }
}

type RowReader = (bytes: Buffer, start: number, end: number) => void

/** Where the first row begins: behind the header of the stream, if this message has it. */
export function binaryStart(bytes: Buffer, start: number, end: number): number {
  const over = start + SIGNATURE.length
  if (over + 8 > end || !bytes.subarray(start, over).equals(SIGNATURE)) return start
  return over + 8 + Math.max(0, bytes.readInt32BE(over + 4))
}

function binaryRow(detector: Detector, plan: DetectPlan, findings: Findings): RowReader {
  return (bytes, start, end) => {
    const first = binaryStart(bytes, start, end)
    if (first + 2 > end || bytes.readInt16BE(first) === TRAILER) return
    detectFields(detector, plan, bytes, first, end, findings)
  }
}

function textRow(
  detector: Detector,
  plan: DetectPlan,
  options: CopyOptions,
  findings: Findings,
): RowReader {
  const format = new CellFormat(options)
  return (bytes, start, end) => {
    let cell = start
    let column = 0
    while (cell < end) {
      const over = format.cellEnd(bytes, cell, end)
      const look = column < plan.looks.length ? plan.looks[column]! : 'text'
      if (look !== null) {
        const counts = findings.counts(plan.fields[column]?.name ?? '')
        if (format.ordinary) detector.text(look as Shape, bytes, cell, over, counts)
        else detectHidden(detector, format, look === 'text', bytes, cell, over, counts)
      }
      cell = over + 1
      column++
    }
  }
}

/** Bytes that delimit or escape something in what is looked for never hide it. */
const HARMLESS = '\t,;|"\'\\\u0001\u0002\u001e\u001f'

function isOrdinary(options: CopyOptions): boolean {
  const { format, delimiter, quote } = options
  const used = format === 'csv' ? [delimiter, quote, options.escape] : [delimiter]
  return used.every((character) => HARMLESS.includes(character))
}

/** How a row of COPY's text or CSV format is cut into values. */
class CellFormat {
  readonly ordinary: boolean
  readonly delimiter: number
  readonly quote: number
  readonly escape: number
  /** What covers a find and means nothing in this format. */
  readonly fill: number
  /** The same where a number may be expected. */
  readonly digit: number

  constructor(options: CopyOptions) {
    const isCsv = options.format === 'csv'
    this.ordinary = isOrdinary(options)
    this.delimiter = options.delimiter.charCodeAt(0)
    this.quote = isCsv ? options.quote.charCodeAt(0) : -1
    this.escape = isCsv ? options.escape.charCodeAt(0) : BACKSLASH
    const used = [this.delimiter, this.quote, this.escape]
    const unused = (bytes: string): number =>
      bytes.charCodeAt([...bytes].findIndex((byte) => !used.includes(byte.charCodeAt(0))))
    this.fill = unused('*#~.')
    this.digit = unused('9876')
  }

  cellEnd(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (this.quote !== -1 && bytes[at] === this.quote) {
      at++
      while (at < end && (bytes[at] !== this.quote || this.#isDoubled(bytes, at, end))) {
        at += bytes[at] === this.escape ? 2 : 1
      }
      at++
    }
    while (at < end && bytes[at] !== this.delimiter && bytes[at] !== NEWLINE) {
      at += this.quote === -1 && bytes[at] === BACKSLASH ? 2 : 1
    }
    return Math.min(at, end)
  }

  #isDoubled(bytes: Buffer, at: number, end: number): boolean {
    return this.quote === this.escape && at + 1 < end && bytes[at + 1] === this.quote
  }

  /** The place of each byte of the value in the bytes of the cell. */
  places(bytes: Buffer, start: number, end: number): number[] {
    const isQuoted = this.quote !== -1 && bytes[start] === this.quote
    const escapes = this.quote === -1 || isQuoted
    const places: number[] = []
    for (let at = isQuoted ? start + 1 : start; at < (isQuoted ? end - 1 : end); at++) {
      if (escapes && bytes[at] === this.escape && at + 1 < end) at++
      places.push(at)
    }
    return places
  }
}

/** The value as the client reads it; what is found is covered where it stands, escapes too. */
function detectHidden(
  detector: Detector,
  format: CellFormat,
  isText: boolean,
  bytes: Buffer,
  start: number,
  end: number,
  counts: Uint32Array<ArrayBuffer>,
): void {
  const places = format.places(bytes, start, end)
  const value = Buffer.from(places.map((place) => bytes[place]!))
  const hits = detector.find(value, 0, value.length)
  for (let i = 0; i < hits.count; i++) {
    const kind = hits.kinds[i]!
    counts[kind]!++
    const fill = isText || kind !== CARD ? format.fill : format.digit
    for (let at = hits.starts[i]!; at < hits.ends[i]!; at++) {
      const place = places[at]!
      bytes[place] = fill
      // A quote in quotes must not be left without the one before it.
      const isPair = format.quote !== -1 && place - 1 > (at === 0 ? start : places[at - 1]!)
      if (isPair) bytes[place - 1] = fill
    }
  }
}
