import { existsSync, readFileSync } from 'node:fs'

/** Of package.json, which stands above the sources and above dist/. */
export function version(): string {
  const places = ['../../package.json', '../../../package.json'].map(
    (p) => new URL(p, import.meta.url),
  )
  const place = places.find((url) => existsSync(url))
  if (place === undefined) return 'unknown'
  return (JSON.parse(readFileSync(place, 'utf8')) as { version: string }).version
}
