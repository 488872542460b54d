import { parseSpan } from '../../protocol/calendar.ts'
import { parseDuration } from '../../protocol/units.ts'
import type { OnCall } from './on-call.ts'
import type { BreakGlassRule, Escalation, Need, WindowRule } from './policy.ts'
import type { PolicyFile } from './schema.ts'

type Raw = PolicyFile['connections'][string]

const HOUR = 3_600_000
const WINDOWS: WindowRule = {
  atMost: 8 * HOUR,
  classes: ['read', 'write', 'ddl', 'admin'],
  by: null,
}

/** Unsaid, whoever may approve the statements may approve a window for them. */
export function windowRule(raw: Raw['windows'], needs: ToNeeds): WindowRule | null {
  if (raw === undefined) return WINDOWS
  if (raw === 'deny') return null
  return {
    atMost: time(raw.at_most) ?? WINDOWS.atMost,
    classes: raw.classes ?? WINDOWS.classes,
    by: raw.by === undefined ? null : needs(raw.by),
  }
}

/** Unsaid, nobody may. */
export function breakGlassRule(raw: Raw['break_glass'], needs: ToNeeds): BreakGlassRule | null {
  if (raw === undefined) return null
  return {
    groups: raw.groups,
    lasts: time(raw.lasts) ?? HOUR,
    classes: raw.classes ?? ['write'],
    review: needs(raw.review),
  }
}

type RawHold = NonNullable<Raw['break_glass']>['review']
type ToNeeds = (raw: RawHold) => readonly Need[]

export function escalations(raw: Raw['escalate']): readonly Escalation[] {
  const steps = (raw ?? []).map(({ after, to }) => ({ after: time(after)!, to }))
  return steps.sort((a, b) => a.after - b.after)
}

export function reminder(raw: Raw['remind']): number | null {
  return time(raw)
}

export function onCallOf(raw: PolicyFile['on_call']): OnCall {
  return new Map(
    Object.entries(raw ?? {}).map(([group, turns]) => [
      group,
      turns.map(({ members, when, zone }) => ({ members, span: parseSpan(when, zone)! })),
    ]),
  )
}

function time(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text)
}
