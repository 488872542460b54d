import { test } from 'node:test'
import fc from 'fast-check'
import { playAtOnce, played, playInOrder } from '../../support/duties/play.ts'

/**
 * Who asks, who approves, the owner of the machine that asks, who executes and who changed the rule are different
 * persons, in any organisation and any order of what its people try. `npm run fuzz` does it many times more.
 */

test('each call succeeds exactly where the rule allows it, without a database behind the code', async () => {
  await fc.assert(
    fc.asyncProperty(played, ([of, moves]) => playInOrder('memory', of, moves)),
    { numRuns: 3000 },
  )
})

test('the same with the database', async () => {
  await fc.assert(
    fc.asyncProperty(played, ([of, moves]) => playInOrder('sqlite', of, moves)),
    { numRuns: 50 },
  )
})

test('all at once: no quorum is counted twice, nothing runs twice or without it', async () => {
  await fc.assert(
    fc.asyncProperty(played, ([of, moves]) => playAtOnce('memory', of, moves)),
    { numRuns: 1000 },
  )
})

test('all at once with the database', async () => {
  await fc.assert(
    fc.asyncProperty(played, ([of, moves]) => playAtOnce('sqlite', of, moves)),
    { numRuns: 25 },
  )
})
