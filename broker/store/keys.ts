import type { Person } from './store.ts'

/** What tells that two accounts are one person. A person is a set of keys; two that share one are the same. */

export function accountKey({ issuer, subject }: Pick<Person, 'issuer' | 'subject'>): string {
  return `account:${issuer} ${subject}`
}

/** Of an address that the identity provider calls verified. */
export function emailKey(email: string): string {
  return `email:${email.normalize('NFC').toLowerCase()}`
}

/** Of a person whom the configuration names. */
export function personKey(name: string): string {
  return `person:${name}`
}

/** Of a claim that the configuration names, as the identity provider vouches for it. */
export function claimKey(claim: string, value: string): string {
  return `claim:${claim}=${value}`
}

/** What everybody has: the account, and the e-mail address where there is one. */
export function ownKeys(person: Pick<Person, 'issuer' | 'subject' | 'email'>): readonly string[] {
  const { email } = person
  return email === null ? [accountKey(person)] : [accountKey(person), emailKey(email)]
}

export function meet(a: readonly string[], b: readonly string[]): boolean {
  return a.some((key) => b.includes(key))
}
