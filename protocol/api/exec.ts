import { z } from 'zod'
import { ConnectionName, Problem, Remark, RequestId } from './common.ts'
import { Request } from './requests.ts'

/** Bytes of a statement that POST /v1/exec takes. */
export const STATEMENT_LIMIT = 64 * 1024 * 1024

/** POST /v1/exec: new SQL, or the id of an approved request that is to run now. */
export const Exec = z.union([
  z.strictObject({
    connection: ConnectionName,
    database: z.string().min(1).max(63).optional(),
    sql: z.string().min(1),
    reason: Remark.optional(),
    /** In an emergency: without waiting for anybody, and to be reviewed. */
    break_glass: z.boolean().optional(),
    /** False: a held one stays pending and the call ends at once. */
    wait: z.boolean().default(true),
    /** Milliseconds to wait for a decision; absent: until it expires. */
    wait_ms: z.number().int().positive().optional(),
  }),
  z.strictObject({ request: RequestId }),
])
export type Exec = z.infer<typeof Exec>

export const ExecField = z.object({ name: z.string(), type: z.string(), masked: z.boolean() })

/** One statement's result. */
export const ExecResult = z.object({
  /** The command tag's word: SELECT, UPDATE. */
  command: z.string(),
  row_count: z.number().int().nullable(),
  fields: z.array(ExecField),
  rows: z.array(z.array(z.string().nullable())),
})
export type ExecResult = z.infer<typeof ExecResult>

/**
 * The answer is JSON lines, so that the person learns at once that something is held, and a large
 * result needs no memory: `result` opens a statement's result, `rows` carries batches of it,
 * `complete` ends it. The last line is always `done` or `error`.
 */
export const ExecEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('held'), request: Request, asked: z.array(z.string()) }),
  z.object({ event: z.literal('approved'), request: RequestId, by: z.string() }),
  /** The caller shows a fresh token, by any call, or nothing runs. */
  z.object({ event: z.literal('prove') }),
  z.object({ event: z.literal('result'), fields: z.array(ExecField) }),
  z.object({ event: z.literal('rows'), rows: z.array(z.array(z.string().nullable())) }),
  z.object({
    event: z.literal('complete'),
    command: z.string(),
    row_count: z.number().int().nullable(),
  }),
  z.object({ event: z.literal('notice'), severity: z.string(), message: z.string() }),
  z.object({ event: z.literal('done'), request: RequestId.nullable() }),
  z.object({
    event: z.literal('error'),
    error: Problem.shape.error.extend({
      /** Of the target's error. */
      sqlstate: z.string().nullable().optional(),
    }),
    /** As it stands now: pending when the waiting ran out. */
    request: Request.nullable(),
  }),
])
export type ExecEvent = z.infer<typeof ExecEvent>

/** What `hoop exec --json` prints. */
export interface ExecOutcome {
  readonly request: Request | null
  readonly results: readonly ExecResult[]
}
