import { test } from 'node:test'
import fc from 'fast-check'
import { playAtOnce, played, playInOrder } from '../support/duties/play.ts'

const RUNS = Number(process.env['HOOP_FUZZ_RUNS'] ?? 40_000)

for (const [kind, numRuns] of [
  ['memory', RUNS],
  ['sqlite', Math.ceil(RUNS / 20)],
] as const) {
  test(`the duties, in order, many times (${kind})`, async () => {
    const order = fc.asyncProperty(played, ([of, moves]) => playInOrder(kind, of, moves))
    await fc.assert(order, { numRuns })
  })

  test(`the duties, all at once, many times (${kind})`, async () => {
    const race = fc.asyncProperty(played, ([of, moves]) => playAtOnce(kind, of, moves))
    await fc.assert(race, { numRuns })
  })
}
