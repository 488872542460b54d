import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HoopError } from '../../protocol/errors.ts'
import type { ChangeEntry, LoggedPerson } from '../../protocol/log/entries.ts'
import { ChainWriter, encodeHeader, genesis } from '../../protocol/log/writer.ts'
import type { Runtime } from '../runtime.ts'
import { BrokerLog } from './broker-log.ts'
import { LogFile, type LogFs, recordFailed, syncFolder, systemFs } from './files.ts'
import { type Lock, lockFolder } from './lock.ts'
import { sessionPath, sessionsFolder } from './paths.ts'
import { type Recovered, recoverSessions } from './recover.ts'
import { type LogPosition, SessionLog, type SessionRecorder } from './session-log.ts'

export type { SessionRecorder } from './session-log.ts'

/** Who is in a session, from where, to where. */
export interface SessionStart {
  readonly session: string
  readonly principal: LoggedPerson
  readonly remote: string
  readonly connection: string
  readonly database: string
  /** Where the broker connects to: `app@db.internal:5432`. No secret. */
  readonly target: string
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** What the client says of itself: pid, program, application_name, user, … */
  readonly client: Readonly<Record<string, string | number | null | undefined>>
  readonly reason?: string | null
  /** Which version of the policy applies as it begins, with its digest. */
  readonly policy?: string | null
}

/** Somebody looks at the record: who, how, at what. */
export interface Look {
  readonly by: Pick<LoggedPerson, 'issuer' | 'subject' | 'email'>
  readonly action: string
  readonly session: string | null
  readonly detail: string | null
}

/** A live session's log, for those who read it. */
export interface LiveLog extends LogPosition {
  readonly session: string
  /** Below data_dir/sessions. */
  readonly path: string
}

export interface Recorder {
  /** data_dir/sessions. */
  readonly folder: string
  /** What was found of a run that was killed. */
  readonly recovered: readonly Recovered[]
  open(start: SessionStart): SessionRecorder
  /** Throws when it cannot be recorded: then there is nothing to see. */
  look(look: Look): void
  /** Throws when it cannot be recorded: then it does not come into force. On disk when it returns. */
  change(change: Omit<ChangeEntry, 'kind'>): void
  /** Where the broker's own log stands. */
  head(): { entries: number; hash: string }
  live(session: string): LiveLog | null
  /** Counts appends, for those in other threads who leave the processor to busy sessions. */
  readonly appends: Int32Array
  /** Sessions whose logs grew since the last call. Those who index ask now and then. */
  takeGrown(): readonly LiveLog[]
  /** Ends every session that is still open. */
  close(why: string): void
}

export interface RecorderOptions {
  readonly dataDir: string
  readonly runtime: Runtime
  readonly fs?: LogFs
}

export function openRecorder({ dataDir, runtime, fs = systemFs }: RecorderOptions): Recorder {
  const folder = sessionsFolder(dataDir)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = lockFolder(folder)
  try {
    const { log, state } = BrokerLog.open(folder, fs, runtime)
    const recovered = recoverSessions(folder, fs, log, state)
    return new FileRecorder({ folder, fs, runtime, log, recovered, lock })
  } catch (error) {
    lock.release()
    throw error
  }
}

interface Live {
  readonly session: string
  readonly path: string
  readonly log: SessionLog
  grown: boolean
}

interface RecorderParts {
  readonly folder: string
  readonly fs: LogFs
  readonly runtime: Runtime
  readonly log: BrokerLog
  readonly recovered: readonly Recovered[]
  readonly lock: Lock
}

class FileRecorder implements Recorder {
  readonly folder: string
  readonly recovered: readonly Recovered[]
  readonly appends = new Int32Array(new SharedArrayBuffer(4))
  readonly #fs: LogFs
  readonly #runtime: Runtime
  readonly #brokerLog: BrokerLog
  readonly #lock: Lock
  readonly #live = new Map<string, Live>()
  /** Sessions that are over, with a last entry that could not be written yet. */
  readonly #unended = new Map<Live, string>()
  #grown: Live[] = []

  constructor(parts: RecorderParts) {
    this.folder = parts.folder
    this.recovered = parts.recovered
    this.#fs = parts.fs
    this.#runtime = parts.runtime
    this.#brokerLog = parts.log
    this.#lock = parts.lock
  }

