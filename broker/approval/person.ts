import type { Person } from '../store/store.ts'

export type { Person } from '../store/store.ts'

/** A person together with what they may do here. The verified caller (Principal) is one. */
export interface Decider extends Person {
  readonly roles: readonly string[]
}

/**
 * One human being: the same account, or another account with the same e-mail address. Duties are
 * divided between people, not between accounts.
 */
export function samePerson(
  a: Pick<Person, 'issuer' | 'subject' | 'email'>,
  b: Pick<Person, 'issuer' | 'subject' | 'email'>,
): boolean {
  if (a.issuer === b.issuer && a.subject === b.subject) return true
  return a.email !== null && b.email !== null && fold(a.email) === fold(b.email)
}

function fold(email: string): string {
  return email.normalize('NFC').toLowerCase()
}

/** How a person is shown to others. */
export function nameOf(person: Pick<Person, 'subject' | 'email'>): string {
  return person.email ?? person.subject
}

/** Nothing of a token but the person: what is kept. */
export function personOf({ issuer, subject, email, groups }: Person): Person {
  return { issuer, subject, email, groups: [...groups] }
}
