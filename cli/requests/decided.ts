import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { Request, RequestChange } from '../../protocol/api/requests.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { BrokerApi } from '../broker-api.ts'
import { jsonLines } from '../json-lines.ts'
import { visible } from '../output/visible.ts'
import { requestPath } from '../request-path.ts'

const Change = z.union([RequestChange, z.object({ event: z.literal('watching') })])

/** Before a watch that ended is asked for again. */
const AGAIN_MS = 1000

/** The request as it is once it is no longer pending (or `open`), or when `signal` says that the waiting is over. */
export async function decided(
  api: BrokerApi,
  request: Request,
  signal: AbortSignal,
  open: readonly Request['state'][] = ['pending'],
): Promise<Request> {
  try {
    for (;;) {
      const found = await watchOnce(api, request.id, signal, open)
      if (found !== null) return found
      await setTimeout(AGAIN_MS, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
    return request
  }
}

/** Subscribes before it looks, so that no change falls between. Null: the broker ended the watch. */
async function watchOnce(
  api: BrokerApi,
  id: string,
  signal: AbortSignal,
  open: readonly Request['state'][],
): Promise<Request | null> {
  const query = { view: 'mine' }
  const response = await api.stream('GET', '/v1/requests/watch', { query, signal })
  for await (const change of jsonLines(response, Change)) {
    const now =
      change.event === 'request'
        ? change.request
        : await api.request('GET', requestPath(id), { schema: Request, signal })
    if (now.id === id && !open.includes(now.state)) return now
  }
  return null
}

/** How a request that its person waited for ended, as the table of exit codes says it; null: approved. */
export function failureOf(request: Request): HoopError | null {
  const { id, state, decisions } = request
  const last = decisions.at(-1)
  const who = last === undefined ? '' : ` by ${visible(last.by)}`
  const why = last?.comment ? `: ${visible(last.comment)}` : ''
  switch (state) {
    case 'approved':
    case 'executed':
      return null
    case 'rejected':
      return ended('rejected', `${id} was rejected${who}${why}.`, EXIT.rejected)
    case 'pending':
      return ended('undecided', `${id} waits for approval.`, EXIT.undecided)
    case 'expired':
      return ended('expired', `${id} has expired: nobody decided in time.`, EXIT.undecided)
    default:
      return ended(state, `${id} was ${state}${who}${why}.`, EXIT.failed)
  }
}

function ended(code: string, message: string, exit: (typeof EXIT)[keyof typeof EXIT]): HoopError {
  const hint = code === 'undecided' ? 'See `hoop requests --mine`.' : 'Nothing was run.'
  return new HoopError({ code, message, hint, exit, fault: 'client' })
}
