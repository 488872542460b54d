import { Request } from '../../protocol/api/requests.ts'
import type { BrokerApi } from '../broker-api.ts'
import { requestPath } from '../request-path.ts'

/** What a person at a screen can do with a request. */
export type Deed = 'approve' | 'reject' | 'ask' | 'answer' | 'cancel'

export interface Desk {
  /** All of it, with what is known of its like. */
  readonly load: (id: string) => Promise<Request>
  readonly act: (deed: Deed, id: string, text: string) => Promise<Request>
}

/** Who decides shows who they are at that moment: a screen may have been open for hours. */
const DECISIONS: ReadonlySet<Deed> = new Set(['approve', 'reject'])

/**
 * An approval names no digest here: what is too long to be shown whole is refused by the broker, as
 * everywhere (`hoop approve ID --digest SHA256`).
 */
export function deskOf(api: Pick<BrokerApi, 'request'>): Desk {
  return {
    load: (id) => api.request('GET', requestPath(id), { schema: Request }),
    act: (deed, id, text) =>
      api.request('POST', `${requestPath(id)}/${deed}`, {
        body: bodyOf(deed, text),
        fresh: DECISIONS.has(deed),
        schema: Request,
      }),
  }
}

function bodyOf(deed: Deed, text: string): Readonly<Record<string, string>> {
  if (deed === 'ask' || deed === 'answer') return { text }
  if (deed === 'approve') return text === '' ? {} : { comment: text }
  return text === '' ? {} : { reason: text }
}
