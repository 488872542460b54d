import type { RequestChange } from '../../protocol/api/requests.ts'
import type { Principal } from '../identity/principal.ts'
import type { Runtime } from '../runtime.ts'
import { cutRequest } from './cut.ts'
import type { RequestService, RequestView } from './deps.ts'

/** A caller that falls this many changes behind is cut off; it may ask again. */
const BACKLOG = 1000

export interface Watcher {
  readonly caller: Principal
  readonly view: RequestView['view']
}

/** First says that it watches (no change after that is missed), then gives each change. */
export async function* watchRequests(
  service: Pick<RequestService, 'watch'>,
  { caller, view }: Watcher,
  signal: AbortSignal,
  runtime: Pick<Runtime, 'now' | 'setTimer'>,
): AsyncGenerator<RequestChange | { event: 'watching' }> {
  const backlog: RequestChange[] = []
  const bell = createBell()
  const over = { now: signal.aborted }
  const end = () => {
    over.now = true
    bell.ring()
  }
  signal.addEventListener('abort', end)
  const expiry = runtime.setTimer(caller.expiresAt - runtime.now(), end)
  const subscription = service.watch(caller, view, (request) => {
    if (backlog.push({ event: 'request', request: cutRequest(request) }) > BACKLOG) end()
    bell.ring()
  })
  try {
    yield { event: 'watching' }
    while (!over.now) {
      const change = backlog.shift()
      if (change) yield change
      else await bell.rung()
    }
  } finally {
    subscription.cancel()
    expiry.cancel()
  }
}

/** Wakes the one who waits; rung while nobody waits, the next wait ends at once. */
function createBell(): { ring(): void; rung(): Promise<void> } {
  let waiting = Promise.withResolvers<void>()
  return {
    ring: () => waiting.resolve(),
    async rung() {
      await waiting.promise
      waiting = Promise.withResolvers<void>()
    },
  }
}
