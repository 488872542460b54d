import type { MachineConfig, PersonsConfig } from '../config/persons.ts'
import { accountKey, claimKey, ownKeys, personKey } from '../store/keys.ts'
import type { Link } from '../store/store.ts'

export type { MachineConfig, PersonsConfig } from '../config/persons.ts'

export const NO_PERSONS: PersonsConfig = { persons: [], personClaim: null, machines: [] }

export interface Identified {
  readonly keys: readonly string[]
  readonly machine: MachineConfig | null
}

interface Account {
  readonly issuer: string
  readonly subject: string
}

type Who = Account & { readonly email: string | null }
type Claims = Readonly<Record<string, unknown>>

/** Who an account is: every key that it has, its owner's with it. Made here and nowhere else. */
export function identify(who: Who, claims: Claims, config: PersonsConfig): Identified {
  const machine = config.machines.find((one) => same(one, who)) ?? null
  const keys = [...ownKeys(who), ...configured(who, config)]
  if (machine === null) return { keys: [...keys, ...claimed(claims, config)], machine }
  return { keys: [...keys, ...ownerKeys(machine, config)], machine }
}

/** What the configuration says of accounts, whether the broker has met them or not. */
export function configuredLinks(config: PersonsConfig): readonly Link[] {
  const accounts = config.persons.flatMap(({ name, accounts: all }) =>
    all.map((account) => ({ ...account, keys: [personKey(name)] })),
  )
  const machines = config.machines.map((machine) => ({
    issuer: machine.issuer,
    subject: machine.subject,
    keys: ownerKeys(machine, config),
  }))
  return [...accounts, ...machines]
}

function configured(who: Account, { persons }: PersonsConfig): readonly string[] {
  return persons
    .filter(({ accounts }) => accounts.some((account) => same(account, who)))
    .map(({ name }) => personKey(name))
}

function ownerKeys({ owner }: MachineConfig, config: PersonsConfig): readonly string[] {
  if ('person' in owner) return [personKey(owner.person)]
  return [accountKey(owner.account), ...configured(owner.account, config)]
}

const LONGEST = 500

/** A text or a number says who somebody is; a list, an empty text or a flag says nothing. */
function claimed(claims: Claims, { personClaim }: PersonsConfig): readonly string[] {
  if (personClaim === null || !Object.hasOwn(claims, personClaim)) return []
  const value = claims[personClaim]
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || text.trim() === '' || text.length > LONGEST) return []
  return [claimKey(personClaim, text)]
}

function same(a: Account, b: Account): boolean {
  return a.issuer === b.issuer && a.subject === b.subject
}

/** A token that no person logged in for: how providers say it (RFC 9068 section 2.2, and their own words). */
export function isOfClient(claims: Claims): boolean {
  const { sub } = claims
  const client = claims['client_id'] ?? claims['azp']
  if (typeof client === 'string' && (sub === client || sub === `${client}@clients`)) return true
  return (
    claims['gty'] === 'client-credentials' ||
    claims['grant_type'] === 'client_credentials' ||
    claims['idtyp'] === 'app' ||
    String(claims['preferred_username'] ?? '').startsWith('service-account-')
  )
}
