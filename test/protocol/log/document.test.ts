import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ENTRIES } from '../../../protocol/log/entries.ts'
import { verifyLog } from '../../../protocol/log/verify.ts'
import { CONVERSATION, SESSION, writeLog } from './sample.ts'
import { kindsOf, read } from './second-reader.ts'

const kinds = kindsOf(readFileSync(new URL('../../../docs/record.md', import.meta.url), 'utf8'))
const log = writeLog(CONVERSATION)

describe('docs/record.md', () => {
  it('has every kind, with its number, fields and payload', () => {
    const written = Object.entries(ENTRIES).map(([kind, { code, head, payload }]) => {
      return { code, kind, fields: head.map(([name, type]) => [name, type]), payload }
    })
    const documented = [...kinds].map(([code, known]) => ({ code, ...known }))
    const order = (a: { code: number }, b: { code: number }) => a.code - b.code
    assert.deepEqual(documented.sort(order), written.sort(order))
  })

  it('is enough to read a log', () => {
    const reading = read(log.bytes, kinds)
    assert.ok(reading.wrong === null)
    assert.deepEqual(reading.entries, CONVERSATION)
  })

  it('is enough to find the first wrong entry, wherever a bit was flipped', () => {
    for (let at = 0; at < log.bytes.length; at++) {
      const copy = Buffer.from(log.bytes)
      copy[at] = (copy[at] as number) ^ 0x10
      const expected = verifyLog(copy, { type: 'session', id: SESSION }).fault?.entry
      assert.equal(read(copy, kinds).wrong, expected, `byte ${at}`)
    }
  })

  it('is enough to tell where the end was cut off', () => {
    for (let size = 0; size < log.bytes.length; size++) {
      const short = log.bytes.subarray(0, size)
      const expected = verifyLog(short, { type: 'session', id: SESSION }).fault?.entry
      assert.equal(read(short, kinds).wrong, expected, `cut at ${size}`)
    }
  })
})
