/**
 * The same text for what means the same, whatever the order of its keys. `places` say where
 * something stands in a file, and mean nothing.
 */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (key === 'places') return undefined
    if (inner instanceof Map) return sorted(Object.fromEntries(inner))
    const isPlain = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    return isPlain ? sorted(inner) : inner
  })
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
