import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detector } from '../../../broker/masking/detect/detector.ts'
import { Detection } from '../../../broker/session/detection.ts'
import { Refs } from '../../../broker/session/refs.ts'
import { Results } from '../../../broker/session/results.ts'
import { Secrets } from '../../../broker/session/secrets.ts'
import type { NewEntry } from '../../../protocol/log/entries.ts'
import type { Execution, Shape } from '../../../protocol/pg/execution.ts'
import { row } from '../../support/messages.ts'
import { CATALOGUE, factsOf, field, PEOPLE, protectedBy, RULES } from '../masking/targets.ts'

const TEXT = Buffer.from('SELECT ssn FROM people')
const FACTS = factsOf({ tables: [PEOPLE] })

function executionOf(shape: Shape): Execution {
  return {
    ...{ id: 1, facts: FACTS, text: TEXT, underlying: null, parameters: null, types: [] },
    ...{ shape, tag: null, request: null, rows: null, notes: { ref: 0, begunAt: 0, plan: null } },
  }
}

test('the record tells again what is masked when it is not what it was', () => {
  let protect = protectedBy([])
  const detector = new Detector([], Buffer.from('key'))
  const detection = new Detection(
    () => detector,
    () => CATALOGUE.types,
  )
  const refs = new Refs(() => 0)
  const results = new Results({ protect: () => protect, done: () => undefined }, detection, refs, {
    planned: () => undefined,
    catalogueChanged: () => undefined,
    process: null,
    secrets: new Secrets(Buffer.alloc(32)),
  })
  const shape = { bytes: Buffer.from('T'), fields: [field(PEOPLE, 3)] }
  const recorded = (): unknown[] => {
    const entries: NewEntry[] = []
    const execution = executionOf(shape)
    refs.begin(execution, () => undefined)
    const bytes = row('078-05-1120')
    results.take({ type: 'rows', execution, bytes, count: 1, part: 'whole' }, entries, [])
    return entries.flatMap((entry) => (entry.kind === 'shape' ? [entry.masked] : []))
  }
  assert.deepEqual(recorded(), [[false]])
  assert.deepEqual(recorded(), [])
  protect = protectedBy(RULES)
  assert.deepEqual(recorded(), [[true]])
  protect = protectedBy([...RULES])
  assert.deepEqual(recorded(), [])
  protect = protectedBy([])
  assert.deepEqual(recorded(), [[false]])
})
