import { z } from 'zod'
import { Time } from './common.ts'

/** One thing that was looked at. */
export const Check = z.object({
  name: z.string(),
  status: z.enum(['ok', 'warn', 'fail']),
  /** What was found, one sentence. */
  message: z.string(),
  /** What to do; null where nothing need be done. */
  hint: z.string().nullable(),
})
export type Check = z.infer<typeof Check>

/** GET /v1/doctor: what the broker sees of its own surroundings; admins see the target's details. */
export const Diagnosis = z.object({ time: Time, version: z.string(), checks: z.array(Check) })
export type Diagnosis = z.infer<typeof Diagnosis>
