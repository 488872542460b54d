import { after, before, test } from 'node:test'
import type { RunningPostgres } from '../support/postgres.ts'
import { Pair } from '../support/twins/compare.ts'
import { openStack, startTwins, tidy } from '../support/twins/databases.ts'
import { fuzz, seedOf, statistics } from '../support/twins/fuzz.ts'
import { WORLDS } from '../support/twins/values.ts'

/** Seed, and programs for each of the three worlds: HOOP_FUZZ_SEED, HOOP_FUZZ_RUNS. */
const seed = seedOf(process.env, Date.now() & 0x7fffffff)
const runs = Number(process.env['HOOP_FUZZ_RUNS'] ?? 5_000)

let server: RunningPostgres
before(async () => {
  server = await startTwins()
})
after(() => server?.stop())

for (const [index, world] of WORLDS.entries()) {
  test(`nobody can tell one database from the other, many times: ${world}`, async (t) => {
    const stack = await openStack(server, world)
    const pair = new Pair(stack, world, () => tidy(server, world))
    t.diagnostic(`HOOP_FUZZ_SEED=${seed}`)
    try {
      await fuzz(pair, { runs, seed: seed + index })
    } finally {
      t.diagnostic(statistics(pair))
      await stack.close()
    }
  })
}
