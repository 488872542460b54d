import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryReplayStore } from '../../../broker/identity/replay.ts'

test('known until the time that was said, inclusive', () => {
  let now = 1_000
  const store = createMemoryReplayStore(() => now)
  assert.equal(store.remember('a', 2_000), true)
  assert.equal(store.remember('a', 2_000), false)
  now = 2_000
  assert.equal(store.remember('a', 3_000), false)
  now = 2_001
  assert.equal(store.remember('a', 3_000), true)
})

test('what is over leaves, so the store stays as small as the rate of calls', () => {
  let now = 0
  const store = createMemoryReplayStore(() => now)
  for (let call = 0; call < 50_000; call++) {
    now += 1
    store.remember(`proof-${call}`, now + 100)
  }
  assert.ok(store.size < 2_500, `${store.size} entries`)
})
