import { z } from 'zod'
import { ConnectionName, StatementClassName } from './common.ts'

/** POST /v1/explain: what would happen, without anything happening. */
export const Explain = z.strictObject({ connection: ConnectionName, sql: z.string().min(1) })

/** What is known of one statement, for people. */
export const ExplainFacts = z.object({
  class: StatementClassName,
  verb: z.string(),
  reads: z.array(z.string()),
  writes: z.array(z.string()),
  functions: z.array(z.string()),
  unbounded: z.boolean(),
  why: z.string(),
})

export const Explanation = z.object({
  class: StatementClassName,
  facts: z.array(ExplainFacts),
  decision: z.enum(['allow', 'hold', 'deny']),
  /** The rule that decided, as policy.yaml names it. */
  rule: z.string(),
  /** Why, where the rule does not say it all. */
  reason: z.string().nullable(),
  approvers: z.array(z.object({ group: z.string(), count: z.number().int().positive() })),
  /** Output columns whose values come back masked. */
  masked: z.array(z.string()),
})
export type Explanation = z.infer<typeof Explanation>
