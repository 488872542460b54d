/**
 * What the broker must remember, behind one interface: node:sqlite today, PostgreSQL when there are
 * several brokers. The state machine of a request is written here as data and stands in the
 * database as well, so that a bug in the code above cannot forge a state.
 */

import type { Happening } from '../../protocol/api/happenings.ts'
import type { Outbox } from './outbox.ts'

export const STATES = [
  'pending',
  'approved',
  'executed',
  'rejected',
  'expired',
  'cancelled',
  'revoked',
] as const
export type RequestState = (typeof STATES)[number]

/** Every change of state that can happen. `new` is before a request exists. */
export const TRANSITIONS = [
  ['new', 'pending'],
  ['pending', 'approved'],
  ['pending', 'rejected'],
  ['pending', 'expired'],
  ['pending', 'cancelled'],
  ['approved', 'executed'],
  ['approved', 'expired'],
  ['approved', 'cancelled'],
  ['approved', 'revoked'],
] as const satisfies readonly (readonly [RequestState | 'new', RequestState])[]

/**
 * What may be asked for: to run something, a time-boxed window, the review of an emergency, or a
 * change of what hoop itself goes by.
 */
export const KINDS = [
  'statement',
  'exec',
  'window',
  'break_glass',
  'policy',
  'secret',
  'connection',
] as const
export type RequestKind = (typeof KINDS)[number]

