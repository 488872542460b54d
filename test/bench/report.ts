import type { Leg } from './leg.ts'
import type { Load } from './load.ts'

/** What was measured: for each load and leg one number a round. */
export class Results {
  readonly #numbers = new Map<string, number[]>()

  add(load: Load, leg: Leg, value: number): void {
    const key = `${load.name}\n${leg.name}`
    this.#numbers.set(key, [...(this.#numbers.get(key) ?? []), value])
  }

  median(load: Load, leg: string): number | null {
    const numbers = this.#numbers.get(`${load.name}\n${leg}`)?.toSorted((a, b) => a - b) ?? []
    if (numbers.length === 0) return null
    const half = numbers.length >> 1
    return numbers.length % 2 === 1 ? numbers[half]! : (numbers[half - 1]! + numbers[half]!) / 2
  }
}

/** The table of docs/performance.md: medians of direct, the rest as ratios of it. */
export function table(loads: readonly Load[], legs: readonly string[], results: Results): string {
  const others = legs.filter((leg) => leg !== 'direct')
  const head = ['load', 'direct', ...others, 'hoop / unparsed', 'at least']
  const lines = loads.map((load) => {
    const direct = results.median(load, 'direct')
    const ratios = others.map((leg) => ratio(results.median(load, leg), direct))
    const own = ratio(results.median(load, 'hoop'), results.median(load, 'unparsed tunnel'))
    return [load.name, absolute(direct, load.unit), ...ratios, own, String(load.floor)]
  })
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function ratio(value: number | null, of: number | null): string {
  return value === null || of === null ? '—' : (value / of).toFixed(2)
}

function absolute(value: number | null, unit: string): string {
  return value === null ? '—' : `${Math.round(value).toLocaleString('en-US')} ${unit}`
}

export const BEGIN = '<!-- bench: begin -->'
export const END = '<!-- bench: end -->'

/** The document with another table between the markers. */
export function replaceSection(document: string, section: string): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (from < 0 || to < from) throw new Error('docs/performance.md has no place for the table')
  return `${document.slice(0, from + BEGIN.length)}\n\n${section}\n\n${document.slice(to)}`
}
