import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { RunningPostgres } from '../support/postgres.ts'
import type { SessionStack } from '../support/sessions.ts'
import { Pair } from '../support/twins/compare.ts'
import { openStack, startTwins, tidy } from '../support/twins/databases.ts'
import { fuzz, seedOf, statistics } from '../support/twins/fuzz.ts'
import { WORLDS } from '../support/twins/values.ts'

/**
 * Two databases that differ in protected values alone give a client the same bytes. Named are those
 * differences that were found once.
 */

interface Found {
  readonly name: string
  readonly say: readonly string[]
}

const found = readFileSync(new URL('../fixtures/twins.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Found)

let server: RunningPostgres
before(async () => {
  server = await startTwins()
})
after(() => server?.stop())

for (const [index, world] of WORLDS.entries()) {
  describe(`two databases that differ in protected values: ${world}`, () => {
    let stack: SessionStack
    let pair: Pair

    before(async () => {
      stack = await openStack(server, world)
      pair = new Pair(stack, world, () => tidy(server, world))
    })
    after(() => stack.close())

    test('some hundred generated programs', async (t) => {
      const seed = seedOf(process.env, 1) + index
      await fuzz(pair, { runs: 250, seed, milliseconds: 6_000 })
      t.diagnostic(statistics(pair))
    })

    for (const { name, say } of found) {
      test(name, () => pair.run(say.map((sql) => ({ kind: 'query', sql }))))
    }
  })
}
