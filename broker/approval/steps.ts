import { createHash } from 'node:crypto'
import { isFresh } from '../../protocol/api/fresh.ts'
import type { HoopError } from '../../protocol/errors.ts'
import type {
  Addition,
  Decision,
  Join,
  Outcome,
  Question,
  RequestRecord,
  RequestState,
  StateEntry,
  Version,
} from '../store/store.ts'
import { distinct } from './distinct.ts'
import { eligible, type Moment } from './eligible.ts'

export type { Moment } from './eligible.ts'

import * as errors from './errors.ts'
import { actsFor, type Decider, type Person, personOf, samePerson } from './person.ts'
import { adds, fullSeats } from './seats.ts'
import { FOREVER, windowOf } from './window.ts'

/**
 * What happens to a request when somebody wants something of it: pure, (request, wish, time) in,
 * what to write out. A refusal may come with something to write: that the time is over.
 */
export interface Step {
  readonly additions: readonly Addition[]
  readonly refusal: HoopError | null
}

/** Above this many bytes nobody approves what they see: they name what they have read. */
export const DIGEST_ABOVE = 64 * 1024

export interface ApproveOptions {
  readonly comment?: string | null | undefined
  readonly digest?: string | undefined
  readonly maxRows?: number | undefined
}

export function approve(
  request: RequestRecord,
  by: Decider,
  options: ApproveOptions,
  { now, join }: Moment,
  spendWithin: number,
): Step {
  const refused = undecidable(request, by, { now, join }) ?? unread(request, options.digest)
  if (refused) return refused
  const decision: Decision = {
    by: joinedPerson(by, join),
    verdict: 'approve',
    comment: options.comment || null,
    maxRows: options.maxRows ?? null,
    at: later(request, now),
  }
  const decisions = [...request.decisions, decision]
  if (!adds(request, decisions, decision.at)) return refuse(errors.seatTaken(request, by))
  const written: Addition = { add: 'decision', decision }
  const seats = fullSeats(request, decisions, decision.at)
  if (seats === null) return write(written)
  if (!distinct({ ...request, decisions }, join)) return refuse(errors.notDistinct(request))
  const until = later(request, now) + lastsFor(request, spendWithin)
  return write(
    written,
    { add: 'seats', seats },
    enter(request, 'approved', now, { until, by, why: decision.comment }),
  )
}

/** A window is open for its time; a review is made for good. */
function lastsFor(request: RequestRecord, spendWithin: number): number {
  if (request.kind === 'break_glass') return FOREVER
  return windowOf(request)?.for_ms ?? spendWithin
}

export function reject(
  request: RequestRecord,
  by: Decider,
  reason: string,
  { now, join }: Moment,
): Step {
  const refused = undecidable(request, by, { now, join })
  if (refused) return refused
  if (reason.trim() === '') return refuse(errors.reasonMissing())
  const at = later(request, now)
  const decision: Decision = {
    by: joinedPerson(by, join),
    verdict: 'reject',
    comment: reason,
    maxRows: null,
    at,
  }
  return write({ add: 'decision', decision }, enter(request, 'rejected', now, { by, why: reason }))
}

/** By the requester, or by the broker when the session that waits is gone. */
export function cancel(
  request: RequestRecord,
  by: Decider | 'session',
  why: string | null,
  { now, join }: Moment,
): Step {
  if (by !== 'session' && !mayTakeBack(request, joinedPerson(by, join))) {
    return refuse(errors.notYours(request))
  }
  if (request.kind === 'break_glass') return refuse(errors.reviewStays(request))
  const over = finished(request, now)
  if (over) return over
  return write(enter(request, 'cancelled', now, { by: by === 'session' ? null : by, why }))
}

/** So many questions and answers are kept of one request. */
export const MOST_QUESTIONS = 200

