import { BACKEND } from './backend.ts'
import { HEADER } from './framer.ts'

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
  return end === chunk.length ? { shape, rows, complete, ready, count } : null
}

/** Where the message of this type that begins at `at` ends; -1: there is none, or not all of it. */
function after(chunk: Buffer, at: number, type: number): number {
  if (at === -1 || at + HEADER > chunk.length || chunk[at] !== type) return -1
  const length = chunk.readInt32BE(at + 1)
  if (length < 4) return -1
  const end = at + 1 + length
  return end <= chunk.length ? end : -1
}
