import { z } from 'zod'
import { ConnectionName, Remark } from './common.ts'

export const WindowClassName = z.enum(['read', 'write', 'ddl', 'admin'])

/** What a window opens, as it is asked for and as it is shown. */
export const WindowTerms = z.object({
  classes: z.array(WindowClassName).min(1),
  /** Where it may write; null: anywhere. */
  tables: z.array(z.string().min(1).max(200)).min(1).max(100).nullable(),
  /** Rows that all its statements together may change; null: not bounded. */
  max_rows: z.number().int().positive().nullable(),
  /** Milliseconds from the approval to the end. */
  for_ms: z.number().int().positive(),
  /** Only in these spans of the week: `sat 22:00-02:00` in `Europe/Berlin`; null: all the time. */
  every: z.object({ span: z.string().max(100), zone: z.string().max(100) }).nullable(),
})
export type WindowTerms = z.infer<typeof WindowTerms>

/** POST /v1/requests: a time-boxed window. */
export const AskWindow = z.strictObject({
  connection: ConnectionName,
  window: WindowTerms,
  reason: Remark.min(1),
})
export type AskWindow = z.infer<typeof AskWindow>

/** POST /v1/requests/:id/revoke */
export const Revoke = z.strictObject({ reason: Remark.optional() })
