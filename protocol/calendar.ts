/** Times that come back every week, by the clocks of a named time zone (IANA). */

/** `sat 22:00-02:00`: begins on these days, and ends a day later where the end is not behind the beginning. */
export interface WeeklySpan {
  /** Days on which it begins: Monday is 0. */
  readonly days: ReadonlySet<number>
  /** Minutes of the day, 0 to 1440. */
  readonly from: number
  readonly to: number
  readonly zone: string
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const SPAN = /^(\S+) (\d{2}):(\d{2})-(\d{2}):(\d{2})$/
const DAY_MINUTES = 1440
const MINUTE = 60_000

/** Null: not of the form `mon-fri 09:00-17:00`, `sat,sun 22:00-02:00`, `daily 00:00-24:00`, or no such zone. */
export function parseSpan(text: string, zone: string): WeeklySpan | null {
  const found = SPAN.exec(text.trim().toLowerCase())
  if (found === null || !isZone(zone)) return null
  const days = parseDays(found[1]!)
  const from = minutesOf(found[2]!, found[3]!)
  const to = minutesOf(found[4]!, found[5]!)
  if (days === null || from === null || to === null || from === to || from === DAY_MINUTES)
    return null
  return { days, from, to, zone }
}

export function isZone(zone: string): boolean {
  return clockOf(zone) !== null
}

/** By wall clock: an hour that a change of the clocks repeats is in it twice, one that it skips is not. */
export function contains(span: WeeklySpan, at: number): boolean {
  const { day, minute } = wallTime(span.zone, at)
  const { from, to, days } = span
  if (from < to) return days.has(day) && minute >= from && minute < to
  return (days.has(day) && minute >= from) || (days.has((day + 6) % 7) && minute < to)
}

/** Epoch milliseconds at which the occurrence that holds `at` is over; `at` where none does. */
export function endsAt(span: WeeklySpan, at: number): number {
  if (!contains(span, at)) return at
  let end = Math.floor(at / MINUTE) * MINUTE + MINUTE
  // A week later it is over in any case, or it never ends: then a week is as good an answer.
  const last = at + 7 * DAY_MINUTES * MINUTE
  while (end < last && contains(span, end)) end += MINUTE
  return end
}

function parseDays(text: string): ReadonlySet<number> | null {
  if (text === 'daily') return new Set([0, 1, 2, 3, 4, 5, 6])
  const days = new Set<number>()
  for (const part of text.split(',')) {
    const [first, last = first, ...more] = part
      .split('-')
      .map((name) => DAYS.indexOf(name as never))
    if (first === undefined || first < 0 || last === undefined || last < 0 || more.length > 0)
      return null
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === last) break
    }
  }
  return days
}

function minutesOf(hours: string, minutes: string): number | null {
  const all = Number(hours) * 60 + Number(minutes)
  return Number(minutes) < 60 && all <= DAY_MINUTES ? all : null
}

const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(zone: string): Intl.DateTimeFormat | null {
  const known = clocks.get(zone)
  if (known !== undefined) return known
  // A named zone only: an offset like +02:00 knows no summer.
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(zone)) return null
  try {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit' } as const
    const clock = new Intl.DateTimeFormat('en-US', { ...parts, hourCycle: 'h23', timeZone: zone })
    clocks.set(zone, clock)
    return clock
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function wallTime(zone: string, at: number): { readonly day: number; readonly minute: number } {
  const clock = clockOf(zone)
  if (clock === null) throw new RangeError(`there is no time zone ${zone}`)
  let [day, hour, minute] = [0, 0, 0]
  for (const { type, value } of clock.formatToParts(at)) {
    if (type === 'weekday') day = DAYS.indexOf(value.toLowerCase() as (typeof DAYS)[number])
    else if (type === 'hour') hour = Number(value)
    else if (type === 'minute') minute = Number(value)
  }
  return { day, minute: hour * 60 + minute }
}
