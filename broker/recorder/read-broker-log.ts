import type { SessionCloseEntry, SessionOpenEntry } from '../../protocol/log/entries.ts'
import type { LogHeader } from '../../protocol/log/format.ts'
import { decodeEntry, type Frame, type LogFault } from '../../protocol/log/reader.ts'
import { type ScanEnd, scanLog } from './scan.ts'

/** One session, as the broker's log has it. */
export interface KnownSession {
  readonly open: SessionOpenEntry
  readonly close: SessionCloseEntry | null
}

/** What the broker's log says, up to where it holds. */
export interface BrokerLogState extends ScanEnd {
  readonly header: LogHeader | null
  readonly sessions: ReadonlyMap<string, KnownSession>
  /** Time of the last entry. */
  readonly micros: number
  readonly damage: LogFault | null
}

export function readBrokerLog(path: string): BrokerLogState {
  const sessions = new Map<string, KnownSession>()
  let header: LogHeader | null = null
  let micros = 0
  const end = scanLog(path, {
    header: (read) => {
      header = read
    },
    frame: (frame) => {
      micros = frame.micros
      note(sessions, frame)
    },
  })
  return { ...end, header, sessions, micros }
}

function note(sessions: Map<string, KnownSession>, frame: Frame): void {
  const entry = decodeEntry(frame)
  if (entry.kind === 'session-open') sessions.set(entry.session, { open: entry, close: null })
  if (entry.kind !== 'session-close') return
  const known = sessions.get(entry.session)
  if (known !== undefined) sessions.set(entry.session, { ...known, close: entry })
}
