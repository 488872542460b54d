import { Request } from '../../protocol/api/requests.ts'
import type { BrokerApi } from '../broker-api.ts'
import { Interruption } from '../login/interruption.ts'
import type { Output } from '../output/output.ts'
import { visibleLine } from '../output/visible.ts'
import { requestPath } from '../request-path.ts'
import { decidedAloud } from './questions.ts'

/** Waits for people. Ctrl-C takes the request back; when only the waiting runs out, it stays. */
export async function waitForPeople(
  api: BrokerApi,
  asked: Request,
  { waitMs, out, open }: Waiting,
): Promise<Request> {
  using interruption = new Interruption()
  const limit = waitMs === null ? [] : [AbortSignal.timeout(waitMs)]
  const signal = AbortSignal.any([interruption.signal, ...limit])
  const talk = (text: string) => out.say(visibleLine(text))
  const found = await decidedAloud(api, asked, signal, talk, open)
  if (!interruption.signal.aborted) return found
  const body = { reason: 'interrupted' }
  return api.request('POST', `${requestPath(asked.id)}/cancel`, { body, schema: Request })
}

interface Waiting {
  /** Null: as long as it takes. */
  readonly waitMs: number | null
  readonly out: Output
  /** States in which it still waits: pending, unless said. */
  readonly open?: readonly Request['state'][]
}
