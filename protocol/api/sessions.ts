import { z } from 'zod'
import { ConnectionName, Remark, SessionId, Time } from './common.ts'

/** What was decided in a session, or became of a request of it. */
export const SessionVerdict = z.enum([
  'allow',
  'hold',
  'deny',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'revoked',
  'executed',
])
export type SessionVerdict = z.infer<typeof SessionVerdict>

/** One place where a search found what it looked for. */
export const SessionMatch = z.object({
  entry: z.number().int().positive(),
  at: Time,
  kind: z.string(),
  /** The line that matches; long ones are cut around the match. */
  line: z.string(),
})
export type SessionMatch = z.infer<typeof SessionMatch>

export const SessionSummary = z.object({
  session: SessionId,
  user: z.string(),
  connection: z.string(),
  database: z.string(),
  started_at: Time,
  /** Null: it is live. */
  ended_at: Time.nullable(),
  verdicts: z.array(z.string()),
  matches: z.array(SessionMatch),
})
export type SessionSummary = z.infer<typeof SessionSummary>

/** GET /v1/sessions */
export const SessionQuery = z.object({
  user: z.string().min(1).max(320).optional(),
  connection: ConnectionName.optional(),
  since: Time.optional(),
  until: Time.optional(),
  verdict: SessionVerdict.optional(),
  table: z.string().min(1).max(200).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
})
export type SessionQuery = z.infer<typeof SessionQuery>

/** GET /v1/sessions/search?q=… */
export const SessionSearch = SessionQuery.extend({ q: z.string().max(4096) })
export type SessionSearch = z.infer<typeof SessionSearch>

export const SessionList = z.array(SessionSummary)

/** GET /v1/sessions/:id/entries, JSON lines. */
export const EntriesQuery = z.object({
  /** Entries up to this one are left out. */
  after: z.coerce.number().int().nonnegative().default(0),
  /** Goes on until the session ends. */
  follow: z.enum(['true', 'false']).default('false'),
})

const Row = z.array(z.string().nullable())
const Common = {
  entry: z.number().int().positive(),
  at: Time,
  /** Milliseconds since the session began. */
  ms: z.number().nonnegative(),
}
const report = {
  severity: z.string(),
  sqlstate: z.string(),
  message: z.string(),
  detail: z.string().nullable(),
  hint: z.string().nullable(),
}

/** One entry of a session's log, as people and scripts read it. */
export const SessionEntry = z.discriminatedUnion('kind', [
  z.object({
    ...Common,
    kind: z.literal('open'),
    session: z.string(),
    user: z.string(),
    issuer: z.string(),
    subject: z.string(),
    email: z.string().nullable(),
    groups: z.array(z.string()),
    remote: z.string(),
    connection: z.string(),
    database: z.string(),
    target: z.string(),
    client: z.array(z.string()),
    reason: z.string().nullable(),
    policy: z.string().nullable(),
  }),
  z.object({
    ...Common,
    kind: z.literal('statement'),
    ref: z.number(),
    /** `size` bytes; what is longer than 1 MB is cut here and whole in the raw file. */
    text: z.string(),
    size: z.number(),
    class: z.string(),
    verbs: z.array(z.string()),
    reads: z.array(z.string()),
    writes: z.array(z.string()),
    why: z.string().nullable(),
  }),
  z.object({
    ...Common,
    kind: z.literal('execute'),
    ref: z.number(),
    parameters: Row,
    decision: z.string(),
    rule: z.string(),
    request: z.string().nullable(),
    reason: z.string().nullable(),
    /** The version of the policy that decided; null: written before there were versions. */
    policy: z.number().nullable(),
  }),
  z.object({
    ...Common,
    kind: z.literal('request'),
    request: z.string(),
    state: z.string(),
    by: z.string().nullable(),
    comment: z.string().nullable(),
    policy: z.number().nullable(),
  }),
  z.object({
    ...Common,
    kind: z.literal('shape'),
    ref: z.number(),
    fields: z.array(z.object({ name: z.string(), type: z.string(), masked: z.boolean() })),
  }),
  z.object({
    ...Common,
    kind: z.literal('rows'),
    ref: z.number(),
    count: z.number(),
    rows: z.array(Row),
    /** COPY data, as text. */
    copy: z.string().nullable(),
    /** Rows too large to be shown; they are in the raw file. */
    large: z.number(),
  }),
  z.object({
    ...Common,
    kind: z.literal('complete'),
    ref: z.number(),
    command: z.string(),
    rows: z.number().nullable(),
    took_ms: z.number(),
  }),
  z.object({ ...Common, kind: z.literal('error'), ...report }),
  z.object({ ...Common, kind: z.literal('notice'), ...report }),
  z.object({ ...Common, kind: z.literal('parameter'), name: z.string(), value: z.string() }),
  z.object({
    ...Common,
    kind: z.literal('copy-in'),
    ref: z.number(),
    rows: z.number().nullable(),
    size: z.number(),
    digest: z.string(),
  }),
  z.object({
    ...Common,
    kind: z.literal('copy-data'),
    ref: z.number(),
    size: z.number(),
    copy: z.string(),
  }),
  z.object({ ...Common, kind: z.literal('other'), name: z.string(), detail: z.string() }),
  z.object({
    ...Common,
    kind: z.literal('found'),
    ref: z.number().nullable(),
    /** What was covered by detectors in which columns, and how often. */
    found: z.array(z.object({ where: z.string(), what: z.string(), count: z.number() })),
  }),
  z.object({ ...Common, kind: z.literal('torn'), size: z.number(), digest: z.string() }),
  z.object({ ...Common, kind: z.literal('close'), why: z.string() }),
  /** The log does not hold from here on; nothing after it can be trusted or shown. */
  z.object({ ...Common, kind: z.literal('damage'), reason: z.string() }),
])
export type SessionEntry = z.infer<typeof SessionEntry>

/** POST /v1/sessions/:id/kill */
export const KillSession = z.strictObject({ reason: Remark.min(1) })
export const Killed = z.object({ session: SessionId, killed: z.boolean() })

/** Answer header of the raw files: `<entries> <hash>`, where the broker has that log now. */
export const HEAD_HEADER = 'hoop-log-head'
/** Answer header of a session's raw file: `live` or `closed`. */
export const STATE_HEADER = 'hoop-log-state'
