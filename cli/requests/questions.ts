import type { Request } from '../../protocol/api/requests.ts'
import type { BrokerApi } from '../broker-api.ts'
import { decided } from './decided.ts'
import { follow } from './follow.ts'

/** Says what is asked about a request while its requester waits; disposed, it stops. */
export function tellQuestions(
  api: BrokerApi,
  id: string,
  talk: (text: string) => void,
): { stop(): void } {
  const over = new AbortController()
  let known = 0
  const changed = (request: Request): void => {
    if (request.id !== id) return
    for (const { part, by, text } of request.questions.slice(known)) {
      if (part === 'question') talk(`${by} asks: ${text} (hoop answer ${id} TEXT)`)
    }
    known = request.questions.length
  }
  const listed = (list: readonly Request[]): void => list.forEach(changed)
  // Who waits is told of the broker's absence by the waiting itself.
  const trouble = (): void => undefined
  follow(api, 'mine', over.signal, { changed, listed, trouble }).catch((error: Error) =>
    talk(`Questions about it cannot be shown: ${error.message}`),
  )
  return { stop: () => over.abort() }
}

/** As `decided`; what is asked meanwhile is said. */
export async function decidedAloud(
  api: BrokerApi,
  request: Request,
  signal: AbortSignal,
  talk: (text: string) => void,
  open?: readonly Request['state'][],
): Promise<Request> {
  const questions = tellQuestions(api, request.id, talk)
  try {
    return await decided(api, request, signal, open)
  } finally {
    questions.stop()
  }
}
