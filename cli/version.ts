import { existsSync, readFileSync } from 'node:fs'

/** Of package.json, which stands above the sources and above dist/. */
export function hoopVersion(): string {
  const places = ['../package.json', '../../package.json'].map((p) => new URL(p, import.meta.url))
  const file = places.find((url) => existsSync(url))
  const { version } = file ? JSON.parse(readFileSync(file, 'utf8')) : { version: '0.0.0' }
  return String(version)
}
