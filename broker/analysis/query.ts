/** Asking the target something over the broker's own connection: one text, rows as text. */
import { BACKEND, BACKEND_RULES, decodeErrorFields } from '../../protocol/pg/backend.ts'
import { type Frame, Framer } from '../../protocol/pg/framer.ts'
import type { Upstream } from '../upstream/postgres.ts'

/** One column for each row: the queries of this folder return nothing else. */
export type Ask = (sql: string) => Promise<string[]>

interface Question {
  readonly rows: string[]
  error: Error | null
  resolve(rows: string[]): void
  reject(error: Error): void
}

const QUERY = 0x51

/** Queries one after the other; the connection belongs to the asker from now on. */
export function asker(upstream: Upstream): Ask {
  const framer = new Framer({ ...BACKEND_RULES, stream: new Set() })
  const waiting: Question[] = []
  let closed: Error | null = null
  upstream.onData((bytes) => {
    framer.push(bytes)
    for (let frame = framer.next(); frame !== null; frame = framer.next()) take(frame, waiting)
  })
  upstream.onClose((why) => {
    closed = new Error(`the connection for the catalogue closed: ${why}`)
    for (const question of waiting.splice(0)) question.reject(closed)
  })
  return (sql) => {
    if (closed !== null) return Promise.reject(closed)
    const { promise, resolve, reject } = Promise.withResolvers<string[]>()
    waiting.push({ rows: [], error: null, resolve, reject })
    upstream.write(encodeQuery(sql))
    return promise
  }
}

function take(frame: Frame, waiting: Question[]): void {
  const question = waiting[0]
  if (question === undefined) return
  if (frame.type === BACKEND.dataRow) question.rows.push(firstValue(frame.bytes))
  if (frame.type === BACKEND.error) question.error = errorOf(frame.bytes)
  if (frame.type !== BACKEND.readyForQuery) return
  waiting.shift()
  if (question.error === null) question.resolve(question.rows)
  else question.reject(question.error)
}

/** DataRow: type, length, number of columns, then length and bytes of each. */
function firstValue(bytes: Buffer): string {
  const length = bytes.readInt32BE(7)
  return length < 0 ? '' : bytes.toString('utf8', 11, 11 + length)
}

/** The target did not like what was asked. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
  /** In characters of the text, from 1; null: it does not say. */
  readonly position: number | null

  constructor(fields: ReadonlyMap<string, string>) {
    super(`the target says ${fields.get('C') ?? '?????'}: ${fields.get('M') ?? 'nothing'}`)
    const position = Number(fields.get('P') ?? '')
    this.position = Number.isSafeInteger(position) && position > 0 ? position : null
  }
}

function errorOf(bytes: Buffer): Error {
  return new TargetError(decodeErrorFields(bytes))
}

function encodeQuery(sql: string): Buffer {
  const length = Buffer.byteLength(sql)
  const bytes = Buffer.alloc(length + 6)
  bytes[0] = QUERY
  bytes.writeInt32BE(length + 5, 1)
  bytes.write(sql, 5, 'utf8')
  return bytes
}
