import { Cursor } from '../../protocol/bytes/cursor.ts'
import { formatOf } from './bind.ts'
import { valueText } from './values.ts'

const HEADER = 5
const DATA_ROW = 0x44
const COPY_DATA = 0x64
/** A message above this is counted, not shown. */
const LARGEST_SHOWN = 1024 * 1024

export interface RowFormat {
  readonly types: readonly number[]
  readonly formats: readonly number[]
}

export interface DecodedRows {
  readonly rows: (string | null)[][]
  readonly copy: string | null
  readonly large: number
}

/** Reads the messages of one result, that come in slices cut anywhere. */
export class RowDecoder {
  #pending: Buffer[] = []
  #have = 0
  /** Bytes of a message that is too large, still to come. */
  #skip = 0

  push(slice: Buffer, format: RowFormat): DecodedRows {
    const rows: (string | null)[][] = []
    const copies: Buffer[] = []
    let large = 0
    let bytes = this.#joined(slice)
    while (bytes.length >= HEADER) {
      const size = 1 + Math.max(bytes.readUInt32BE(1), 4)
      if (size > LARGEST_SHOWN) {
        large++
        this.#skip = Math.max(0, size - bytes.length)
        bytes = bytes.subarray(Math.min(size, bytes.length))
        continue
      }
      if (bytes.length < size) break
      const message = bytes.subarray(0, size)
      if (message[0] === DATA_ROW) rows.push(rowOf(message, format))
      else if (message[0] === COPY_DATA) copies.push(message.subarray(HEADER))
      bytes = bytes.subarray(size)
    }
    this.#keep(bytes)
    const copy = copies.length === 0 ? null : Buffer.concat(copies).toString('utf8')
    return { rows, copy, large }
  }

  #joined(slice: Buffer): Buffer {
    const passed = Math.min(this.#skip, slice.length)
    this.#skip -= passed
    const rest = slice.subarray(passed)
    if (this.#have === 0) return rest
    const joined = Buffer.concat([...this.#pending, rest])
    this.#pending = []
    this.#have = 0
    return joined
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#pending = [Buffer.from(bytes)]
    this.#have = bytes.length
  }
}

function rowOf(message: Buffer, { types, formats }: RowFormat): (string | null)[] {
  const cursor = new Cursor(message, HEADER)
  const count = cursor.uint16()
  const row: (string | null)[] = []
  for (let i = 0; i < count; i++) {
    const length = cursor.int32()
    if (length === -1) row.push(null)
    else row.push(valueText(cursor.slice(length), types[i] ?? 25, formatOf(formats, i)))
  }
  return row
}
