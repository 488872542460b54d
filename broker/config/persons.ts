import { z } from 'zod'
import type { Document, Fault, Path } from '../policy/document.ts'
import { groupList } from '../policy/schema.ts'
import { nearest } from '../policy/spelling.ts'

/** The part of `identity` that says who is who: persons with their accounts, machines with their owners. */

const NAME = 'a name has 1 to 100 printable characters, no blanks at the ends'
const name = z.string({ error: NAME }).regex(/^[^\s\p{C}](?:[^\p{C}]{0,98}[^\s\p{C}])?$/u, NAME)

const SUBJECT = 'subject is the `sub` of the access token, as the identity provider says it'
const subject = z.string({ error: SUBJECT }).min(1, SUBJECT).max(255)

const account = z.strictObject(
  { issuer: z.url({ error: 'an issuer is an address' }).optional(), subject },
  { error: 'an account is {subject: …}' },
)

const person = z.strictObject(
  {
    name,
    accounts: z
      .array(account, { error: 'accounts is a list: [{subject: …}]' })
      .min(1, 'name at least one account'),
  },
  { error: 'a person has name and accounts' },
)

const OWNER = 'owner is the name of a person above, or {subject: …}'
const machine = z.strictObject(
  {
    subject,
    issuer: account.shape.issuer,
    owner: z.union([name, account], { error: OWNER }),
    groups: groupList.optional(),
  },
  { error: 'a machine has subject, owner and groups; without an owner it is refused' },
)

export const personsShape = {
  persons: z.array(person, { error: 'persons is a list: - name: alice' }).optional(),
  person_claim: name.optional(),
  machines: z.array(machine, { error: 'machines is a list: - subject: ci-deploy' }).optional(),
}

type Raw = {
  readonly issuer: string
} & z.infer<z.ZodObject<typeof personsShape>>
type RawAccount = z.infer<typeof account>

/** Each account is one person or one machine, and each machine's owner is a person. */
export function personFaults(document: Document, raw: Raw): readonly Fault[] {
  const at = (path: Path): Path => ['identity', ...path]
  const faults: Fault[] = []
  const taken = new Map<string, string>()
  const take = (one: RawAccount, who: string, path: Path): void => {
    const key = keyOf(one, raw.issuer)
    const before = taken.get(key)
    if (before !== undefined) {
      faults.push(document.fault(at(path), `this account is ${before} already`))
    }
    taken.set(key, who)
  }
  const names: string[] = []
  for (const [index, one] of (raw.persons ?? []).entries()) {
    if (names.includes(one.name)) {
      faults.push(document.fault(at(['persons', index, 'name']), 'this person is named twice'))
    }
    names.push(one.name)
    for (const [place, each] of one.accounts.entries()) {
      take(each, one.name, ['persons', index, 'accounts', place, 'subject'])
    }
  }
  const machines = raw.machines ?? []
  for (const [index, one] of machines.entries()) {
    take(one, 'a machine', ['machines', index, 'subject'])
  }
  for (const [index, { owner }] of machines.entries()) {
    const fault = ownerFault(owner, names, (one) => taken.get(keyOf(one, raw.issuer)))
    if (fault !== null) faults.push(document.fault(at(['machines', index, 'owner']), fault))
  }
  return faults
}

function ownerFault(
  owner: string | RawAccount,
  names: readonly string[],
  whose: (account: RawAccount) => string | undefined,
): string | null {
  if (typeof owner !== 'string') {
    return whose(owner) === 'a machine' ? 'a machine cannot own another: name a person' : null
  }
  if (names.includes(owner)) return null
  const near = nearest(owner, names)
  const hint = near === null ? 'add it to persons, or say {subject: …}' : `did you mean "${near}"?`
  return `there is no person ${owner}: ${hint}`
}

function keyOf({ issuer, subject: of }: RawAccount, own: string): string {
  return `${issuer ?? own} ${of}`
}

export interface PersonsConfig {
  readonly persons: readonly {
    readonly name: string
    readonly accounts: readonly Account[]
  }[]
  /** A claim of the access token that is the same in all accounts of a person: `employee_id`. */
  readonly personClaim: string | null
  readonly machines: readonly MachineConfig[]
}

interface Account {
  readonly issuer: string
  readonly subject: string
}

export interface MachineConfig extends Account {
  readonly owner: { readonly person: string } | { readonly account: Account }
  /** Null: those of its token. */
  readonly groups: readonly string[] | null
}

export function personsOf(raw: Raw): PersonsConfig {
  const whole = (one: RawAccount): Account => ({
    issuer: one.issuer ?? raw.issuer,
    subject: one.subject,
  })
  return {
    persons: (raw.persons ?? []).map((one) => ({
      name: one.name,
      accounts: one.accounts.map(whole),
    })),
    personClaim: raw.person_claim ?? null,
    machines: (raw.machines ?? []).map((one) => ({
      ...whole(one),
      owner: typeof one.owner === 'string' ? { person: one.owner } : { account: whole(one.owner) },
      groups: one.groups ?? null,
    })),
  }
}
