import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '../../../broker/recorder/index/pace.ts'

test('the index reads on at once while nobody works, and steps back while sessions do', () => {
  let appends = 0
  const pace = new Pace(() => appends)
  assert.equal(pace.pause(20, 1_000), 0)
  appends += 1_000
  assert.ok(pace.pause(20, 2_000) > 400, 'a thousand a second: it takes a small share')
  appends += 10
  assert.equal(pace.pause(20, 3_000), 0)
})
