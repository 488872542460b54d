import { Discovery } from '../../protocol/api/identity.ts'
import { networkError, notABroker } from './problem.ts'

const TIMEOUT_MS = 10_000

/** What a broker says of itself to who is not logged in. */
export async function discoverBroker(broker: string, signal: AbortSignal): Promise<Discovery> {
  const response = await get(`${broker}/v1/discovery`, broker, signal)
  if (!response.ok) throw notABroker(broker, `it answered ${response.status}`)
  const body: unknown = await response.json().catch((cause: unknown) => {
    throw notABroker(broker, 'what it answered is not JSON', cause)
  })
  const parsed = Discovery.safeParse(body)
  if (!parsed.success) throw notABroker(broker, 'it does not describe itself as one', parsed.error)
  return parsed.data
}

async function get(url: string, broker: string, signal: AbortSignal): Promise<Response> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    return await fetch(url, { signal: limit, redirect: 'error' })
  } catch (cause) {
    throw networkError(cause, broker, signal)
  }
}
