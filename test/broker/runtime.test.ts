import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idFrom, systemRuntime } from '../../broker/runtime.ts'

test('an id is its prefix and ten characters that can be read out', () => {
  assert.equal(idFrom('r', Buffer.alloc(10)), 'r-0000000000')
  assert.equal(idFrom('s', Buffer.alloc(10, 255)), 's-zzzzzzzzzz')
  for (const prefix of ['r', 's', 'j'] as const) {
    assert.match(systemRuntime.id(prefix), new RegExp(`^${prefix}-[0-9a-hjkmnp-tv-z]{10}$`))
  }
})

test('ids do not repeat', () => {
  const ids = Array.from({ length: 10_000 }, () => systemRuntime.id('r'))
  assert.equal(new Set(ids).size, ids.length)
})

test('a timer fires, unless it is cancelled', async () => {
  const fired: string[] = []
  systemRuntime.setTimer(0, () => fired.push('cancelled')).cancel()
  await new Promise<void>((resolve) => {
    systemRuntime.setTimer(5, () => {
      fired.push('later')
      resolve()
    })
  })
  assert.deepEqual(fired, ['later'])
})

test('a timer of months does not fire at once', async () => {
  let fired = false
  const timer = systemRuntime.setTimer(90 * 24 * 3_600_000, () => {
    fired = true
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  timer.cancel()
  assert.equal(fired, false)
})

test('monotonic never goes back', () => {
  const first = systemRuntime.monotonic()
  assert.ok(systemRuntime.monotonic() >= first)
})
