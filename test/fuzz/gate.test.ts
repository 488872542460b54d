import { test } from 'node:test'
import fc from 'fast-check'
import { conversation, isReading, turns } from '../support/arbitrary-client.ts'
import { check, checkInvisible, checkKnown } from '../support/model.ts'

test('any conversation, many times: what changes runs only when allowed', () => {
  const decisions = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })
  fc.assert(fc.property(conversation, decisions, check), { numRuns: 50_000 })
})

test('any conversation that only reads, many times: the gate does not show', () => {
  const reading = conversation.map((said) => turns(said.filter(isReading)))
  fc.assert(fc.property(reading, checkInvisible), { numRuns: 50_000 })
})

test('any conversation, many times: what is known spares questions and changes nothing', () => {
  const decisions = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })
  fc.assert(fc.property(conversation.map(turns), decisions, checkKnown), { numRuns: 50_000 })
})
