import { z } from 'zod'
import { ConnectionName, Digest, Remark, RequestId, SessionId, Time } from './common.ts'

export const RequestState = z.enum([
  'pending',
  'approved',
  'executed',
  'rejected',
  'expired',
  'cancelled',
  'revoked',
])
export type RequestState = z.infer<typeof RequestState>

export const Decision = z.object({
  by: z.string(),
  verdict: z.enum(['approve', 'reject', 'cancel', 'revoke']),
  comment: z.string().nullable(),
  at: Time,
})

export const Need = z.object({
  group: z.string(),
  count: z.number().int().positive(),
  have: z.number().int().nonnegative(),
})

export const Outcome = z.object({
  status: z.enum(['ok', 'error', 'unknown']),
  sqlstate: z.string().nullable(),
  rows: z.number().int().nullable(),
})

/** The middle of a long text is left out; `size` and `digest` speak for the whole. */
export const Cut = z.object({
  /** Bytes of the whole statement and its parameters. */
  size: z.number().int().nonnegative(),
  /** The last characters; `statement` then holds the first ones. */
  tail: z.string(),
})

/** What was spooled of a COPY FROM STDIN. */
export const Spooled = z.object({
  rows: z.number().int().nonnegative().nullable(),
  size: z.number().int().nonnegative(),
  first_rows: z.array(z.string()),
  digest: Digest,
})

/** How often the same text of the same person was rejected on the same connection before. */
export const Rejections = z.object({
  count: z.number().int().nonnegative(),
  last: z.object({ by: z.string(), at: Time, reason: z.string().nullable() }).nullable(),
})

/** Asked by who may decide, answered by the requester; neither changes anything. */
export const Question = z.object({
  part: z.enum(['question', 'answer']),
  by: z.string(),
  text: z.string(),
  at: Time,
})
export type Question = z.infer<typeof Question>

/** What is known of a statement in it. */
export const RequestFacts = z.object({
  class: z.string(),
  verb: z.string(),
  reads: z.array(z.string()),
  writes: z.array(z.string()),
  functions: z.array(z.string()),
  unbounded: z.boolean(),
  ddl: z.string().nullable(),
  why: z.string(),
  /** Of the policy: what held it. */
  rule: z.string().default(''),
})
export type RequestFacts = z.infer<typeof RequestFacts>

/** An earlier request that differs in values and comments alone, and what became of it. */
export const Similar = z.object({
  id: RequestId,
  requester: z.string(),
  state: RequestState,
  created_at: Time,
  /** Who decided, and what they said; null: nobody, nothing. */
  by: z.string().nullable(),
  comment: z.string().nullable(),
})
export type Similar = z.infer<typeof Similar>

/** A request: exactly what will run, for whom, and what became of it. */
export const Request = z.object({
  id: RequestId,
  kind: z.string(),
  state: RequestState,
  requester: z.string(),
  connection: ConnectionName,
  database: z.string(),
  session: SessionId.nullable(),
  statement: z.string(),
  /** Null: `statement` is whole. */
  cut: Cut.nullable(),
  parameters: z.array(z.string().nullable()),
  class: z.string(),
  effect: z.string(),
  digest: Digest,
  /** Of the policy that it was made under. */
  policy_version: z.number().int().positive(),
  reason: z.string().nullable(),
  in_transaction: z.boolean(),
  spooled: Spooled.nullable(),
  created_at: Time,
  /** When it ends by itself; null: never (any more). */
  expires_at: Time.nullable(),
  needs: z.array(Need),
  /** All ways to approve it, each enough by itself, `needs` first; empty: there is that one. */
  alternatives: z.array(z.array(Need)).default([]),
  decisions: z.array(Decision),
  outcome: Outcome.nullable(),
  /** Null: not looked up (lists, answers to a decision). */
  rejected_before: Rejections.nullable(),
  /** In the order in which they were said. */
  questions: z.array(Question),
  /** Of each statement; null: nobody understands it. Empty: there is none. */
  facts: z.array(RequestFacts.nullable()),
  /** The latest like it on the same connection; null: not looked up. */
  similar: z.array(Similar).nullable(),
})
export type Request = z.infer<typeof Request>

export const RequestList = z.array(Request)

/** GET /v1/requests?view=… */
export const RequestQuery = z.object({
  view: z.enum(['inbox', 'mine', 'all']).default('inbox'),
  connection: ConnectionName.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
})

/** GET /v1/requests/watch?view=… */
export const WatchQuery = RequestQuery.pick({ view: true })

/** POST /v1/requests/:id/approve */
export const Approve = z.strictObject({
  comment: Remark.optional(),
  /** Of the whole of what will run; required where `cut` is not null. */
  digest: Digest.optional(),
  max_rows: z.number().int().positive().optional(),
})
export type Approve = z.infer<typeof Approve>

/** POST /v1/requests/:id/reject: without a reason nobody learns anything. */
export const Reject = z.strictObject({ reason: Remark.min(1) })

/** POST /v1/requests/:id/ask and …/answer */
export const Say = z.strictObject({ text: Remark.min(1) })

/** POST /v1/requests/:id/cancel */
export const Cancel = z.strictObject({ reason: Remark.optional() })

/** One line of GET /v1/requests/watch (JSON lines): a request that is new or has changed. */
export const RequestChange = z.object({ event: z.literal('request'), request: Request })
export type RequestChange = z.infer<typeof RequestChange>

/** GET /v1/requests/:id/sod: who could decide this, who could not, and why. */
export const Duties = z.object({
  request: RequestId,
  requester: z.string(),
  state: RequestState,
  needs: z.array(Need),
  alternatives: z.array(z.array(Need)).default([]),
  /** Rules that hold for everybody, as sentences. */
  rules: z.array(z.string()),
  /** Persons whom the broker knows of, the caller first. */
  people: z.array(
    z.object({
      person: z.string(),
      may: z.boolean(),
      why: z.string(),
      you: z.boolean(),
      /** Other accounts of the same person, machine identities that they own among them. */
      also: z.array(z.string()).default([]),
      machine: z.boolean().default(false),
    }),
  ),
})
export type Duties = z.infer<typeof Duties>