  open(start: SessionStart): SessionRecorder {
    this.#endLeftOvers()
    const path = sessionPath(start.session, start.startedAt)
    const file = this.#create(path)
    try {
      return this.#begin(start, path, file)
    } catch (error) {
      file.close()
      rmSync(file.path, { force: true })
      throw error instanceof HoopError ? error : recordFailed(error)
    }
  }

  #create(path: string): LogFile {
    try {
      mkdirSync(join(this.folder, dirname(path)), { recursive: true, mode: 0o700 })
      return LogFile.create(this.#fs, join(this.folder, path))
    } catch (error) {
      throw recordFailed(error)
    }
  }

  #begin(start: SessionStart, path: string, file: LogFile): SessionRecorder {
    const { session, startedAt: created } = start
    const header = encodeHeader({ type: 'session', id: session, created })
    file.write(header, 0, header.length)
    const writer = new ChainWriter(genesis(header))
    const first = writer.hash
    const log = this.#log(file, writer, () => live)
    const live: Live = { session, path, log, grown: false }
    live.log.append([openEntry(start)])
    this.#brokerLog.append({ kind: 'session-open', session, path, genesis: first })
    this.#live.set(session, live)
    return live.log
  }

  #log(file: LogFile, writer: ChainWriter, live: () => Live): SessionLog {
    return new SessionLog(file, writer, this.#runtime, {
      grew: () => this.#markGrown(live()),
      ended: (why) => this.#end(live(), why),
      syncName: () => {
        syncFolder(this.#fs, dirname(file.path))
        syncFolder(this.#fs, this.folder)
        this.#brokerLog.sync()
      },
    })
  }

  #markGrown(live: Live): void {
    // The one thread that writes it.
    this.appends[0] = ((this.appends[0] ?? 0) + 1) | 0
    if (live.grown) return
    live.grown = true
    this.#grown.push(live)
  }

  #end(live: Live, why: string): void {
    this.#endLeftOvers()
    this.#live.delete(live.session)
    if (!this.#tryEnd(live, why)) this.#unended.set(live, why)
  }

  /** Once a disk was full, a session's end is tried again whenever another one begins or ends. */
  #endLeftOvers(): void {
    for (const [live, why] of this.#unended) if (this.#tryEnd(live, why)) this.#unended.delete(live)
  }

  #tryEnd(live: Live, why: string): boolean {
    const { session, log } = live
    try {
      if (!log.hasEnd) log.writeEnd(why)
      const { entries, size, hash } = log.position
      this.#brokerLog.append({ kind: 'session-close', session, entries, size, hash, why })
    } catch {
      return false
    }
    log.release()
    this.#markGrown(live)
    return true
  }

  look({ by, action, session, detail }: Look): void {
    const { issuer, subject, email } = by
    this.#brokerLog.append({ kind: 'look', issuer, subject, email, action, session, detail })
  }

  change(change: Omit<ChangeEntry, 'kind'>): void {
    this.#brokerLog.append({ kind: 'change', ...change })
    this.#brokerLog.sync()
  }

  head(): { entries: number; hash: string } {
    return this.#brokerLog.head
  }

  live(session: string): LiveLog | null {
    const live = this.#live.get(session)
    return live === undefined ? null : { session, path: live.path, ...live.log.position }
  }

  takeGrown(): readonly LiveLog[] {
    const grown = this.#grown
    this.#grown = []
    return grown.map((live) => {
      const { session, path, log } = live
      live.grown = false
      return { session, path, ...log.position }
    })
  }

  close(why: string): void {
    for (const live of [...this.#live.values()]) live.log.close(why)
    this.#brokerLog.sync()
    this.#brokerLog.close()
    this.#lock.release()
  }
}

function openEntry(start: SessionStart) {
  const { session, principal, remote, connection, database, target, reason, policy } = start
  const { issuer, subject, email, groups } = principal
  const client = Object.entries(start.client)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
  return {
    kind: 'open' as const,
    session,
    issuer,
    subject,
    email,
    groups,
    remote,
    connection,
    database,
    target,
    client,
    reason: reason ?? null,
    policy: policy ?? null,
  }
}
