import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { graver, type StatementClass } from '../../../protocol/pg/statement.ts'

const CLASSES: StatementClass[] = [
  'read',
  'transaction',
  'session',
  'write',
  'ddl',
  'admin',
  'unknown',
]

test('of two classes the graver counts, in whatever order they come', () => {
  const pair = fc.tuple(fc.constantFrom(...CLASSES), fc.constantFrom(...CLASSES))
  fc.assert(
    fc.property(pair, ([one, other]) => {
      assert.equal(graver(one, other), graver(other, one))
      assert.ok([one, other].includes(graver(one, other)))
    }),
  )
})

test('whatever stands beside a read decides, and what is unknown decides over all', () => {
  for (const each of CLASSES) {
    assert.equal(graver('read', each), each)
    assert.equal(graver(each, 'unknown'), 'unknown')
  }
})
