import fc from 'fast-check'
import type { Decider } from '../../../broker/approval/person.ts'
import { configuredLinks, identify, type PersonsConfig } from '../../../broker/identity/persons.ts'
import type { Link, Need, Separation } from '../../../broker/store/store.ts'

/** Generated organisations: humans with several accounts, machines with owners, rules of every shape. */

export const GROUPS = ['dba', 'security', 'engineers'] as const
type Group = (typeof GROUPS)[number]

/** How an account is joined to the one before it of the same human. */
type Joint = 'email' | 'claim' | 'config'

export interface Account {
  readonly subject: string
  /** Its human; of a machine, its owner. */
  readonly human: number
  readonly machine: boolean
  readonly email: string | null
  readonly claim: string | null
  /** Name of the configured person, or of the owner. */
  readonly person: string | null
}

export interface Rule {
  readonly ways: readonly (readonly Need[])[]
  readonly separate: readonly Separation[]
  /** Accounts that changed it last. */
  readonly authors: readonly number[]
}

export interface Organisation {
  readonly accounts: readonly Account[]
  readonly config: PersonsConfig
  readonly links: readonly Link[]
  readonly rules: readonly Rule[]
}

const ISSUER = 'idp'

const group = fc.constantFrom<Group>(...GROUPS)
export const groups = fc.subarray([...GROUPS])
export const roles = fc.constantFrom(
  ['requester', 'approver'],
  ['requester', 'approver'],
  ['approver'],
  ['requester', 'auditor', 'admin'],
)

const way: fc.Arbitrary<readonly Need[]> = fc.uniqueArray(
  fc.record({ group, count: fc.integer({ min: 1, max: 2 }) }),
  { minLength: 1, maxLength: 2, selector: (need) => need.group },
)

const separation: fc.Arbitrary<Separation> = fc.record({
  groups: fc.constantFrom(['dba', 'engineers'], ['dba', 'security'], [...GROUPS]),
  mayNot: fc.constantFrom('approve' as const, 'approve-each-other' as const),
})

const joint = fc.constantFrom<Joint>('email', 'claim', 'config')
/** Of each human how its second, third… account is joined to the one before. */
const human = fc.array(joint, { maxLength: 2 })

export const organisation: fc.Arbitrary<Organisation> = fc
  .record({
    humans: fc.array(human, { minLength: 3, maxLength: 5 }),
    owners: fc.array(fc.nat({ max: 4 }), { maxLength: 2 }),
    rules: fc.array(
      fc.record({
        ways: fc.array(way, { minLength: 1, maxLength: 3 }),
        separate: fc.oneof(
          { weight: 3, arbitrary: fc.constant<Separation[]>([]) },
          { weight: 1, arbitrary: fc.array(separation, { minLength: 1, maxLength: 2 }) },
        ),
        authors: fc.oneof(
          { weight: 2, arbitrary: fc.constant<number[]>([]) },
          { weight: 1, arbitrary: fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 2 }) },
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ humans, owners, rules }) => {
    const people = humans.flatMap((joints, index) => accountsOf(index, joints))
    const machines = owners.map((owner, index) =>
      machine(index, people.find((one) => one.human === owner % humans.length)!),
    )
    const accounts = [...people, ...machines]
    const config = configOf(accounts, people)
    const fitting = rules.map((rule) => ({
      ...rule,
      authors: rule.authors.map((author) => author % people.length),
    }))
    return { accounts, config, links: configuredLinks(config), rules: fitting }
  })

function accountsOf(index: number, joints: readonly Joint[]): Account[] {
  const base = { human: index, machine: false }
  const accounts: Account[] = [
    { ...base, subject: `h${index}-0`, email: null, claim: null, person: null },
  ]
  for (const [i, how] of joints.entries()) {
    const value = `h${index}-joint-${i}`
    const set = (one: Account): Account => ({
      ...one,
      ...(how === 'email' ? { email: one.email ?? `${value}@x` } : {}),
      ...(how === 'claim' ? { claim: one.claim ?? value } : {}),
      ...(how === 'config' ? { person: one.person ?? value } : {}),
    })
    const before = set(accounts[i]!)
    accounts[i] = before
    accounts.push({
      ...base,
      subject: `h${index}-${i + 1}`,
      email: how === 'email' ? before.email : null,
      claim: how === 'claim' ? before.claim : null,
      person: how === 'config' ? before.person : null,
    })
  }
  return accounts
}

function machine(index: number, owner: Account): Account {
  const base = { subject: `machine-${index}`, human: owner.human, machine: true }
  return { ...base, email: null, claim: null, person: owner.subject }
}

function configOf(accounts: readonly Account[], people: readonly Account[]): PersonsConfig {
  const names = [...new Set(people.flatMap((one) => one.person ?? []))]
  const at = ({ subject }: Account) => ({ issuer: ISSUER, subject })
  return {
    persons: names.map((name) => ({
      name,
      accounts: people.filter((one) => one.person === name).map(at),
    })),
    personClaim: 'employee',
    machines: accounts
      .filter((one) => one.machine)
      .map((one) => ({
        ...at(one),
        owner: { account: { issuer: ISSUER, subject: one.person! } },
        groups: null,
      })),
  }
}

/** What a token of the account says, as the broker takes it. */
export function callerOf(
  { config }: Organisation,
  account: Account,
  token: Pick<Decider, 'groups' | 'roles' | 'issuedAt'>,
): Decider {
  const who = { issuer: ISSUER, subject: account.subject, email: account.email }
  const claims = account.claim === null ? {} : { employee: account.claim }
  const { keys, machine: listed } = identify(who, claims, config)
  const isMachine = listed !== null
  return { ...who, keys, machine: isMachine, ...token }
}