/** By those who may decide it; it changes nothing of the request. */
export function ask(request: RequestRecord, by: Decider, text: string, at: Moment): Step {
  if (samePerson(request.requester, joinedPerson(by, at.join))) {
    return refuse(errors.yoursToAnswer(request))
  }
  const answer = eligible(request, by, at)
  if (!answer.may) return refuse(errors.notEligible(request, answer))
  return say(request, { part: 'question', by, text }, at)
}

/** By the requester alone. */
export function answer(request: RequestRecord, by: Decider, text: string, at: Moment): Step {
  if (!samePerson(request.requester, joinedPerson(by, at.join)))
    return refuse(errors.notYoursToAnswer(request))
  return say(request, { part: 'answer', by, text }, at)
}

function say(request: RequestRecord, said: Omit<Question, 'at'>, { now }: Moment): Step {
  const over = finished(request, now)
  if (over) return over
  if (request.state !== 'pending') return refuse(errors.notPending(request))
  if (request.questions.length >= MOST_QUESTIONS) return refuse(errors.enoughAsked(request))
  const question: Question = { ...said, by: personOf(said.by), at: later(request, now) }
  return write({ add: 'question', question })
}

/** By the one it was given to, by whoever may decide such a request, or by an admin: it only ends something. */
export function revoke(
  request: RequestRecord,
  by: Decider,
  why: string | null,
  { now, join }: Moment,
): Step {
  const mine = mayTakeBack(request, joinedPerson(by, join))
  if (!mine && !by.roles.includes('admin')) {
    const answer = eligible(request, by, { now, join })
    if (!answer.may) return refuse(errors.notEligible(request, answer))
  }
  if (request.kind !== 'window') return refuse(errors.notAWindow(request))
  const over = finished(request, now)
  if (over) return over
  if (request.state !== 'approved') return refuse(errors.notOpenYet(request))
  return write(enter(request, 'revoked', now, { by, why }))
}

/** What people are told of a request besides its states. */
export type Nudge = 'reminder' | 'escalated'

export function nudge(
  { state }: RequestRecord,
  event: Nudge,
  detail: string | null,
  { now }: Pick<Moment, 'now'>,
): Step {
  return state === 'pending' ? write({ add: 'event', event, at: now, detail }) : write()
}

/** The owner of a machine takes back what it asked, but no machine what its owner did. */
function mayTakeBack({ requester }: RequestRecord, by: Person): boolean {
  return by.machine ? actsFor(requester, by) : samePerson(requester, by)
}

/** Nothing to write when it is not time yet. */
export function expire(request: RequestRecord, { now }: Pick<Moment, 'now'>): Step {
  if (!isOpen(request) || now < request.expiresAt) return write()
  return write(enter(request, 'expired', now, { why: whyExpired(request) }))
}

function whyExpired({ state, kind }: RequestRecord): string {
  if (state === 'pending') return 'nobody decided in time'
  return kind === 'window' ? 'the window is over' : 'it was not used in time'
}

/**
 * approved → executed. Whoever gets past this runs it; nobody else ever will. Who is who is asked
 * again: what was learned of accounts since the approval counts.
 */
export function spend(
  request: RequestRecord,
  digest: string,
  by: Decider,
  { now, join }: Moment,
): Step {
  if (!isFresh(by, now)) return refuse(errors.staleToken())
  if (!actsFor(request.requester, joinedPerson(by, join))) return refuse(errors.notYours(request))
  return use(request, digest, by, { now, join })
}

/** Writes nothing: what runs in a window is counted elsewhere. */
export function confirm(request: RequestRecord, by: Decider, { now, join }: Moment): Step {
  if (!isFresh(by, now)) return refuse(errors.staleToken())
  if (!actsFor(request.requester, joinedPerson(by, join))) return refuse(errors.notYours(request))
  return distinct(request, join) ? write() : refuse(errors.notDistinct(request))
}

