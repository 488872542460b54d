import { accountKey, meet } from '../store/keys.ts'
import type { Person } from '../store/store.ts'

export type { Person } from '../store/store.ts'

/** A person together with what they may do here. The verified caller (Principal) is one. */
export interface Decider extends Person {
  readonly roles: readonly string[]
  /** When the identity provider last said so, epoch milliseconds. */
  readonly issuedAt: number
}

/** One human being, or a machine and its owner. Duties are divided between people, not accounts. */
export function samePerson(a: Pick<Person, 'keys'>, b: Pick<Person, 'keys'>): boolean {
  return meet(a.keys, b.keys)
}

/**
 * May `by` use what was given to `requester`? A person from whatever account; a machine's is its
 * own alone: neither its owner nor another machine of the owner executes it, and it nothing of theirs.
 */
export function actsFor(requester: Person, by: Person): boolean {
  if (requester.machine || by.machine) return accountKey(requester) === accountKey(by)
  return samePerson(requester, by)
}

/** How a person is shown to others. */
export function nameOf(person: Pick<Person, 'subject' | 'email'>): string {
  return person.email ?? person.subject
}

/** Nothing of a token but the person: what is kept. */
export function personOf({ issuer, subject, email, groups, keys, machine }: Person): Person {
  return { issuer, subject, email, groups: [...groups], keys: [...keys], machine }
}
