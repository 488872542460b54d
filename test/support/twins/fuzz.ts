import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Choices } from './choices.ts'
import type { Pair } from './compare.ts'
import { program } from './programs.ts'

export interface Budget {
  readonly runs: number
  readonly seed: number
  /** It ends early rather than take longer. */
  readonly milliseconds?: number
}

/** HOOP_FUZZ_SEED plays a run again. */
export function seedOf(env: NodeJS.ProcessEnv, otherwise: number): number {
  const given = Number(env['HOOP_FUZZ_SEED'])
  return Number.isSafeInteger(given) && given !== 0 ? given : otherwise
}

/** Throws with the smallest program found whose answers differ, and where they do. */
export async function fuzz(pair: Pair, { runs, seed, milliseconds }: Budget): Promise<void> {
  const numbers = fc.array(fc.nat(0xffff), { maxLength: 150, size: 'max' })
  const property = fc.asyncProperty(numbers, (chosen) => pair.run(program(new Choices(chosen))))
  const limit = milliseconds === undefined ? {} : { interruptAfterTimeLimit: milliseconds }
  await fc.assert(property, { numRuns: runs, seed, ...limit })
  assertMeaning(pair.counts)
}

/** Statements that are refused or fail prove little: most must be answered, many of them masked. */
function assertMeaning(counts: ReadonlyMap<string, number>): void {
  const answered = counts.get('answered') ?? 0
  const masked = counts.get('masked') ?? 0
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0) - masked
  assert.ok(answered > 0.6 * all, `only ${answered} of ${all} were answered`)
  assert.ok(masked > 0.05 * all, `only ${masked} of ${all} were masked`)
}

/** For people: how often which answer. */
export function statistics({ counts }: Pair): string {
  return [...counts]
    .sort(([, left], [, right]) => right - left)
    .map(([kind, count]) => `${kind}: ${count}`)
    .join(', ')
}
