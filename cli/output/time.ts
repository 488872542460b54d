import { EXIT, HoopError } from '../../protocol/errors.ts'

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `90s`, `10m`, `1h30m`, `2d`; a bare number is seconds. Milliseconds. */
export function parseDuration(text: string): number {
  if (/^\d+$/.test(text)) return checked(text, Number(text) * 1000)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.map(([part]) => part).join('') !== text || text === '') throw badDuration(text)
  const total = parts.reduce(
    (sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ''] ?? 0),
    0,
  )
  return checked(text, Math.round(total))
}

/** `12s`, `5m`, `3h`, `2d`: one unit is enough for a person. */
export function describeDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}h`
  return `${Math.round(seconds / 86_400)}d`
}

/** A clock that runs: `00:42`, `1:05:09`. */
export function describeClock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)}:${rest}`
}

/** Local time for eyes; JSON has UTC. `2026-11-22 07:03:09` */
export function describeTime(time: string): string {
  const date = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

export function since(time: string, now: number): string {
  return describeDuration(now - Date.parse(time))
}

function checked(text: string, ms: number): number {
  if (ms > 0 && Number.isSafeInteger(ms)) return ms
  throw badDuration(text)
}

function badDuration(text: string): HoopError {
  return new HoopError({
    code: 'usage',
    message: `${text} is not a length of time.`,
    hint: 'Write it like 30s, 10m, 1h30m or 2d.',
    exit: EXIT.usage,
    fault: 'client',
  })
}
