import { z } from 'zod'
import { ConnectionName, Time } from './common.ts'

const PolicyText = {
  /** The policy that is tried; it need not be in force. */
  policy: z.string().max(1_000_000),
  /** What it is called, for the places of its rules. */
  file: z.string().min(1).max(500),
}
const Decision = z.enum(['allow', 'hold', 'deny'])
const Needs = z.array(z.object({ group: z.string(), count: z.number().int().positive() }))

/** POST /v1/policy/test: each case against the real catalogue, by a policy that need not be in force. */
export const TestPolicy = z.strictObject({
  ...PolicyText,
  cases: z
    .array(
      z.strictObject({
        groups: z.array(z.string().max(200)).max(100),
        connection: ConnectionName,
        database: z.string().max(63).nullable(),
        sql: z.string(),
      }),
    )
    .max(5_000),
})
export type TestPolicy = z.infer<typeof TestPolicy>

export const Tested = z.array(
  z.object({
    decision: Decision,
    rule: z.string(),
    places: z.array(z.string()),
    reason: z.string().nullable(),
    needs: Needs,
    /** All ways to approve it. */
    ways: z.array(Needs),
    masked: z.array(z.string()),
  }),
)
export type Tested = z.infer<typeof Tested>

/** POST /v1/policy/replay: a policy over what was recorded; answers with JSON lines. */
export const ReplayPolicy = z.strictObject({
  ...PolicyText,
  since: Time,
  connection: ConnectionName.nullable(),
})
export type ReplayPolicy = z.infer<typeof ReplayPolicy>

const Example = z.object({
  session: z.string(),
  entry: z.number().int(),
  at: Time,
  user: z.string(),
  /** Its beginning, where it is long. */
  statement: z.string(),
})

const Side = z.object({
  decision: Decision,
  rule: z.string(),
  places: z.array(z.string()),
  needs: Needs,
  /** Where there are several ways to approve it: all of them, `needs` first. */
  alternatives: z.array(Needs).default([]),
})

/** Statements that the candidate decides otherwise than the policy in force. */
export const Flip = z.object({
  connection: z.string(),
  from: Side,
  to: Side,
  looser: z.boolean(),
  count: z.number().int().positive(),
  examples: z.array(Example),
})
export type Flip = z.infer<typeof Flip>

/** A column (or what a detector finds) that is shown otherwise. */
export const Shown = z.object({
  connection: z.string(),
  column: z.string(),
  from: z.string(),
  to: z.string(),
  looser: z.boolean(),
  /** How many recorded statements showed it; null: that is not counted. */
  count: z.number().int().nonnegative().nullable(),
})
export type Shown = z.infer<typeof Shown>

export const Replayed = z.object({
  event: z.literal('replayed'),
  since: Time,
  policy_version: z.number().int(),
  sessions: z.number().int(),
  statements: z.number().int(),
  /** Flips that did not fit in the list. */
  more_flips: z.number().int(),
  flips: z.array(Flip),
  shown: z.array(Shown),
  /** Groups whose members may use a connection from now on, or no more. */
  requesters: z.array(z.object({ connection: z.string(), group: z.string(), looser: z.boolean() })),
  /** What else the connection's part says otherwise: windows, break_glass, … */
  settings: z.array(
    z.object({ connection: z.string().nullable(), setting: z.string(), looser: z.boolean() }),
  ),
  approvals_per_week: z.array(
    z.object({ group: z.string(), before: z.number(), after: z.number() }),
  ),
  looser: z.boolean(),
  /** What limits the answer, one sentence each. */
  notes: z.array(z.string()),
})
export type Replayed = z.infer<typeof Replayed>

export const ReplayEvent = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('progress'),
    sessions: z.number().int(),
    of: z.number().int(),
    statements: z.number().int(),
  }),
  Replayed,
])
export type ReplayEvent = z.infer<typeof ReplayEvent>
