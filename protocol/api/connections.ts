import { z } from 'zod'
import { ConnectionName } from './common.ts'

const AskedOf = z.object({ group: z.string(), count: z.number().int().positive() })

/** What the policy says of one class of statement, before anything is asked. */
export const ClassRule = z.object({
  decision: z.enum(['allow', 'hold', 'deny']),
  needs: z.array(AskedOf),
  /** All ways to approve it, each enough by itself, `needs` first; empty: there is that one. */
  alternatives: z.array(z.array(AskedOf)).default([]),
})
export type ClassRule = z.infer<typeof ClassRule>

export const MaskedColumn = z.object({
  column: z.string(),
  how: z.enum(['redact', 'partial', 'hash', 'null']),
})

/** A connection as its caller may know it: no host, no user, no secret of the target. */
export const Connection = z.object({
  name: ConnectionName,
  kind: z.enum(['postgres']),
  classes: z.record(z.string(), ClassRule),
  masked: z.array(MaskedColumn),
  databases: z.array(z.string()).min(1),
})
export type Connection = z.infer<typeof Connection>

/** GET /v1/connections: those that the caller may request on. */
export const ConnectionList = z.array(Connection)
