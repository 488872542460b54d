import type { SessionCloseEntry, SessionOpenEntry } from '../../protocol/log/entries.ts'
import { decodeEntry, type Frame } from '../../protocol/log/reader.ts'
import { type Expected, LogVerifier, type Verified } from '../../protocol/log/verify.ts'
import type { Evidence, Head, LogBytes } from './evidence.ts'

/** `session` null: the log above all sessions. `entry` 0: the file's header. */
export interface Failure {
  readonly session: string | null
  readonly entry: number
  readonly reason: string
}

export interface Verdict {
  readonly ok: boolean
  readonly sessions: number
  readonly entries: number
  readonly failures: readonly Failure[]
  /** Sessions that nobody knows of. */
  readonly unknown: readonly string[]
  /** Where the log above all sessions stands, if it holds: worth keeping. Null: not seen. */
  readonly record: Head | null
}

export interface VerifyOptions {
  /** Null: every session. */
  readonly ids: readonly string[] | null
  /** Where the log above all sessions stood when it was verified last. */
  readonly remembered: Head | null
  readonly onSession?: (session: string, failure: Failure | null) => void
}

interface Known {
  readonly open: SessionOpenEntry
  readonly close: SessionCloseEntry | null
}

interface Above {
  readonly sessions: ReadonlyMap<string, Known>
  readonly holds: boolean
  readonly head: Head | null
  readonly failure: Failure | null
  readonly entries: number
}

/**
 * Checks the log above all sessions, then the logs of the sessions against it: a session that it
 * names and that has no log was removed.
 */
export async function verifyEvidence(source: Evidence, options: VerifyOptions): Promise<Verdict> {
  // First the names: a session that is opened meanwhile is then in the log that is read next.
  const present = options.ids === null ? await source.sessions() : []
  const above = await verifyAbove(source, options.remembered)
  const named = options.ids ?? [...new Set([...present, ...(above?.sessions.keys() ?? [])])]
  const failures: Failure[] = above?.failure ? [above.failure] : []
  const unknown: string[] = []
  let entries = above?.entries ?? 0
  for (const id of named) {
    const result = await verifySession(source, id, above)
    if (result === 'unknown') unknown.push(id)
    else {
      entries += result.entries
      if (result.failure !== null) failures.push(result.failure)
      options.onSession?.(id, result.failure)
    }
  }
  const ok = failures.length === 0 && unknown.length === 0
  const sessions = named.length - unknown.length
  return { ok, sessions, entries, failures, unknown, record: above?.head ?? null }
}

async function verifyAbove(source: Evidence, remembered: Head | null): Promise<Above | null> {
  const log = await source.record()
  if (log === null) return null
  const sessions = new Map<string, Known>()
  const heads = [log.head, remembered].filter((head) => head !== null)
  const verified = await verifyBytes(log, { type: 'broker', heads }, (frame) =>
    note(sessions, frame),
  )
  const { ok, entries, hash, fault } = verified
  const failure =
    fault === null
      ? null
      : { session: null, entry: fault.entry, reason: `index.log: ${fault.reason}` }
  const head = ok ? { entries, hash, by: 'your last verification' } : null
  return { sessions, holds: ok, head, failure, entries }
}

function note(sessions: Map<string, Known>, frame: Frame): void {
  const entry = decodeEntry(frame)
  if (entry.kind === 'session-open') sessions.set(entry.session, { open: entry, close: null })
  if (entry.kind !== 'session-close') return
  const known = sessions.get(entry.session)
  if (known !== undefined) sessions.set(entry.session, { ...known, close: entry })
}

async function verifySession(
  source: Evidence,
  id: string,
  above: Above | null,
): Promise<{ failure: Failure | null; entries: number } | 'unknown'> {
  const known = above?.sessions.get(id) ?? null
  const log = await source.session(id)
  if (log === null && known === null) return 'unknown'
  if (log === null) return { failure: failed(id, 0, 'its log is missing'), entries: 0 }
  const { fault, entries } = await verifyBytes(log, expectation(id, log, known))
  if (fault !== null) return { failure: failed(id, fault.entry, fault.reason), entries }
  const stray = above?.holds === true && known === null
  const failure = stray ? failed(id, 0, 'the log above all sessions does not know it') : null
  return { failure, entries }
}

function expectation(id: string, log: LogBytes, known: Known | null): Expected {
  const heads: Head[] = log.head === null ? [] : [log.head]
  const close = known?.close ?? null
  if (close !== null && close.entries > 0) {
    heads.push({ entries: close.entries, hash: close.hash, by: 'the log above all sessions' })
  }
  const genesis = known === null ? {} : { genesis: known.open.genesis }
  return { type: 'session', id, live: log.live, heads, ...genesis }
}

function failed(session: string, entry: number, reason: string): Failure {
  return { session, entry, reason }
}

export async function verifyBytes(
  log: LogBytes,
  expected: Expected,
  onFrame: ((frame: Frame) => void) | null = null,
): Promise<Verified> {
  const verifier = new LogVerifier(expected, onFrame)
  for await (const piece of log.bytes) {
    verifier.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
  }
  return verifier.end()
}
