import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { LogHeader } from '../../protocol/log/format.ts'
import { type Frame, type LogFault, LogReader } from '../../protocol/log/reader.ts'

/** Where a file stops to hold, and what stands behind that place. */
export interface ScanEnd {
  /** Entries that hold. */
  readonly entries: number
  /** Hash of the last of them (latin1, as the writer takes it). */
  readonly hash: string
  /** Bytes that hold. */
  readonly size: number
  /** What a crash left of an entry that was being written; null = nothing. */
  readonly torn: { readonly size: number; readonly digest: string } | null
  /** Not a torn end: something was changed. */
  readonly damage: LogFault | null
}

export interface ScanHandlers {
  readonly header?: (header: LogHeader) => void
  readonly frame?: (frame: Frame) => void
}

const PIECE = 256 * 1024

/** The bytes of a file in pieces. A piece is good until the next one. */
export function* filePieces(path: string, from = 0): Generator<Buffer> {
  const fd = openSync(path, 'r')
  try {
    for (let at = from; ; ) {
      const piece = Buffer.allocUnsafe(PIECE)
      const got = readSync(fd, piece, 0, PIECE, at)
      if (got === 0) return
      at += got
      yield piece.subarray(0, got)
    }
  } finally {
    closeSync(fd)
  }
}

/**
 * Reads a log from its file and says where it ends to hold. A process that was killed leaves the
 * first bytes of an entry; a machine that lost power may leave zeros. Anything else is damage.
 */
export function scanLog(path: string, handlers: ScanHandlers): ScanEnd {
  const reader = new LogReader()
  for (const piece of filePieces(path)) {
    reader.push(piece)
    for (let item = reader.next(); item !== null; item = reader.next()) {
      if (item.type === 'header') handlers.header?.(item.header)
      else if (item.type === 'entry') handlers.frame?.(item.frame)
    }
  }
  const fault = reader.fault
  const ended = reader.end()
  const torn = ended === null ? null : remainder(path, reader.size)
  const isTorn = fault === null || torn?.zeros === true
  return {
    entries: reader.seq,
    hash: Buffer.from(reader.hash, 'hex').toString('latin1'),
    size: reader.size,
    torn: torn !== null && isTorn ? { size: torn.size, digest: torn.digest } : null,
    damage: isTorn ? null : fault,
  }
}

function remainder(path: string, from: number): { size: number; digest: string; zeros: boolean } {
  const hash = createHash('sha256')
  let size = 0
  let zeros = true
  for (const piece of filePieces(path, from)) {
    hash.update(piece)
    size += piece.length
    zeros &&= piece.every((byte) => byte === 0)
  }
  return { size, digest: hash.digest('hex'), zeros }
}

export function fileSize(path: string): number {
  const fd = openSync(path, 'r')
  try {
    return fstatSync(fd).size
  } finally {
    closeSync(fd)
  }
}
