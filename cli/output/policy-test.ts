import type { Output } from './output.ts'
import { visibleLine } from './visible.ts'

/** A case, what came of it, and how that differs from what was expected. */
export interface Checked {
  readonly case: { readonly place: string; readonly name: string }
  readonly got: {
    readonly rule: string
    readonly places: readonly string[]
    readonly reason: string | null
  }
  readonly differences: readonly {
    readonly what: string
    readonly expected: string
    readonly got: string
  }[]
}

/** One line a case; below one that failed what was expected, what came, and by which rule. */
export function printChecked(out: Output, all: readonly Checked[]): void {
  for (const { case: one, got, differences } of all) {
    const ok = differences.length === 0
    const word = ok ? out.style('green', 'ok  ') : out.style('red', 'FAIL')
    out.data(`${word} ${visibleLine(`${one.place} ${one.name}`)}`)
    if (ok) continue
    for (const { what, expected, got: came } of differences) {
      out.data(
        `       ${what.padEnd(10)}expected ${visibleLine(expected)}, got ${visibleLine(came)}`,
      )
    }
    const at = got.places.length > 0 ? ` (${got.places.join(', ')})` : ''
    out.data(`       ${'rule'.padEnd(10)}${visibleLine(got.rule + at)}`)
    if (got.reason !== null) out.data(`       ${'reason'.padEnd(10)}${visibleLine(got.reason)}`)
  }
}

export function documentOf(all: readonly Checked[]) {
  const failed = all.filter(({ differences }) => differences.length > 0).length
  const cases = all.map(({ case: one, got, differences }) => ({
    ...{ place: one.place, name: one.name, ok: differences.length === 0, differences, got },
  }))
  return { ok: failed === 0, passed: all.length - failed, failed, cases }
}
