import { Flags } from '@oclif/core'
import { SessionVerdict } from '../../protocol/api/sessions.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { parseDuration } from '../output/time.ts'

/** Flags of `sessions list` and `sessions search`. */
export const filterFlags = {
  user: Flags.string({ description: 'of this person (e-mail or subject)', helpValue: 'USER' }),
  connection: Flags.string({ description: 'over this connection', helpValue: 'NAME' }),
  since: Flags.string({ description: 'from then on: 2h, 7d, 2026-11-22, …', helpValue: 'TIME' }),
  until: Flags.string({ description: 'up to then', helpValue: 'TIME' }),
  verdict: Flags.string({
    description: 'with a decision of this kind: allow, hold, deny, approved, rejected, …',
    helpValue: 'VERDICT',
  }),
  table: Flags.string({ description: 'that touched this table', helpValue: 'TABLE' }),
  limit: Flags.integer({ description: 'at most so many', default: 50, min: 1, max: 1000 }),
}

export interface FilterValues {
  readonly user?: string | undefined
  readonly connection?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly verdict?: string | undefined
  readonly table?: string | undefined
  readonly limit: number
}

export function filterQuery(values: FilterValues, now: number) {
  const { user, connection, table, limit } = values
  const since = timeOf(values.since, now)
  const until = timeOf(values.until, now)
  return { user, connection, since, until, verdict: verdictOf(values.verdict), table, limit }
}

const SYNONYMS: Readonly<Record<string, SessionVerdict>> = {
  allowed: 'allow',
  held: 'hold',
  denied: 'deny',
  approve: 'approved',
  reject: 'rejected',
}

function verdictOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const verdict = SessionVerdict.safeParse(SYNONYMS[text] ?? text)
  if (verdict.success) return verdict.data
  throw usage(`${text} is no verdict.`, `Verdicts are ${SessionVerdict.options.join(', ')}.`)
}

/** A length of time ago, a day, or a moment. */
export function timeOf(text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined
  if (/^\d+(\.\d+)?(ms|s|m|h|d)/.test(text))
    return new Date(now - parseDuration(text)).toISOString()
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return new Date(at).toISOString()
  throw usage(`${text} is no time.`, 'Write it like 2h, 7d, 2026-11-22 or 2026-11-22T06:00:00Z.')
}

function usage(message: string, hint: string): HoopError {
  return new HoopError({ code: 'usage', message, hint, exit: EXIT.usage, fault: 'client' })
}
