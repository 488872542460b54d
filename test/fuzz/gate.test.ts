import { test } from 'node:test'
import fc from 'fast-check'
import { conversation } from '../support/arbitrary-client.ts'
import { check } from '../support/model.ts'

test('any conversation, many times', () => {
  const decisions = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })
  fc.assert(fc.property(conversation, decisions, check), { numRuns: 50_000 })
})
