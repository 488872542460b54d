import { Cursor, decodeUtf8, MalformedBytes } from '../bytes/cursor.ts'
import { Writer } from '../bytes/writer.ts'
import { type Frame, type FramerRules, HEADER } from './framer.ts'

/**
 * Messages that a client sends after start-up (PostgreSQL documentation, 55.7). Decoded whole,
 * every field checked, nothing left over; encoded again from the decoded fields.
 */
export type FrontendMessage =
  | { readonly type: 'query'; readonly text: Buffer }
  | { readonly type: 'parse'; readonly name: string; readonly text: Buffer; readonly types: Buffer }
  | {
      readonly type: 'bind'
      readonly portal: string
      readonly statement: string
      readonly tail: BindTail
    }
  | { readonly type: 'describe'; readonly what: 'statement' | 'portal'; readonly name: string }
  | { readonly type: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly type: 'close'; readonly what: 'statement' | 'portal'; readonly name: string }
  | { readonly type: 'sync' }
  | { readonly type: 'flush' }
  | { readonly type: 'terminate' }
  | { readonly type: 'function-call' }
  | { readonly type: 'copy-data'; readonly bytes: Buffer }
  | { readonly type: 'copy-done' }
  | { readonly type: 'copy-fail'; readonly reason: string }

/** What follows the names in Bind: formats, values, result formats. Sent again as it is. */
export class BindTail {
  readonly bytes: Buffer

  /** Checks all of it, and makes nothing of it before somebody asks. Throws {@link MalformedBytes}. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
    const cursor = new Cursor(bytes)
    const formats = skipFormats(cursor)
    const count = cursor.uint16()
    if (formats > 1 && formats !== count) {
      throw new MalformedBytes('Bind has another number of formats than of values')
    }
    for (let i = 0; i < count; i++) {
      const length = cursor.int32()
      if (length < -1) throw new MalformedBytes('Bind has a value of negative length')
      if (length > 0) cursor.pass(length)
    }
    skipFormats(cursor)
    cursor.end()
  }

  get formats(): readonly number[] {
    return formatCodes(new Cursor(this.bytes))
  }

  get values(): readonly (Buffer | null)[] {
    return this.decode().values
  }

  get resultFormats(): readonly number[] {
    return this.decode().resultFormats
  }

  private decode(): { values: (Buffer | null)[]; resultFormats: readonly number[] } {
    const cursor = new Cursor(this.bytes)
    skipFormats(cursor)
    const values = Array.from({ length: cursor.uint16() }, () => {
      const length = cursor.int32()
      return length === -1 ? null : cursor.slice(length)
    })
    return { values, resultFormats: formatCodes(cursor) }
  }
}

const code = (letter: string): number => letter.charCodeAt(0)

export const FRONTEND = {
  query: code('Q'),
  parse: code('P'),
  bind: code('B'),
  describe: code('D'),
  execute: code('E'),
  close: code('C'),
  sync: code('S'),
  flush: code('H'),
  terminate: code('X'),
  functionCall: code('F'),
  copyData: code('d'),
  copyDone: code('c'),
  copyFail: code('f'),
} as const

/** PQ_SMALL_MESSAGE_LIMIT and PQ_LARGE_MESSAGE_LIMIT of the server (libpq/libpq.h). */
const SMALL = 10_000
const LARGE = 0x3fffffff

const LIMITS = new Map<number, number>([
  [FRONTEND.query, LARGE],
  [FRONTEND.parse, LARGE],
  [FRONTEND.bind, LARGE],
  [FRONTEND.functionCall, LARGE],
  [FRONTEND.copyData, LARGE],
  [FRONTEND.copyFail, SMALL],
  [FRONTEND.describe, SMALL],
  [FRONTEND.execute, SMALL],
  [FRONTEND.close, SMALL],
  [FRONTEND.sync, SMALL],
  [FRONTEND.flush, SMALL],
  [FRONTEND.terminate, SMALL],
  [FRONTEND.copyDone, SMALL],
])

/** Client messages come whole, each for itself: policy must see them. */
export const FRONTEND_RULES: FramerRules = {
  limit: (type) => LIMITS.get(type) ?? -1,
  stream: new Set(),
  partsAbove: Number.POSITIVE_INFINITY,
}

/** NAMEDATALEN - 1. Longer names are truncated by SQL but not by the protocol: refused here. */
export const MAX_NAME = 63

/** Throws {@link MalformedBytes}. */
export function decodeFrontend(frame: Frame): FrontendMessage {
  const cursor = new Cursor(frame.bytes, HEADER)
  const message = decodeBody(frame.type, cursor)
  cursor.end()
  return message
}

function decodeBody(type: number, cursor: Cursor): FrontendMessage {
  switch (type) {
    case FRONTEND.query:
      return { type: 'query', text: sqlText(cursor) }
    case FRONTEND.parse:
      return decodeParse(cursor)
    case FRONTEND.bind:
      return decodeBind(cursor)
    case FRONTEND.describe:
      return { type: 'describe', what: kind(cursor), name: cursor.string() }
    case FRONTEND.execute:
      return { type: 'execute', portal: cursor.string(), maxRows: Math.max(0, cursor.int32()) }
    case FRONTEND.close:
      return { type: 'close', what: kind(cursor), name: cursor.string() }
    case FRONTEND.sync:
      return { type: 'sync' }
    case FRONTEND.flush:
      return { type: 'flush' }
    case FRONTEND.terminate:
      return { type: 'terminate' }
    case FRONTEND.functionCall:
      cursor.rest()
      return { type: 'function-call' }
    case FRONTEND.copyData:
      return { type: 'copy-data', bytes: cursor.rest() }
    case FRONTEND.copyDone:
      return { type: 'copy-done' }
    case FRONTEND.copyFail:
      return { type: 'copy-fail', reason: cursor.string() }
    default:
      throw new MalformedBytes(`unknown message type 0x${type.toString(16)}`)
  }
}

/** The text up to its one zero byte; what the parser sees is what the server would see. */
function sqlText(cursor: Cursor): Buffer {
  const text = cursor.zeroTerminated()
  decodeUtf8(text)
  return text
}

function kind(cursor: Cursor): 'statement' | 'portal' {
  const letter = cursor.uint8()
  if (letter === 0x53) return 'statement'
  if (letter === 0x50) return 'portal'
  throw new MalformedBytes('Describe or Close of neither a statement nor a portal')
}

function decodeParse(cursor: Cursor): FrontendMessage {
  const name = cursor.string()
  const text = sqlText(cursor)
  const start = cursor.uint16()
  return { type: 'parse', name, text, types: cursor.slice(start * 4) }
}

function decodeBind(cursor: Cursor): FrontendMessage {
  const portal = cursor.string()
  const statement = cursor.string()
  return { type: 'bind', portal, statement, tail: new BindTail(cursor.rest()) }
}

/** How many there are. */
function skipFormats(cursor: Cursor): number {
  const count = cursor.uint16()
  for (let i = 0; i < count; i++) {
    const format = cursor.int16()
    if (format !== 0 && format !== 1) throw new MalformedBytes(`unknown format code ${format}`)
  }
  return count
}

/** Checked before. */
function formatCodes(cursor: Cursor): readonly number[] {
  const count = cursor.uint16()
  if (count === 0) return NO_FORMATS
  return Array.from({ length: count }, () => cursor.int16())
}

const NO_FORMATS: readonly number[] = []

/** The OIDs of Parse's parameter types. */
export function parameterTypes(types: Buffer): readonly number[] {
  return Array.from({ length: types.length / 4 }, (_, i) => types.readUInt32BE(i * 4))
}

/** Messages for the target, built from decoded fields. Each appends to one buffer. */
export class FrontendWriter {
  private readonly out = new Writer(512)

