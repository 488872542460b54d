import { z } from 'zod'
import { Digest, Remark, RequestId, Time } from './common.ts'

/** Bytes of a policy or a connection's text. */
export const TEXT_LIMIT = 1024 * 1024
/** Bytes of a secret's value. */
export const VALUE_LIMIT = 16 * 1024

const text = z.string().min(1).max(TEXT_LIMIT)
/** For the faults: never opened by the broker. */
const file = z.string().min(1).max(1000)

export const SecretName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a secret is named by letters, digits, . _ and -')

/** POST /v1/policy, POST /v1/connections: the text that is to be in force. Answers a request. */
export const ApplyText = z.strictObject({ text, file, reason: Remark.min(1).optional() })
export type ApplyText = z.infer<typeof ApplyText>

/** POST /v1/secrets. Answers a request, in which the value is not. */
export const SetSecret = z.strictObject({
  name: SecretName,
  value: z.string().min(1),
  reason: Remark.min(1).optional(),
})
export type SetSecret = z.infer<typeof SetSecret>

/** GET /v1/policy: the text in force. */
export const PolicyInForce = z.object({
  version: z.number().int().positive(),
  digest: Digest,
  at: Time,
  /** Null: it came with the configuration file, at the first start. */
  request: RequestId.nullable(),
  authors: z.array(z.string()),
  text: z.string(),
})
export type PolicyInForce = z.infer<typeof PolicyInForce>

/** GET /v1/secrets: what there is, never what it is. */
export const SecretList = z.array(
  z.object({
    name: z.string(),
    version: z.number().int().positive(),
    at: Time,
    by: z.array(z.string()),
    request: RequestId,
  }),
)
export type SecretList = z.infer<typeof SecretList>
