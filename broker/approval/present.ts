import { type Request, RequestFacts } from '../../protocol/api/requests.ts'
import { openWays } from '../store/requests.ts'
import type { Rejections, RequestRecord } from '../store/store.ts'
import { nameOf } from './person.ts'
import { progress } from './seats.ts'

/** What else is told to somebody who looks at one request alone. */
export interface Past {
  readonly before: Rejections
  /** Earlier ones of its kind that this person may see. */
  readonly similar: readonly RequestRecord[]
}

/** A request as the API and `--json` show it at `now`; `past` where somebody looks at this one alone. */
export function presentRequest(
  record: RequestRecord,
  now: number,
  past: Past | null = null,
): Request {
  const { id, kind, state, connection, database, session, statement, effect, digest } = record
  return {
    id,
    kind,
    state,
    requester: nameOf(record.requester),
    connection,
    database,
    session,
    statement,
    cut: record.tail === null ? null : { size: record.size, tail: record.tail },
    parameters: [...record.parameters],
    class: record.class,
    effect,
    digest,
    policy_version: record.policyVersion,
    reason: record.reason,
    in_transaction: record.inTransaction,
    spooled: presentSpool(record),
    created_at: time(record.createdAt),
    expires_at: time(record.expiresAt),
    ...presentNeeds(record, now),
    decisions: presentDecisions(record),
    outcome: presentOutcome(record),
    rejected_before: past === null ? null : presentRejections(past.before),
    questions: record.questions.map(({ part, by, text, at }) => ({
      ...{ part, by: nameOf(by), text, at: time(at) },
    })),
    facts: presentFacts(record.facts),
    similar: past === null ? null : past.similar.map(presentSimilar),
  }
}

/** All ways to approve it stand in `alternatives`, where there are several; those that count later when they do. */
export function presentNeeds(
  record: RequestRecord,
  now: number,
): Pick<Request, 'needs' | 'alternatives'> {
  const ways = openWays(record, now)
  const [first, ...more] = ways.map(({ needs }) => [...progress(needs, record.decisions)])
  const needs = first ?? []
  return { needs, alternatives: more.length === 0 ? [] : [needs, ...more] }
}

/** The decisions of people, and who took it back. */
function presentDecisions(record: RequestRecord): Request['decisions'] {
  const made = record.decisions.map(({ by, verdict, comment, at }) => ({
    by: nameOf(by),
    verdict,
    comment,
    at: time(at),
  }))
  const last = record.history.at(-1)!
  if (last.state !== 'cancelled') return made
  const by = last.by === null ? 'hoop' : nameOf(last.by)
  return [...made, { by, verdict: 'cancel' as const, comment: last.why, at: time(last.at) }]
}

/** Requests that hold no statement keep other facts, or none. */
function presentFacts(facts: unknown): Request['facts'] {
  if (!Array.isArray(facts)) return []
  return facts.map((each) => RequestFacts.safeParse(each).data ?? null)
}

function presentSimilar(record: RequestRecord): NonNullable<Request['similar']>[number] {
  const { id, requester, state, createdAt, decisions } = record
  const last = decisions.at(-1)
  return {
    id,
    requester: nameOf(requester),
    state,
    created_at: time(createdAt),
    by: last === undefined ? null : nameOf(last.by),
    comment: last?.comment ?? null,
  }
}

function presentSpool({ spool }: RequestRecord): Request['spooled'] {
  if (spool === null) return null
  const { rows, size, firstRows, digest } = spool
  return { rows, size, first_rows: [...firstRows], digest }
}

function presentRejections({ count, last }: Rejections): Request['rejected_before'] {
  if (last === null) return { count, last: null }
  const by = last.by === null ? 'hoop' : nameOf(last.by)
  return { count, last: { by, at: time(last.at), reason: last.why } }
}

function presentOutcome({ outcome }: RequestRecord): Request['outcome'] {
  if (outcome === null) return null
  return { status: outcome.status, sqlstate: outcome.sqlstate, rows: outcome.rows }
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
