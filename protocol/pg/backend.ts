import { Cursor, MalformedBytes } from '../bytes/cursor.ts'
import { Writer } from '../bytes/writer.ts'
import { type FramerRules, HEADER } from './framer.ts'

const code = (letter: string): number => letter.charCodeAt(0)

/** Messages of a server after authentication (PostgreSQL documentation, 55.7). */
export const BACKEND = {
  parseComplete: code('1'),
  bindComplete: code('2'),
  closeComplete: code('3'),
  notification: code('A'),
  commandComplete: code('C'),
  dataRow: code('D'),
  error: code('E'),
  copyIn: code('G'),
  copyOut: code('H'),
  emptyQuery: code('I'),
  backendKey: code('K'),
  notice: code('N'),
  authentication: code('R'),
  parameterStatus: code('S'),
  rowDescription: code('T'),
  portalSuspended: code('s'),
  parameterDescription: code('t'),
  noData: code('n'),
  readyForQuery: code('Z'),
  copyData: code('d'),
  copyDone: code('c'),
} as const

const LARGE = 0x3fffffff
const KNOWN: ReadonlySet<number> = new Set(Object.values(BACKEND))
const LONG: ReadonlySet<number> = new Set([
  BACKEND.dataRow,
  BACKEND.copyData,
  BACKEND.rowDescription,
  BACKEND.error,
  BACKEND.notice,
  BACKEND.notification,
  BACKEND.parameterDescription,
])

/** Rows and copy data stream; all other messages are small and come whole. */
export const BACKEND_RULES: FramerRules = {
  limit: (type) => (LONG.has(type) ? LARGE : KNOWN.has(type) ? 30_000 : -1),
  stream: new Set([BACKEND.dataRow, BACKEND.copyData]),
  partsAbove: 1 << 20,
}

/** One column of RowDescription. */
export interface FieldDescription {
  readonly name: string
  /** OID of the table that the column comes from as it is; 0 = an expression, or not told. */
  readonly table: number
  /** attnum in that table; 0 likewise. */
  readonly column: number
  /** OID of the data type. */
  readonly type: number
  /** 0 = text, 1 = binary. */
  readonly format: number
}

/** Reads the body of a RowDescription message (header included in `bytes`). */
export function decodeRowDescription(bytes: Buffer): FieldDescription[] {
  const cursor = new Cursor(bytes, HEADER)
  const count = cursor.uint16()
  const fields: FieldDescription[] = []
  for (let i = 0; i < count; i++) {
    const name = cursor.zeroTerminated().toString('utf8')
    const table = cursor.uint32()
    const column = cursor.int16()
    const type = cursor.uint32()
    cursor.int16()
    cursor.int32()
    const format = cursor.int16()
    if (format !== 0 && format !== 1) throw new MalformedBytes(`unknown format code ${format}`)
    fields.push({ name, table, column, type, format })
  }
  cursor.end()
  return fields
}

/** The same RowDescription with the formats that a Bind asks for. */
export function withFormats(bytes: Buffer, resultFormats: readonly number[]): Buffer {
  const copy = Buffer.from(bytes)
  const cursor = new Cursor(copy, HEADER)
  const count = cursor.uint16()
  for (let i = 0; i < count; i++) {
    cursor.zeroTerminated()
    cursor.slice(16)
    const format = (resultFormats.length === 1 ? resultFormats[0] : resultFormats[i]) ?? 0
    const at = cursor.offset
    cursor.int16()
    copy.writeInt16BE(format, at)
  }
  return copy
}

/** Fields of ErrorResponse and NoticeResponse by their letter (55.8). */
export type ErrorFields = ReadonlyMap<string, string>

export function decodeErrorFields(bytes: Buffer): ErrorFields {
  const cursor = new Cursor(bytes, HEADER)
  const fields = new Map<string, string>()
  for (;;) {
    const letter = cursor.uint8()
    if (letter === 0) break
    fields.set(String.fromCharCode(letter), cursor.zeroTerminated().toString('utf8'))
  }
  cursor.end()
  return fields
}

