import { z } from 'zod'
import { WindowClassName } from '../../protocol/api/windows.ts'
import { isZone, parseSpan } from '../../protocol/calendar.ts'
import { parseDuration } from '../../protocol/units.ts'

/** What a policy says of time: windows, emergencies, silence, and who is on call. */

const DURATION = 'write a time like 10m, 1h30m or 2d'
const duration = z
  .string({ error: DURATION })
  .refine((text) => (parseDuration(text) ?? 0) > 0, DURATION)

const CLASS = `a window opens ${WindowClassName.options.join(', ')}`
const classes = z
  .array(z.enum(WindowClassName.options, { error: CLASS }), { error: CLASS })
  .min(1, CLASS)

/** Keys of a connection; `hold` and `group` are what the other rules take. */
export function timeKeys<H extends z.ZodType, G extends z.ZodType>(hold: H, group: G) {
  const windows = z.union(
    [
      z.literal('deny'),
      z.strictObject({
        at_most: duration.optional(),
        classes: classes.optional(),
        by: hold.optional(),
      }),
    ],
    { error: 'windows is deny, or a map: {at_most: 2h, classes: [write], by: dba}' },
  )
  const breakGlass = z.strictObject(
    {
      groups: z
        .array(group, { error: 'write the groups whose members may do it: [oncall]' })
        .min(1, 'name the groups whose members may do it'),
      lasts: duration.optional(),
      classes: classes.optional(),
      review: hold,
    },
    { error: 'break_glass has groups, lasts, classes and review: {groups: [oncall], review: dba}' },
  )
  const ESCALATE = 'write after which silence who may decide, too: [{after: 10m, to: oncall}]'
  const escalate = z
    .array(z.strictObject({ after: duration, to: group }, { error: ESCALATE }), { error: ESCALATE })
    .max(3, 'three steps are the most')
  return {
    windows: windows.optional(),
    break_glass: breakGlass.optional(),
    remind: duration.optional(),
    escalate: escalate.optional(),
  }
}

const ON_CALL = "write whose turn is when: {members: dba, when: 'mon-fri 09:00-17:00', zone: UTC}"
const WHEN =
  "when is a span of the week: 'mon-fri 09:00-17:00', 'sat,sun 22:00-02:00', 'daily 00:00-24:00'"

/** Groups whose members are those of another group, for as long as it is their turn. */
export function onCallSchema<G extends z.ZodType<string>>(group: G) {
  const turn = z.strictObject(
    {
      members: group,
      when: z.string({ error: ON_CALL }).refine((text) => parseSpan(text, 'UTC') !== null, WHEN),
      zone: z
        .string({ error: ON_CALL })
        .refine(isZone, 'a zone is named as in Europe/Berlin or UTC'),
    },
    { error: ON_CALL },
  )
  return z.record(
    group as z.ZodType<string> & z.core.$ZodRecordKey,
    z.array(turn, { error: ON_CALL }).min(1, ON_CALL).max(100),
    {
      error: 'on_call maps a group to the turns of its members',
    },
  )
}
