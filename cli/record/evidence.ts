import { Readable } from 'node:stream'
import { z } from 'zod'
import { HEAD_HEADER, STATE_HEADER } from '../../protocol/api/sessions.ts'
import { HoopError } from '../../protocol/errors.ts'
import { jsonLines } from '../json-lines.ts'
import type { BrokerCalls } from './calls.ts'

/** Where a log was seen to stand, and who says so. */
export interface Head {
  readonly entries: number
  readonly hash: string
  readonly by: string
}

/** The bytes of a log as they are, and what whoever keeps it says of it. */
export interface LogBytes {
  readonly bytes: AsyncIterable<Uint8Array>
  /** True: the session goes on. */
  readonly live: boolean
  readonly head: Head | null
}

/** Where logs come from: a broker, or a folder. */
export interface Evidence {
  /** The log above all sessions; null: not for this person. */
  record(): Promise<LogBytes | null>
  /** Null: there is none of this name. */
  session(id: string): Promise<LogBytes | null>
  /** Every session that has a log. */
  sessions(): Promise<string[]>
}

const Name = z.object({ session: z.string() })
const OwnSessions = z.array(Name)

/** The record as a broker hands it out. What it hands out is believed only as far as it verifies. */
export function brokerEvidence(api: BrokerCalls): Evidence {
  return {
    record: () => orNull(['auditors_only'], () => raw(api, '/v1/record')),
    session: (id) =>
      orNull(['unknown_session'], () => raw(api, `/v1/sessions/${encodeURIComponent(id)}/file`)),
    sessions: async () => (await orNull(['auditors_only'], () => allNames(api))) ?? ownNames(api),
  }
}

async function allNames(api: BrokerCalls): Promise<string[]> {
  const names: string[] = []
  const response = await api.stream('GET', '/v1/record/sessions')
  for await (const { session } of jsonLines(response, Name)) names.push(session)
  return names
}

async function ownNames(api: BrokerCalls): Promise<string[]> {
  const query = { limit: 1000 }
  const list = await api.request('GET', '/v1/sessions', { query, schema: OwnSessions })
  return list.map(({ session }) => session)
}

async function raw(api: BrokerCalls, path: string): Promise<LogBytes> {
  const { headers, body } = await api.stream('GET', path)
  const [entries, hash] = (headers.get(HEAD_HEADER) ?? '').split(' ')
  const known = hash !== undefined && hash !== ''
  return {
    bytes: body ?? Readable.from([]),
    live: headers.get(STATE_HEADER) === 'live',
    head: known ? { entries: Number(entries), hash, by: 'the running broker' } : null,
  }
}

async function orNull<T>(codes: readonly string[], ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof HoopError && codes.includes(error.code)) return null
    throw error
  }
}
