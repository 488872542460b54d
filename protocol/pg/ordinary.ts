import { sameBytes } from '../bytes/same.ts'
import { BACKEND } from './backend.ts'
import { HEADER } from './framer.ts'
import { BindTail, FRONTEND, FrontendWriter, MAX_NAME } from './frontend.ts'

/** What a chunk asks for that is Bind [Describe] Execute Sync of the unnamed portal, whole and nothing else. */
export interface OrdinaryRequest {
  readonly statement: string
  readonly tail: BindTail
  readonly described: boolean
}

const EXECUTED = new FrontendWriter().execute('', 0).sync().finish()
const DESCRIBED = new FrontendWriter().describe('portal', '').execute('', 0).sync().finish()

/** Null: it is something else, or not all of it. Throws MalformedBytes for a Bind that is none. */
export function ordinaryRequest(chunk: Buffer): OrdinaryRequest | null {
  const bound = after(chunk, 0, FRONTEND.bind)
  // The name of the portal is empty.
  if (bound === -1 || chunk[HEADER] !== 0) return null
  const described = sameBytes(DESCRIBED, chunk, bound, chunk.length)
  if (!described && !sameBytes(EXECUTED, chunk, bound, chunk.length)) return null
  const name = HEADER + 1
  const end = endOfName(chunk, name, bound)
  if (end === -1) return null
  const statement = end === name ? '' : chunk.toString('latin1', name, end)
  return { statement, tail: new BindTail(chunk.subarray(end + 1, bound)), described }
}

/** Where the zero byte of a short plain name stands; -1: it is another, or there is none. */
function endOfName(chunk: Buffer, start: number, limit: number): number {
  const most = Math.min(limit, start + MAX_NAME + 1)
  for (let at = start; at < most; at++) {
    const byte = chunk[at] as number
    if (byte === 0) return at
    if (byte > 0x7f) return -1
  }
  return -1
}

/**
 * Where the parts of an ordinary answer lie in a chunk: [BindComplete] RowDescription DataRow*
 * CommandComplete ReadyForQuery, whole and nothing else. Offsets in bytes.
 */
export interface Ordinary {
  /** Where RowDescription, the rows, CommandComplete and ReadyForQuery begin. */
  readonly shape: number
  readonly rows: number
  readonly complete: number
  readonly ready: number
  /** How many rows there are. */
  readonly count: number
}

/** Null: it is something else, or not all of it. */
export function ordinaryAnswer(chunk: Buffer, bound: boolean): Ordinary | null {
  const shape = bound ? after(chunk, 0, BACKEND.bindComplete) : 0
  const rows = after(chunk, shape, BACKEND.rowDescription)
  let complete = rows
  let count = 0
  while (complete !== -1 && chunk[complete] === BACKEND.dataRow) {
    complete = after(chunk, complete, BACKEND.dataRow)
    count++
  }
  const ready = after(chunk, complete, BACKEND.commandComplete)
  const end = after(chunk, ready, BACKEND.readyForQuery)
  return end === chunk.length && end === ready + READY_SIZE
    ? { shape, rows, complete, ready, count }
    : null
}

const READY_SIZE = 6

/** Where the message of this type that begins at `at` ends; -1: there is none, or not all of it. */
function after(chunk: Buffer, at: number, type: number): number {
  if (at === -1 || at + HEADER > chunk.length || chunk[at] !== type) return -1
  const length = chunk.readInt32BE(at + 1)
  if (length < 4) return -1
  const end = at + 1 + length
  return end <= chunk.length ? end : -1
}