/** The rows that a command tag counts: `INSERT 0 5` is 5, `BEGIN` is null. */
export function rowsOfTag(tag: string): number | null {
  const match = /^(?:INSERT \d+|[A-Z]+(?: [A-Z]+)*) (\d+)$/.exec(tag)
  return match === null ? null : Number(match[1])
}

export function decodeCommandTag(bytes: Buffer): string {
  const cursor = new Cursor(bytes, HEADER)
  const tag = cursor.zeroTerminated().toString('utf8')
  cursor.end()
  return tag
}

export function decodeParameterStatus(bytes: Buffer): { name: string; value: string } {
  const cursor = new Cursor(bytes, HEADER)
  const name = cursor.zeroTerminated().toString('utf8')
  const value = cursor.zeroTerminated().toString('utf8')
  cursor.end()
  return { name, value }
}

export type TransactionStatus = 'I' | 'T' | 'E'

const STATUS: Readonly<Record<number, TransactionStatus>> = { 73: 'I', 84: 'T', 69: 'E' }

export function decodeReadyForQuery(bytes: Buffer): TransactionStatus {
  const cursor = new Cursor(bytes, HEADER)
  const letter = cursor.uint8()
  cursor.end()
  return statusOf(letter)
}

/** What ReadyForQuery says by its letter. */
export function statusOf(letter: number | undefined): TransactionStatus {
  const status = letter === undefined ? undefined : STATUS[letter]
  if (status === undefined) {
    throw new MalformedBytes('ReadyForQuery with an unknown transaction status')
  }
  return status
}

/** What the broker says to a client in its own name. */
export interface ErrorReport {
  readonly severity: 'ERROR' | 'FATAL' | 'NOTICE' | 'WARNING'
  /** SQLSTATE, five characters. */
  readonly code: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
}

export function encodeError(report: ErrorReport): Buffer {
  const isNotice = report.severity === 'NOTICE' || report.severity === 'WARNING'
  const out = new Writer().uint8(isNotice ? BACKEND.notice : BACKEND.error).int32(0)
  const field = (letter: string, value: string | undefined): void => {
    if (value !== undefined) out.uint8(code(letter)).string(value.replaceAll('\0', ''))
  }
  field('S', report.severity)
  field('V', report.severity)
  field('C', report.code)
  field('M', report.message)
  field('D', report.detail)
  field('H', report.hint)
  out.uint8(0)
  return out.patchInt32(1, out.length - 1).finish()
}

function empty(type: number): Buffer {
  return new Writer(5).uint8(type).int32(4).finish()
}

export const PARSE_COMPLETE = empty(BACKEND.parseComplete)
export const BIND_COMPLETE = empty(BACKEND.bindComplete)
export const CLOSE_COMPLETE = empty(BACKEND.closeComplete)
export const NO_DATA = empty(BACKEND.noData)
export const EMPTY_QUERY = empty(BACKEND.emptyQuery)
export const COPY_DONE = empty(BACKEND.copyDone)

export function encodeReadyForQuery(status: TransactionStatus): Buffer {
  return new Writer(6).uint8(BACKEND.readyForQuery).int32(5).uint8(code(status)).finish()
}

export function encodeCommandComplete(tag: string): Buffer {
  const out = new Writer().uint8(BACKEND.commandComplete).int32(0).string(tag)
  return out.patchInt32(1, out.length - 1).finish()
}

export function encodeParameterStatus(name: string, value: string): Buffer {
  const out = new Writer().uint8(BACKEND.parameterStatus).int32(0).string(name).string(value)
  return out.patchInt32(1, out.length - 1).finish()
}

export function encodeBackendKey(pid: number, key: Buffer): Buffer {
  return new Writer()
    .uint8(BACKEND.backendKey)
    .int32(8 + key.length)
    .int32(pid)
    .raw(key)
    .finish()
}

/** CopyInResponse: all columns in the one format. */
export function encodeCopyIn(binary: boolean, columns: number): Buffer {
  const format = binary ? 1 : 0
  const out = new Writer().uint8(BACKEND.copyIn).int32(0).uint8(format).int16(columns)
  for (let i = 0; i < columns; i++) out.int16(format)
  return out.patchInt32(1, out.length - 1).finish()
}
