import { type SetSecret, VALUE_LIMIT } from '../../protocol/api/changes.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Decider } from '../approval/person.ts'
import type { RequestRecord } from '../store/store.ts'
import type { Book } from './book.ts'
import { type Changes, requireAdmin } from './changes.ts'
import type { Vault } from './vault.ts'

export interface SecretParts {
  readonly changes: Changes
  readonly book: Book
  readonly vault: Vault
  readonly newId: () => string
}

/** `hoop secrets set`: approvers read which secret it is and what uses it; nobody reads its value. */
export async function askSecret(
  { changes, book, vault, newId }: SecretParts,
  caller: Decider,
  { name, value, reason }: SetSecret,
): Promise<RequestRecord> {
  requireAdmin(caller)
  checkValue(value)
  const id = newId()
  const proposal = await vault.propose(name, id, value)
  const users = book.connections().flatMap(({ name: own, target }) => {
    return target.secret === name ? [own] : []
  })
  const verb = proposal.base === 0 ? 'sets' : 'replaces'
  const effect = `${verb} the secret ${name}${users.length === 0 ? '' : `, which ${users.join(', ')} logs in with`}`
  const statement = [
    `secret ${name} version ${proposal.base + 1}`,
    `value: ${proposal.body} (salted, and the salt is sealed)`,
    `used by: ${users.join(', ') || 'no connection yet'}`,
  ].join('\n')
  return changes.ask(caller, { id, proposal, statement, effect, reason: reason ?? null })
}

function checkValue(value: string): void {
  const fault = value.includes('\0')
    ? 'it holds a NUL character'
    : Buffer.byteLength(value) > VALUE_LIMIT
      ? `it is longer than ${VALUE_LIMIT} bytes`
      : null
  if (fault === null) return
  throw new HoopError({
    code: 'bad_secret',
    message: `The value cannot be a secret: ${fault}.`,
    hint: 'A password is a text of one line.',
    exit: EXIT.usage,
    fault: 'client',
  })
}
