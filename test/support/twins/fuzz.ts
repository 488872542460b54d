import fc from 'fast-check'
import { Choices } from './choices.ts'
import type { Pair } from './compare.ts'
import { program } from './programs.ts'

export interface Budget {
  readonly runs: number
  readonly seed: number
  readonly milliseconds?: number
}

/** HOOP_FUZZ_SEED plays a run again; a run without it says its seed. */
export function seedOf(env: NodeJS.ProcessEnv): number {
  const given = Number(env['HOOP_FUZZ_SEED'])
  return Number.isSafeInteger(given) && given !== 0 ? given : Date.now() & 0x7fffffff
}

/** Throws with the smallest program found whose answers differ. */
export async function fuzz(pair: Pair, { runs, seed, milliseconds }: Budget): Promise<void> {
  const numbers = fc.array(fc.nat(0xffff), { maxLength: 60, size: 'max' })
  const property = fc.asyncProperty(numbers, (chosen) => pair.run(program(new Choices(chosen))))
  const limit = milliseconds === undefined ? {} : { interruptAfterTimeLimit: milliseconds }
  await fc.assert(property, { numRuns: runs, seed, ...limit })
}
