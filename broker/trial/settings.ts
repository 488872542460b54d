/** Parts of a policy that no recorded statement shows: who may skip the wait, or decide after a silence. */
import type { Replayed } from '../../protocol/api/trial.ts'
import { canonical } from '../policy/canonical.ts'
import type { BreakGlassRule, ConnectionPolicy, Policy, WindowRule } from '../policy/policy.ts'
import { asksLess } from './looser.ts'

type Changed = Replayed['settings'][number]

export function changedSettings(before: ConnectionPolicy, after: ConnectionPolicy): Changed[] {
  const { connection } = before
  const all: readonly (readonly [string, unknown, unknown, boolean])[] = [
    ['windows', before.windows, after.windows, widensWindows(before.windows, after.windows)],
    [
      'break_glass',
      before.breakGlass,
      after.breakGlass,
      widensEmergency(before.breakGlass, after.breakGlass),
    ],
    ['escalate', before.escalate, after.escalate, widensEscalation(before, after)],
    ['separate', before.separate, after.separate, separatesLess(before, after)],
  ]
  return all.flatMap(([setting, from, to, looser]) =>
    canonical(from) === canonical(to) ? [] : [{ connection, setting, looser }],
  )
}

/** Who is on call decides: no two schedules are compared. */
export function changedOnCall(before: Policy, after: Policy): Changed[] {
  if (canonical(before.onCall) === canonical(after.onCall)) return []
  return [{ connection: null, setting: 'on_call', looser: true }]
}

function widensWindows(from: WindowRule | null, to: WindowRule | null): boolean {
  if (to === null) return false
  if (from === null || to.atMost > from.atMost || !isWithin(to.classes, from.classes)) return true
  if (from.by === null || to.by === null) return from.by !== to.by
  return asksLess([from.by], [to.by])
}

function widensEmergency(from: BreakGlassRule | null, to: BreakGlassRule | null): boolean {
  if (to === null) return false
  if (from === null || to.lasts > from.lasts || asksLess([from.review], [to.review])) return true
  return !isWithin(to.groups, from.groups) || !isWithin(to.classes, from.classes)
}

function widensEscalation(from: ConnectionPolicy, to: ConnectionPolicy): boolean {
  return to.escalate.some(
    (one) => !from.escalate.some((known) => known.to === one.to && known.after <= one.after),
  )
}

function separatesLess(from: ConnectionPolicy, to: ConnectionPolicy): boolean {
  const kept = new Set(to.separate.map(canonical))
  return from.separate.some((one) => !kept.has(canonical(one)))
}

function isWithin(some: readonly string[], all: readonly string[]): boolean {
  return some.every((one) => all.includes(one))
}
