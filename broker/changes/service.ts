import type { ApplyText, PolicyInForce } from '../../protocol/api/changes.ts'
import type { Request } from '../../protocol/api/requests.ts'
import { type Decider, nameOf } from '../approval/person.ts'
import { presentRequest } from '../approval/present.ts'
import { askPolicy } from './ask-policy.ts'
import type { Book } from './book.ts'
import type { Changes } from './changes.ts'
import { notAllowedToRead } from './errors.ts'

/** Changes of what hoop goes by, as the API asks for them. */
export function createChangeService(parts: { readonly changes: Changes; readonly book: Book }) {
  const { book } = parts
  return {
    async applyPolicy(caller: Decider, { text, file, reason }: ApplyText): Promise<Request> {
      return presentRequest(await askPolicy(parts, caller, { text, file, reason: reason ?? null }))
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
