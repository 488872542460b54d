import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { type Request, RequestChange, RequestList } from '../../protocol/api/requests.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { BrokerApi } from '../broker-api.ts'
import { jsonLines } from '../json-lines.ts'

export type View = 'inbox' | 'mine' | 'all'

/** Before a watch that ended is asked for again. */
const AGAIN_MS = 1000

const Change = z.union([RequestChange, z.object({ event: z.literal('watching') })])

export interface Follower {
  /** All there are at this moment, newest first: at the beginning, and again after a break. */
  readonly listed: (requests: readonly Request[]) => void
  readonly changed: (request: Request) => void
  /** What is wrong with the connection; null: nothing any more. Without it, trouble ends the watch. */
  readonly trouble?: (message: string | null) => void
}

/**
 * Subscribes before it lists, so that no change falls between. The broker ends a watch with the
 * token that asked for it: ask again.
 */
export async function follow(
  api: BrokerApi,
  view: View,
  signal: AbortSignal,
  follower: Follower,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await watch(api, view, signal, follower)
    } catch (error) {
      if (signal.aborted) return
      if (!isLost(error) || !follower.trouble) throw error
      follower.trouble(error.message)
    }
    await setTimeout(AGAIN_MS, undefined, { signal }).catch(() => null)
  }
}

async function watch(
  api: BrokerApi,
  view: View,
  signal: AbortSignal,
  { listed, changed, trouble }: Follower,
): Promise<void> {
  const response = await api.stream('GET', '/v1/requests/watch', { query: { view }, signal })
  for await (const change of jsonLines(response, Change)) {
    if (change.event === 'request') changed(change.request)
    else listed(await listRequests(api, view))
    trouble?.(null)
  }
}

function isLost(error: unknown): error is HoopError {
  return error instanceof HoopError && error.exit === EXIT.unreachable
}

export function listRequests(api: BrokerApi, view: View): Promise<Request[]> {
  return api.request('GET', '/v1/requests', { query: { view }, schema: RequestList })
}
