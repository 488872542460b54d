import type { NewEntry } from '../../../protocol/log/entries.ts'
import type { LogType } from '../../../protocol/log/format.ts'
import { ChainWriter, encodeHeader, genesis } from '../../../protocol/log/writer.ts'

export const SESSION = 's-0123456789'

/** A log in memory, and where each entry begins in it (the first is entry 1; then the end). */
export interface SampleLog {
  readonly bytes: Buffer
  readonly starts: readonly number[]
  readonly hash: string
}

export function writeLog(
  entries: readonly NewEntry[],
  id: string = SESSION,
  type: LogType = 'session',
): SampleLog {
  const header = encodeHeader({ type, id, created: 1_700_000_000_123 })
  const writer = new ChainWriter(genesis(header))
  const pieces = [header]
  const starts = [header.length]
  entries.forEach((entry, i) => {
    writer.append([entry], i * 1000, (bytes, offset, length) => {
      pieces.push(Buffer.from(bytes.subarray(offset, offset + length)))
    })
    starts.push(pieces.reduce((sum, piece) => sum + piece.length, 0))
  })
  return { bytes: Buffer.concat(pieces), starts, hash: writer.hash }
}

/** One entry of every kind that a session can have, in a sensible order. */
export const CONVERSATION: readonly NewEntry[] = [
  {
    kind: 'open',
    session: SESSION,
    issuer: 'https://id.example',
    subject: 'alice',
    email: 'alice@example.com',
    groups: ['engineers'],
    remote: '127.0.0.1',
    connection: 'pg-prod',
    database: 'app',
    target: 'hoop@db:5432',
    client: ['pid=7', 'program=psql'],
    reason: null,
    policy: null,
  },
  { kind: 'parameter', name: 'TimeZone', value: 'Europe/Zürich' },
  {
    kind: 'statement',
    ref: 1,
    text: Buffer.from('update people set salary = $1'),
    class: 'write',
    reads: [],
    writes: ['public.people'],
    verbs: ['UPDATE'],
    why: null,
  },
  {
    kind: 'execute',
    ref: 1,
    parameters: Buffer.from('0000000100000002373000', 'hex'),
    formats: [0],
    decision: 'hold',
    rule: 'pg-prod.rules.write',
    request: 'r-0123456789',
    reason: 'writes need a dba',
    policy: 3,
  },
  {
    kind: 'request',
    request: 'r-0123456789',
    state: 'approved',
    by: 'bob',
    comment: 'fine',
    policy: 3,
  },
  { kind: 'copy-in', ref: 1, rows: 2, size: 10, digest: 'ab'.repeat(32) },
  { kind: 'copy-data', ref: 1, bytes: Buffer.from('1\ta\n2\tb\n') },
  { kind: 'shape', ref: 1, bytes: Buffer.from('54000000060000', 'hex'), masked: [true, false] },
  { kind: 'rows', ref: 1, bytes: Buffer.from('44000000060000', 'hex'), count: 1 },
  { kind: 'notice', bytes: Buffer.from('4e0000000500', 'hex') },
  { kind: 'error', bytes: Buffer.from('450000000500', 'hex'), sqlstate: '42501' },
  { kind: 'found', ref: 1, where: ['note'], what: ['card'], counts: [3] },
  { kind: 'complete', ref: 1, tag: 'UPDATE 5', rows: 5, ms: 1.25 },
  {
    kind: 'result',
    ref: 1,
    bytes: Buffer.from('44000000060000', 'hex'),
    count: 1,
    tag: 'SELECT 1',
    rows: 1,
    ms: 0.5,
  },
  { kind: 'other', name: 'cancel', detail: 'Ctrl-C' },
  { kind: 'close', why: 'the client left' },
]
