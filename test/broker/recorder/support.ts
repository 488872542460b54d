import * as fs from 'node:fs'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { LogFs } from '../../../broker/recorder/files.ts'
import type { SessionStart } from '../../../broker/recorder/recorder.ts'
import type { Entry, NewEntry } from '../../../protocol/log/entries.ts'
import { decodeEntry, LogReader } from '../../../protocol/log/reader.ts'
import { verifyLog } from '../../../protocol/log/verify.ts'

/** A folder for one test, gone after it. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hoop-record-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const STARTED = Date.UTC(2026, 10, 22, 6, 0, 0)

export function sessionStart(session: string, over: Partial<SessionStart> = {}): SessionStart {
  return {
    session,
    principal: {
      issuer: 'https://id.example',
      subject: 'alice',
      email: 'alice@example.com',
      groups: ['engineers'],
    },
    remote: '127.0.0.1',
    connection: 'pg-prod',
    database: 'app',
    target: 'hoop@127.0.0.1:5432',
    startedAt: STARTED,
    client: { pid: 7, program: 'psql' },
    ...over,
  }
}

export const SELECT: readonly NewEntry[] = [
  {
    kind: 'statement',
    ref: 1,
    text: Buffer.from('select name from people'),
    class: 'read',
    reads: ['public.people'],
    writes: [],
  },
  {
    kind: 'execute',
    ref: 1,
    parameters: null,
    decision: 'allow',
    rule: 'pg-prod.rules.read',
    request: null,
    reason: null,
  },
]

/** The entries of a log's file, which must hold as far as it goes. */
export function entriesOf(path: string): Entry[] {
  const reader = new LogReader()
  reader.push(readFileSync(path))
  const entries: Entry[] = []
  for (let item = reader.next(); item !== null; item = reader.next()) {
    if (item.type === 'fault') throw new Error(`${path}: ${item.fault.entry} ${item.fault.reason}`)
    if (item.type === 'entry') entries.push(decodeEntry(item.frame))
  }
  return entries
}

export function verifyFile(path: string, type: 'session' | 'broker' = 'session') {
  return verifyLog(readFileSync(path), { type })
}

/** node:fs with a disk that fails when told to: after so many bytes, as a full one does. */
export function failingFs(): {
  fs: LogFs
  limit(bytes: number): void
  refuse(code: string | null): void
} {
  let left = Number.POSITIVE_INFINITY
  let refused: string | null = null
  const fail = (code: string) => Object.assign(new Error(code), { code })
  const writeSync = ((fd: number, bytes: Buffer, offset: number, length: number) => {
    if (refused !== null) throw fail(refused)
    if (left <= 0) throw fail('ENOSPC')
    const wrote = fs.writeSync(fd, bytes, offset, Math.min(length, left))
    left -= wrote
    return wrote
  }) as typeof fs.writeSync
  return {
    fs: { ...fs, writeSync },
    limit: (bytes) => {
      left = bytes
    },
    refuse: (code) => {
      refused = code
    },
  }
}
