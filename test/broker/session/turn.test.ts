import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOver } from 'node:timers/promises'
import { atEndOfTurn } from '../../../broker/session/turn.ts'

test('what waits for the end of the turn runs then, in its order, and once', async () => {
  const ran: string[] = []
  atEndOfTurn(() => ran.push('first'))
  atEndOfTurn(() => ran.push('second'))
  await Promise.resolve()
  assert.deepEqual(ran, [])
  await turnOver()
  assert.deepEqual(ran, ['first', 'second'])
  await turnOver()
  assert.equal(ran.length, 2)
})

test('what begins to wait meanwhile has the next turn', async () => {
  const ran: string[] = []
  atEndOfTurn(() => {
    ran.push('first')
    atEndOfTurn(() => ran.push('its answer'))
  })
  await turnOver()
  assert.deepEqual(ran, ['first'])
  await turnOver()
  assert.deepEqual(ran, ['first', 'its answer'])
})