/** `by` null: the broker itself, for a change of what it goes by. */
function use(
  request: RequestRecord,
  digest: string,
  by: Person | null,
  { now, join }: Moment,
): Step {
  if (request.state === 'pending' && now < request.expiresAt) {
    return refuse(errors.notApproved(request))
  }
  const over = finished(request, now)
  if (over) return over
  if (digest !== request.digest) return refuse(errors.digestMismatch(request))
  if (!distinct(request, join)) return refuse(errors.notDistinct(request))
  return write(enter(request, 'executed', now, { by }))
}

export function settle(
  request: RequestRecord,
  outcome: Omit<Outcome, 'at'>,
  { now }: Pick<Moment, 'now'>,
): Step {
  if (request.state !== 'executed') return refuse(errors.notExecuted(request))
  if (request.outcome !== null) return refuse(errors.settledAlready(request))
  return write({ add: 'outcome', outcome: { ...outcome, at: later(request, now) } })
}

/** approved → executed, and what it brings; nobody carries it but the broker. */
export function enact(
  request: RequestRecord,
  digest: string,
  bring: (request: RequestRecord, now: number) => Version,
  moment: Moment,
): Step {
  const spent = use(request, digest, null, moment)
  if (spent.refusal !== null) return spent
  const at = later(request, moment.now)
  const outcome: Outcome = { status: 'ok', sqlstate: null, rows: null, at }
  const version: Addition = { add: 'version', version: bring(request, at) }
  return write(...spent.additions, version, { add: 'outcome', outcome })
}

export function isOpen(request: Pick<RequestRecord, 'state'>): boolean {
  return request.state === 'pending' || request.state === 'approved'
}

/** Why this person cannot decide this request now. */
function undecidable(request: RequestRecord, by: Decider, { now, join }: Moment): Step | null {
  if (!isFresh(by, now)) return refuse(errors.staleToken())
  const answer = eligible(request, by, { now, join })
  if (!answer.may) return refuse(errors.notEligible(request, answer))
  const over = finished(request, now)
  if (over) return over
  if (request.state !== 'pending') return refuse(errors.notPending(request))
  const me = joinedPerson(by, join)
  const before = request.decisions.find((decision) => samePerson(decision.by, me))
  return before ? refuse(errors.decidedAlready(request, before)) : null
}

/** With the keys of all accounts that are known: they take part together. */
function joinedPerson(by: Person, join: Join): Person {
  return { ...personOf(by), keys: join(by.keys).keys }
}

/** The request is over; or it is now, and that is written. */
function finished(request: RequestRecord, now: number): Step | null {
  if (!isOpen(request)) {
    return refuse(
      request.state === 'expired' ? errors.expired(request) : errors.notPending(request),
    )
  }
  if (now < request.expiresAt) return null
  return { additions: expire(request, { now }).additions, refusal: errors.expired(request) }
}

/** Large ones are approved by digest; a digest that is given must always be the right one. */
function unread(request: RequestRecord, digest: string | undefined): Step | null {
  if (digest === undefined) {
    return request.size > DIGEST_ABOVE ? refuse(errors.digestRequired(request)) : null
  }
  return digest === request.digest || digest === fileDigest(request)
    ? null
    : refuse(errors.digestMismatch(request))
}

/** What `sha256sum` says of the file that `show --output` wrote, where that file is all there is. */
function fileDigest({ statement, parameters, spool }: RequestRecord): string | null {
  if (parameters.length > 0 || spool !== null) return null
  return createHash('sha256').update(statement).digest('hex')
}

function enter(
  request: RequestRecord,
  state: RequestState,
  now: number,
  entry: { by?: Person | null; why?: string | null; until?: number },
): Addition {
  const { by = null, why = null, until = null } = entry
  const full: StateEntry = {
    state,
    at: later(request, now),
    until,
    by: by && personOf(by),
    why: why || null,
  }
  return { add: 'state', entry: full }
}

/** A clock that was set back does not reorder what happened. */
function later(request: RequestRecord, now: number): number {
  return Math.max(now, request.history.at(-1)!.at)
}

function write(...additions: readonly Addition[]): Step {
  return { additions, refusal: null }
}

function refuse(refusal: HoopError): Step {
  return { additions: [], refusal }
}
