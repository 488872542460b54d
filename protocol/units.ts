const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const BYTES = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 } as const

/** `90s`, `10m`, `1h30m`, `2d` in milliseconds; null: not a duration. */
export function parseDuration(text: string): number | null {
  if (!/^(\d{1,9}(ms|s|m|h|d))+$/.test(text)) return null
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d)/g)]
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * MS[unit as keyof typeof MS], 0)
}

/** `512MB`, `2GB` in bytes; null: not a size. */
export function parseSize(text: string): number | null {
  const found = /^(\d{1,9})(B|kB|MB|GB)$/.exec(text)
  return found && Number(found[1]) * BYTES[found[2] as keyof typeof BYTES]
}

/** `1h30m`: what parseDuration reads; milliseconds, of which parts of a second are not shown. */
export function showDuration(ms: number): string {
  let left = Math.max(0, Math.floor(ms / 1000)) * 1000
  if (left === 0) return '0s'
  const parts: string[] = []
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(left / MS[unit])
    if (count > 0) parts.push(`${count}${unit}`)
    left -= count * MS[unit]
  }
  return parts.join('')
}
