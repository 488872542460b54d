import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, edits, nearest } from '../../../broker/policy/spelling.ts'

test('edits', () => {
  assert.equal(edits('', ''), 0)
  assert.equal(edits('abc', ''), 3)
  assert.equal(edits('requets', 'request'), 1)
  assert.equal(edits('kitten', 'sitting'), 3)
})

test('the nearest known word, if one is near', () => {
  const words = ['read', 'write', 'request', 'rules']
  assert.equal(nearest('requets', words), 'request')
  assert.equal(nearest('rad', words), 'read')
  assert.equal(nearest('banana', words), null)
  assert.equal(didYouMean('wirte', words), '; did you mean "write"?')
  assert.equal(didYouMean('banana', words), '')
})
