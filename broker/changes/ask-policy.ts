import type { Decider } from '../approval/person.ts'
import { Document, FaultyFile } from '../policy/document.ts'
import { readPolicy } from '../policy/parse.ts'
import type { Policy } from '../policy/policy.ts'
import type { RequestRecord } from '../store/store.ts'
import type { Book } from './book.ts'
import { type Changes, requireAdmin } from './changes.ts'
import { unchanged } from './errors.ts'
import { policyWording } from './wording.ts'

export interface PolicyWish {
  readonly text: string
  /** As the person named it, for faults. */
  readonly file: string
  readonly reason: string | null
}

/** `hoop policy apply`: the whole text, which another administrator reads against the one in force. */
export function askPolicy(
  { changes, book }: { readonly changes: Changes; readonly book: Book },
  caller: Decider,
  { text, file, reason }: PolicyWish,
): Promise<RequestRecord> {
  requireAdmin(caller)
  const policy = checked(text, file, book)
  const now = book.latest('policy', '')!
  if (now.body === text) throw unchanged(`version ${now.number} of the policy, which is in force,`)
  const base = now.number
  const proposal = { kind: 'policy', name: '', base, body: text, box: null } as const
  const texts = { base, before: now.body, after: text }
  const wording = policyWording(texts, [book.rules().policy, policy])
  return changes.ask(caller, { ...wording, proposal, reason })
}

/** Or FaultyFile with all that is wrong with it. Each connection that there is must have its rules. */
function checked(text: string, file: string, book: Book): Policy {
  const document = new Document(text, file)
  const { policy, faults } = readPolicy(document)
  if (policy === null) throw new FaultyFile('bad_policy', faults)
  const silent = book.connections().filter(({ name }) => !policy.connections.has(name))
  if (silent.length === 0) return policy
  throw new FaultyFile(
    'bad_policy',
    silent.map(({ name }) => document.faultAtKey(['connections'], `nothing is said of ${name}`)),
  )
}
