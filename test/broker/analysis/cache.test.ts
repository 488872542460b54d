import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VerdictCache } from '../../../broker/analysis/cache.ts'
import type { Analysis } from '../../../protocol/pg/statement.ts'

const verdict: Analysis = { ok: false, reason: 'syntax', message: '', length: 1 }

test('the longest unused verdicts go first', () => {
  const cache = new VerdictCache(10_000)
  for (let i = 0; i < 30; i++) cache.set(`text ${i}`, verdict)
  assert.equal(cache.get('text 0'), verdict)
  for (let i = 30; i < 60; i++) {
    cache.get('text 0')
    cache.set(`text ${i}`, verdict)
  }
  assert.equal(cache.get('text 0'), verdict)
  assert.equal(cache.get('text 1'), undefined)
  assert.equal(cache.get('text 59'), verdict)
})

test('one large text does not push out the others', () => {
  const cache = new VerdictCache(10_000)
  cache.set('small', verdict)
  cache.set('x'.repeat(9_000), verdict)
  assert.equal(cache.get('small'), verdict)
  assert.equal(cache.get('x'.repeat(9_000)), undefined)
})

test('clear forgets everything', () => {
  const cache = new VerdictCache(10_000)
  cache.set('a', verdict)
  cache.clear()
  assert.equal(cache.get('a'), undefined)
})
