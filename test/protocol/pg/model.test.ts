import assert from 'node:assert/strict'
import { describe as suite, test } from 'node:test'
import fc from 'fast-check'
import { PostgresGate } from '../../../protocol/pg/gate.ts'
import { conversation, isReading, turns } from '../../support/arbitrary-client.ts'
import { int32, query } from '../../support/messages.ts'
import { check, checkInvisible } from '../../support/model.ts'
import { play } from '../../support/playbook.ts'

const DECISIONS = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })
const fresh = () => new PostgresGate({ parameters: new Map(), roles: null })

suite('any conversation', () => {
  test('writes run only when allowed; each Sync has its ReadyForQuery, no other has', () => {
    fc.assert(fc.property(conversation, DECISIONS, check), { numRuns: 400 })
  })
})

suite('any conversation that only reads', () => {
  test('is with the gate as without it, at each Sync and each Query', () => {
    const reading = conversation.map((said) => turns(said.filter(isReading)))
    fc.assert(fc.property(reading, checkInvisible), { numRuns: 400 })
  })
})

suite('any bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 64 }).map((all) => Buffer.from(all))
  /** A type that exists, a length that may be right, and anything behind it. */
  const framed = (types: string) =>
    fc
      .tuple(fc.constantFrom(...types), fc.oneof(fc.nat(40), fc.integer()), bytes)
      .map(([type, off, body]) => {
        const length = off > 40 || off < 0 ? off : body.length + 4
        return Buffer.concat([Buffer.from(type), int32(length), body])
      })

  test('of a client: outputs or a close, never a throw', () => {
    const input = fc.array(fc.oneof(bytes, framed('QPBDECSHXFdcf')), { maxLength: 5 })
    fc.assert(
      fc.property(input, (all) => {
        const gate = fresh()
        for (const each of all) gate.handle({ type: 'client', bytes: each })
      }),
      { numRuns: 500 },
    )
  })

  test('of a target: likewise', () => {
    const input = fc.array(fc.oneof(bytes, framed('123ACDEGHIKNRSTWZcdnst')), { maxLength: 5 })
    fc.assert(
      fc.property(input, (all) => {
        const gate = fresh()
        gate.handle({ type: 'client', bytes: query('') })
        for (const each of all) gate.handle({ type: 'target', bytes: each })
      }),
      { numRuns: 500 },
    )
  })

  test('PG-21: a length field allocates nothing', () => {
    const before = process.memoryUsage().arrayBuffers
    const gates = Array.from({ length: 50 }, fresh)
    for (const gate of gates) {
      gate.handle({ type: 'client', bytes: Buffer.from([0x51, 0x3f, 0xff, 0xff, 0xff]) })
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 50 * 1024 * 1024)
  })

  test('PG-54: what waits for its turn is counted', () => {
    const t = play()
    t.client(query('select 1'))
    const more = query('x'.repeat(1000))
    t.client(...Array.from({ length: 100 }, () => more))
    assert.ok(t.waiting >= 100_000)
  })
})