/** Changes of what hoop itself goes by. */
export const CHANGE_KINDS = ['policy', 'secret', 'connection'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** A person as the identity provider names them. */
export interface Person {
  readonly issuer: string
  readonly subject: string
  readonly email: string | null
  readonly groups: readonly string[]
  /** Who that is: two that share a key are one person (keys.ts). Of a machine also its owner's. */
  readonly keys: readonly string[]
  /** A service account: it asks, and decides nothing. */
  readonly machine: boolean
}

/** So many different persons of this group must agree. */
export interface Need {
  readonly group: string
  readonly count: number
}

/** Who is in two of these groups approves nothing, or nothing of their members. */
export interface Separation {
  readonly groups: readonly string[]
  readonly mayNot: 'approve' | 'approve-each-other'
}

/** The rules that a request goes by, and the keys of those who last changed them. */
export interface AppliedRule {
  readonly labels: readonly string[]
  readonly authors: readonly string[]
}

/** The rows of a COPY FROM STDIN, kept beside the store until the decision. */
export interface Spool {
  /** Null: binary, or not counted. */
  readonly rows: number | null
  readonly size: number
  readonly firstRows: readonly string[]
  readonly digest: string
}

/** What a request is, from its first moment on; none of it ever changes. */
export interface RequestContent {
  readonly id: string
  readonly kind: RequestKind
  /** The session that waits: every statement has one, other kinds may. */
  readonly session: string | null
  readonly requester: Person
  readonly connection: string
  readonly database: string
  readonly statement: string
  readonly parameters: readonly (string | null)[]
  readonly class: string
  /** One sentence for the approver. */
  readonly effect: string
  /** SHA-256, hex, over all that will run. */
  readonly digest: string
  /** Bytes of all that the approver decides on. */
  readonly size: number
  readonly reason: string | null
  readonly inTransaction: boolean
  readonly needs: readonly Need[]
  /** All ways to approve it, `needs` first, each enough by itself; empty: there is that one. */
  readonly alternatives: readonly (readonly Need[])[]
  /** From when each of the alternatives counts, epoch milliseconds; empty: all from the beginning. */
  readonly opens: readonly number[]
  readonly separate: readonly Separation[]
  readonly rule: AppliedRule
  readonly facts: unknown
  readonly spool: Spool | null
  /** The version of the policy that it was decided under that people are asked. */
  readonly policyVersion: number
}

/** What a request for a change would bring: the next version of something. */
export interface Proposal {
  readonly kind: ChangeKind
  /** Of the connection or the secret; there is one policy, and it has none. */
  readonly name: string
  /** The version that it was made on; 0 = there was none. Void if another came into force. */
  readonly base: number
  readonly body: string
  /** The sealed value of a secret. Null: not a secret, or destroyed. */
  readonly box: string | null
}

/** What was, or is, in force. The last of its kind and name is. */
export interface Version {
  readonly kind: ChangeKind
  readonly name: string
  readonly number: number
  readonly body: string
  /** SHA-256 of the body, in hex. */
  readonly digest: string
  /** That brought it. Null: the first policy, which the first configuration file brought. */
  readonly request: string | null
  /** Who wanted it so. */
  readonly authors: readonly Person[]
  readonly at: number
}

export interface Decision {
  readonly by: Person
  readonly verdict: 'approve' | 'reject'
  readonly comment: string | null
  /** The approver's bound on the rows that may change. */
  readonly maxRows: number | null
  readonly at: number
}

/** What was asked about a request and answered, beside the decision: it changes nothing. */
export interface Question {
  readonly part: 'question' | 'answer'
  readonly by: Person
  readonly text: string
  readonly at: number
}

/** Which decision (its place in the list) fills a place of which group, in which of the alternatives. */
export interface Seat {
  readonly decision: number
  readonly group: string
  readonly alternative: number
}

/** One step in the life of a request. */
export interface StateEntry {
  readonly state: RequestState
  readonly at: number
  /** When it leaves this state by itself; null: never. */
  readonly until: number | null
  /** Null: the broker did it (time, a session that ended). */
  readonly by: Person | null
  readonly why: string | null
}

export interface Outcome {
  /** unknown: it was sent, and the answer never came. */
  readonly status: 'ok' | 'error' | 'unknown'
  readonly sqlstate: string | null
  readonly rows: number | null
  readonly at: number
}

export interface RequestRecord extends RequestContent {
  readonly state: RequestState
  readonly createdAt: number
  /** When it ends by itself: decide before it; once approved, spend before it. */
  readonly expiresAt: number
  /** In lists, above 64 kB: `statement` is its head, this its tail; parameters are cut, too. */
  readonly tail: string | null
  readonly history: readonly StateEntry[]
  readonly decisions: readonly Decision[]
  readonly questions: readonly Question[]
  readonly outcome: Outcome | null
}

/** What may be added to a request. There is no other way to change one. */
export type Addition =
  | { readonly add: 'decision'; readonly decision: Decision }
  | { readonly add: 'question'; readonly question: Question }
  | { readonly add: 'seats'; readonly seats: readonly Seat[] }
  | { readonly add: 'state'; readonly entry: StateEntry }
  | { readonly add: 'outcome'; readonly outcome: Outcome }
  /** People are told; states and decisions are told by themselves. */
  | {
      readonly add: 'event'
      readonly event: Exclude<Happening, 'held' | 'decided' | RequestState>
      readonly at: number
      /** One sentence, or what an endpoint is to be told besides the request. */
      readonly detail: string | null
    }
  | { readonly add: 'version'; readonly version: Version }

export interface RequestFilter {
  readonly states?: readonly RequestState[]
  readonly kind?: RequestContent['kind']
  /** Only requests of this person, from whatever account. */
  readonly requester?: Pick<Person, 'keys'>
  readonly session?: string
  readonly connection?: string
  /** The next page: only requests that came before this one. */
  readonly olderThan?: string
  /** Only requests of the same shape as this one: the same but for its values. */
  readonly alike?: string
  /** Only requests whose state ended by itself at or before this time. */
  readonly dueAt?: number
  /** Only those that were handed to the target and never settled. */
  readonly unsettled?: boolean
  /** 200 unless told; null: all. */
  readonly limit?: number | null
}

export interface Rejections {
  readonly count: number
  /** The latest; null: there was none. */
  readonly last: StateEntry | null
}

export interface Requests {
  insert(content: RequestContent, first: StateEntry): Promise<RequestRecord>
  /** Null: so many of this person are pending on this connection already. */
  insertBelow(
    most: number,
    content: RequestContent,
    first: StateEntry,
    proposal?: Proposal | null,
  ): Promise<RequestRecord | null>
  /** How the same text of the same person on the same connection was rejected before this request. */
  rejectedBefore(request: RequestRecord): Promise<Rejections>
  read(id: string): Promise<RequestRecord | null>
  /** Newest first. */
  list(filter: RequestFilter): Promise<readonly RequestRecord[]>
  /**
   * Reads a request, asks `step` what to add and adds it, in one transaction that nothing comes
   * between; gives the request as it is then. Null: there is no such request. `join` knows the
   * accounts of everybody who is involved, and of `by`.
   */
  add(
    id: string,
    by: readonly string[],
    step: (request: RequestRecord, join: Join) => readonly Addition[],
  ): Promise<RequestRecord | null>
  /** The earliest moment at which a pending or approved request ends by itself. */
  nextDue(): Promise<number | null>
}

/** One statement in a window: its place among all, and how many rows it may change (null: not bounded). */
export interface WindowUse {
  readonly place: number
  readonly maxRows: number | null
}

export interface WindowUses {
  /** Reserves all the rows that are left, before anything runs. Null: none is. Throws where it is not open. */
  begin(id: string, use: { session: string; at: number }): Promise<WindowUse | null>
  /** What was not used of it is free again; `rows` null: nobody knows, so all of it is used. */
  end(id: string, place: number, rows: number | null, at: number): Promise<void>
  used(id: string): Promise<{ readonly statements: number; readonly rows: number }>
}

/** An account that the broker has met, for `sod explain`. */
export interface KnownPerson extends Person {
  readonly roles: readonly string[]
  readonly seenAt: number
}

/** All that is known of the person who has one of these keys: the accounts' keys and groups. */
export type Join = (keys: readonly string[]) => {
  readonly keys: readonly string[]
  readonly groups: readonly string[]
}

/** Keys that the configuration gives to an account. */
export interface Link extends Pick<Person, 'issuer' | 'subject' | 'keys'> {}

export interface People {
  saw(person: KnownPerson): Promise<void>
  /** Last seen first. */
  all(limit: number): Promise<readonly KnownPerson[]>
  /** Knows those who have one of these keys, and their other accounts. */
  joining(keys: readonly string[]): Promise<Join>
  /** What the configuration says of accounts, instead of what it said before. */
  configure(links: readonly Link[], claim: string | null): Promise<void>
}

/** What hoop goes by, in versions; new ones come by the addition `version` alone. */
export interface Versions {
  /** By kind and name, oldest first. */
  all(): Promise<readonly Version[]>
  /** The first policy, that of the configuration file. */
  begin(first: Version): Promise<void>
  proposal(request: string): Promise<Proposal | null>
  /** Sealed values that are there, by request. */
  boxes(): Promise<ReadonlyMap<string, string>>
  /** Sealed values that never came into force and never will, and those that were replaced. */
  destroyUnused(): Promise<void>
}

/** Which DPoP proofs were used (RFC 9449 section 11.1). */
export interface ReplayStore {
  /** False: it was seen before. `until`: epoch milliseconds after which it may be forgotten. */
  remember(jti: string, until: number): boolean
}

export interface Store {
  readonly requests: Requests
  readonly windows: WindowUses
  readonly people: People
  readonly versions: Versions
  readonly replay: ReplayStore
  readonly outbox: Outbox
  close(): Promise<void>
}
