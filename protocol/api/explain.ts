import { z } from 'zod'
import { ConnectionName, StatementClassName } from './common.ts'

/** POST /v1/explain: what would happen, without anything happening. */
export const Explain = z.strictObject({ connection: ConnectionName, sql: z.string().min(1) })

/** What is known of one statement, for people. */
export const ExplainFacts = z.object({
  class: StatementClassName,
  verb: z.string(),
  /** `create`, `drop`, … */
  ddl: z.string().nullable(),
  /** What it names. */
  reads: z.array(z.string()),
  writes: z.array(z.string()),
  /** What it reaches, behind views, rules and functions, children included. */
  tables_read: z.array(z.string()),
  tables_written: z.array(z.string()),
  columns_read: z.array(z.string()),
  columns_written: z.array(z.string()),
  functions: z.array(z.object({ name: z.string(), volatility: z.string(), harmless: z.boolean() })),
  /** UPDATE or DELETE that nothing bounds, TRUNCATE. */
  unbounded: z.boolean(),
  /** It runs code that hoop cannot read. */
  opaque: z.boolean(),
  predicates: z.array(
    z.object({
      use: z.string(),
      columns: z.array(z.string()),
      /** With how many values they are compared. */
      guesses: z.number().int(),
      /** True: of columns that are masked. */
      masked: z.boolean(),
    }),
  ),
  /** The columns of its result; null: not known, or none. */
  output: z
    .array(
      z.object({
        name: z.string(),
        origins: z.array(z.string()),
        /** How it is masked; null: not at all. */
        mask: z.string().nullable(),
      }),
    )
    .nullable(),
  why: z.string(),
})
export type ExplainFacts = z.infer<typeof ExplainFacts>

const AskedOf = z.object({ group: z.string(), count: z.number().int().positive() })

export const Explanation = z.object({
  class: StatementClassName,
  facts: z.array(ExplainFacts),
  decision: z.enum(['allow', 'hold', 'deny']),
  /** The rule that decided, as policy.yaml names it. */
  rule: z.string(),
  /** Of the policy that it was made under. */
  policy_version: z.number().int().positive(),
  /** Where these rules stand: `policy.yaml:5`; empty: a default of hoop's. */
  places: z.array(z.string()),
  /** Why, where the rule does not say it all. */
  reason: z.string().nullable(),
  approvers: z.array(AskedOf),
  /** All ways to approve it, each enough by itself, `approvers` first; empty: there is that one. */
  alternatives: z.array(z.array(AskedOf)).default([]),
  /** Output columns whose values come back masked. */
  masked: z.array(z.string()),
})
export type Explanation = z.infer<typeof Explanation>
