import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SessionCloseEntry } from '../../protocol/log/entries.ts'
import { decodeEntry } from '../../protocol/log/reader.ts'
import { ChainWriter } from '../../protocol/log/writer.ts'
import type { BrokerLog } from './broker-log.ts'
import { LogFile, type LogFs } from './files.ts'
import { sessionFiles, sessionOfPath } from './paths.ts'
import type { BrokerLogState } from './read-broker-log.ts'
import { type ScanEnd, scanLog } from './scan.ts'

export const INTERRUPTED = 'interrupted: the broker stopped without closing the session'

/** What a start found of the run before. */
export interface Recovered {
  readonly session: string
  readonly outcome: 'interrupted' | 'closed' | 'damaged' | 'missing'
  readonly detail: string
}

/**
 * After a broker that was killed: every session that the broker's log has open is closed. What a
 * crash tore is cut away and said so; what was changed is left as it is, and said so.
 */
export function recoverSessions(
  folder: string,
  fs: LogFs,
  log: BrokerLog,
  state: BrokerLogState,
): Recovered[] {
  removeUnnamed(folder, state)
  const found: Recovered[] = []
  for (const { open, close } of state.sessions.values()) {
    if (close !== null) continue
    const path = join(folder, open.path)
    const { entry, outcome } = existsSync(path)
      ? closeSession(path, open.session, fs)
      : { entry: gone(open.session), outcome: 'missing' as const }
    log.append(entry)
    found.push({ session: open.session, outcome, detail: entry.why })
  }
  return found
}

function gone(session: string): SessionCloseEntry {
  const why = 'missing: the file of this session was not found at start'
  return { kind: 'session-close', session, entries: 0, size: 0, hash: '', why }
}

function closeSession(
  path: string,
  session: string,
  fs: LogFs,
): { entry: SessionCloseEntry; outcome: Recovered['outcome'] } {
  let micros = 0
  let closed: string | null = null
  const end = scanLog(path, {
    frame: (frame) => {
      micros = frame.micros
      if (frame.kind === 'close') closed = (decodeEntry(frame) as { why: string }).why
    },
  })
  if (end.damage !== null) {
    const why = `damaged: entry ${end.damage.entry}: ${end.damage.reason}`
    return { entry: closing(session, end, why), outcome: 'damaged' }
  }
  if (closed !== null) return { entry: closing(session, end, closed), outcome: 'closed' }
  return {
    entry: closing(session, writeEnd(path, end, micros, fs), INTERRUPTED),
    outcome: 'interrupted',
  }
}

function closing(
  session: string,
  end: Pick<ScanEnd, 'entries' | 'hash' | 'size'>,
  why: string,
): SessionCloseEntry {
  const hash = Buffer.from(end.hash, 'latin1').toString('hex')
  return { kind: 'session-close', session, entries: end.entries, size: end.size, hash, why }
}

/** Ends a log that has no end. The time is that of its last entry: nobody knows a better one. */
function writeEnd(path: string, end: ScanEnd, micros: number, fs: LogFs) {
  const file = LogFile.resume(fs, path, end.size)
  try {
    const writer = new ChainWriter({ seq: end.entries, hash: end.hash })
    if (end.torn !== null) writer.append([{ kind: 'torn', ...end.torn }], micros, file.write)
    writer.append([{ kind: 'close', why: INTERRUPTED }], micros, file.write)
    file.sync()
    const hash = Buffer.from(writer.hash, 'hex').toString('latin1')
    return { entries: writer.seq, hash, size: file.size }
  } finally {
    file.close()
  }
}

/**
 * A file is made just before the broker's log names it. Killed between the two, a broker leaves a
 * file in which nothing ran; it goes. A file in which something ran is never touched: `verify`
 * tells of it.
 */
function removeUnnamed(folder: string, state: BrokerLogState): void {
  for (const path of sessionFiles(folder)) {
    if (state.sessions.has(sessionOfPath(path))) continue
    const end = scanLog(join(folder, path), {})
    if (end.damage === null && end.entries <= 1) rmSync(join(folder, path))
  }
}
