import type { ApplyText, PolicyInForce, SecretList, SetSecret } from '../../protocol/api/changes.ts'
import type { Request } from '../../protocol/api/requests.ts'
import { type Decider, nameOf } from '../approval/person.ts'
import { presentRequest } from '../approval/present.ts'
import type { RequestRecord } from '../store/store.ts'
import { askConnection, type ConnectionParts } from './ask-connection.ts'
import { askPolicy } from './ask-policy.ts'
import { askSecret, type SecretParts } from './ask-secret.ts'
import { notAllowedToRead } from './errors.ts'

/** Changes of what hoop goes by, as the API asks for them. */
export function createChangeService(parts: ConnectionParts & SecretParts) {
  const { book } = parts
  const shown = (request: RequestRecord): Request => presentRequest(request, request.createdAt)
  return {
    async applyPolicy(caller: Decider, { text, file, reason }: ApplyText): Promise<Request> {
      return shown(await askPolicy(parts, caller, { text, file, reason: reason ?? null }))
    },
    async applyConnection(caller: Decider, { text, file, reason }: ApplyText): Promise<Request> {
      const wish = { text, file, reason: reason ?? null }
      return shown(await askConnection(parts, caller, wish))
    },
    async setSecret(caller: Decider, wish: SetSecret): Promise<Request> {
      return shown(await askSecret(parts, caller, wish))
    },
    /** Names and versions; the values are shown to nobody. */
    secrets(caller: Decider): SecretList {
      requireReader(caller)
      return book.all('secret').map(({ name, number, at, authors, request }) => {
        const by = authors.map(nameOf)
        return { name, version: number, at: time(at), by, request: request! }
      })
    },
    policy(caller: Decider): PolicyInForce {
      requireReader(caller)
      const { number, digest, at, request, authors, body } = book.latest('policy', '')!
      const by = authors.map(nameOf)
      return { version: number, digest, at: time(at), request, authors: by, text: body }
    },
  }
}

export type ChangeService = ReturnType<typeof createChangeService>

function requireReader({ roles }: Decider): void {
  if (!roles.includes('admin') && !roles.includes('auditor')) throw notAllowedToRead()
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
