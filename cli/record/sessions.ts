import { SessionEntry, SessionSummary } from '../../protocol/api/sessions.ts'
import { jsonLines } from '../json-lines.ts'
import type { BrokerCalls } from './calls.ts'

export function sessionPath(id: string): string {
  return `/v1/sessions/${encodeURIComponent(id)}`
}

export function sessionSummary(api: BrokerCalls, id: string): Promise<SessionSummary> {
  return api.request('GET', sessionPath(id), { schema: SessionSummary })
}

/** A session's entries as they come; with `follow` until it ends. */
export async function* sessionEntries(
  api: BrokerCalls,
  id: string,
  options: { readonly after?: number; readonly follow?: boolean } = {},
): AsyncGenerator<SessionEntry> {
  const query = { after: options.after ?? 0, follow: options.follow === true }
  const response = await api.stream('GET', `${sessionPath(id)}/entries`, { query })
  yield* jsonLines(response, SessionEntry)
}
