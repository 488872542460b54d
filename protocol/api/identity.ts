import { z } from 'zod'
import { Time } from './common.ts'

/** GET /v1/discovery, the only call without a login: what `hoop login --broker URL` must know. */
export const Discovery = z.object({
  name: z.literal('hoop'),
  version: z.string(),
  issuer: z.url(),
  client_id: z.string(),
  audience: z.string(),
  scopes: z.array(z.string()),
  /** True: the provider is the demo's own, and `login --as` may drive it. */
  demo: z.boolean(),
})
export type Discovery = z.infer<typeof Discovery>

export const RoleName = z.enum(['requester', 'approver', 'auditor', 'admin'])

/** GET /v1/whoami: who the broker takes the caller for. */
export const Whoami = z.object({
  issuer: z.string(),
  subject: z.string(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  roles: z.array(RoleName),
  expires_at: Time,
})
export type Whoami = z.infer<typeof Whoami>
