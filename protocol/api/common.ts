import { z } from 'zod'

/** RFC 3339 in UTC: `2026-11-22T05:51:00.000Z`. */
export const Time = z.iso.datetime()

/** `r-` and ten characters of Crockford's base32 in lower case (no i, l, o, u). */
export const RequestId = z.string().regex(/^r-[0-9a-hjkmnp-tv-z]{10}$/, 'not a request id')

export const SessionId = z.string().regex(/^s-[0-9a-hjkmnp-tv-z]{10}$/, 'not a session id')

/** SHA-256 in hex. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hex')

/** Names of connections: they stand in URLs, file names and terminals. */
export const ConnectionName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'not a connection name')

/** Text that a person writes about a decision: shown to others, recorded. */
export const Remark = z.string().trim().max(4096)

export const StatementClassName = z.enum([
  'read',
  'write',
  'ddl',
  'admin',
  'session',
  'transaction',
  'unknown',
])

/** What every failed call answers, with the exit code that the CLI ends with. */
export const Problem = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
    exit: z.number().int().min(1).max(8),
  }),
})
export type Problem = z.infer<typeof Problem>
