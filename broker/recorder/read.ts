import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { SessionEntry } from '../../protocol/api/sessions.ts'
import { LogReader, type ReaderItem } from '../../protocol/log/reader.ts'
import { isSessionId } from './paths.ts'
import { EntryPresenter } from './present.ts'
import type { Recorder } from './recorder.ts'

/** Where a session's log is; found without any index, since that may be lost. Null: nowhere. */
export function findLog(
  recorder: Pick<Recorder, 'folder' | 'live'>,
  session: string,
): string | null {
  if (!isSessionId(session)) return null
  const live = recorder.live(session)
  if (live !== null) return join(recorder.folder, live.path)
  const days = readdirSync(recorder.folder, { withFileTypes: true })
  for (const day of days) {
    const path = join(recorder.folder, day.name, `${session}.hoop`)
    if (day.isDirectory() && existsSync(path)) return path
  }
  return null
}

const PIECE = 256 * 1024

/** The first `size` bytes of a file as they are, damaged or not. */
export function rawLog(path: string, size: number): Readable {
  return Readable.from(pieces(path, size), { objectMode: false })
}

async function* pieces(path: string, size: number): AsyncGenerator<Buffer> {
  const fd = openSync(path, 'r')
  try {
    for (let at = 0; at < size; ) {
      const piece = readPiece(fd, at, size)
      if (piece.length === 0) return
      at += piece.length
      yield piece
    }
  } finally {
    closeSync(fd)
  }
}

function readPiece(fd: number, at: number, size: number): Buffer {
  const piece = Buffer.allocUnsafe(Math.min(PIECE, size - at))
  return piece.subarray(0, readSync(fd, piece, 0, piece.length, at))
}

export interface EntryOptions {
  /** Entries up to this one are left out. */
  readonly after: number
  /** Bytes that the log has now; asked again and again. Null: it will not grow any more. */
  readonly live: () => number | null
  /** Waits for a live log to grow; null: its end is now. */
  readonly wait: (() => Promise<void>) | null
}

/**
 * A session's entries, one after the other, in flat memory. A log that does not hold is read up to
 * there, and the last entry says so.
 */
export async function* readEntries(
  path: string,
  options: EntryOptions,
): AsyncGenerator<SessionEntry> {
  const { after, live, wait } = options
  const state = { reader: new LogReader(), presenter: new EntryPresenter(0), micros: 0 }
  const fd = openSync(path, 'r')
  try {
    for (let at = 0; ; ) {
      const size = live()
      const piece = readPiece(fd, at, size ?? Number.MAX_SAFE_INTEGER)
      at += piece.length
      if (piece.length > 0) {
        for (const entry of take(state, piece)) if (entry.entry > after) yield entry
      } else if (size === null || wait === null) break
      else await wait()
    }
    const torn = live() === null ? state.reader.end() : null
    if (torn !== null) yield state.presenter.damage(torn.entry, torn.reason, state.micros)
  } finally {
    closeSync(fd)
  }
}

interface Reading {
  readonly reader: LogReader
  presenter: EntryPresenter
  micros: number
}

function* take(state: Reading, piece: Buffer): Generator<SessionEntry> {
  state.reader.push(piece)
  for (let item = state.reader.next(); item !== null; item = state.reader.next()) {
    yield* present(state, item)
  }
}

function present(state: Reading, item: ReaderItem): SessionEntry[] {
  if (item.type === 'header') state.presenter = new EntryPresenter(item.header.created)
  if (item.type !== 'entry') return []
  state.micros = item.frame.micros
  return state.presenter.present(item.frame)
}