  get length(): number {
    return this.out.length
  }

  finish(): Buffer {
    return this.out.finish()
  }

  query(text: Buffer | string): this {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    this.out
      .uint8(FRONTEND.query)
      .int32(4 + bytes.length + 1)
      .raw(bytes)
      .uint8(0)
    return this
  }

  parse(name: string, text: Buffer, types: Buffer): this {
    const at = this.open(FRONTEND.parse)
    this.out
      .string(name)
      .raw(text)
      .uint8(0)
      .uint16(types.length / 4)
      .raw(types)
    return this.close(at)
  }

  bind(portal: string, statement: string, tail: Buffer): this {
    const at = this.open(FRONTEND.bind)
    this.out.string(portal).string(statement).raw(tail)
    return this.close(at)
  }

  describe(what: 'statement' | 'portal', name: string): this {
    const at = this.open(FRONTEND.describe)
    this.out.uint8(what === 'statement' ? 0x53 : 0x50).string(name)
    return this.close(at)
  }

  execute(portal: string, maxRows: number): this {
    const at = this.open(FRONTEND.execute)
    this.out.string(portal).int32(maxRows)
    return this.close(at)
  }

  closeObject(what: 'statement' | 'portal', name: string): this {
    const at = this.open(FRONTEND.close)
    this.out.uint8(what === 'statement' ? 0x53 : 0x50).string(name)
    return this.close(at)
  }

  sync(): this {
    this.out.uint8(FRONTEND.sync).int32(4)
    return this
  }

  flush(): this {
    this.out.uint8(FRONTEND.flush).int32(4)
    return this
  }

  copyData(bytes: Buffer): this {
    this.out
      .uint8(FRONTEND.copyData)
      .int32(4 + bytes.length)
      .raw(bytes)
    return this
  }

  copyDone(): this {
    this.out.uint8(FRONTEND.copyDone).int32(4)
    return this
  }

  copyFail(reason: string): this {
    const at = this.open(FRONTEND.copyFail)
    this.out.string(reason)
    return this.close(at)
  }

  private open(type: number): number {
    this.out.uint8(type).int32(0)
    return this.out.length - 4
  }

  private close(at: number): this {
    this.out.patchInt32(at, this.out.length - at)
    return this
  }
}
