import { HoopError } from '../../protocol/errors.ts'
import type { Principal } from '../identity/principal.ts'
import type { Runtime } from '../runtime.ts'

/** So long a client may take to get a new token from the identity provider. */
const PATIENCE_MS = 10_000

interface Shows {
  fresh(signal: AbortSignal): Promise<Principal>
}

/** Who it is now, by a fresh token. Null: none came in time, and then nothing runs. */
export async function freshly(
  client: Shows,
  runtime: Pick<Runtime, 'setTimer'>,
  stop?: AbortSignal,
): Promise<Principal | null> {
  const late = new AbortController()
  const timer = runtime.setTimer(PATIENCE_MS, () => late.abort())
  const signal = stop === undefined ? late.signal : AbortSignal.any([stop, late.signal])
  try {
    return await client.fresh(signal)
  } catch (error) {
    if (signal.aborted) return null
    throw error
  } finally {
    timer.cancel()
  }
}

export function noFreshToken(): HoopError {
  return new HoopError({
    code: 'stale_token',
    message: 'no fresh token came: who asked could not be looked up again before it runs',
    hint: 'nothing was run; is the identity provider up? `hoop login`, and ask again',
    exit: 3,
    fault: 'client',
  })
}
