import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacSha256 } from '../../../broker/masking/cell.ts'
import { scrubNotification, scrubReport } from '../../../broker/masking/text.ts'
import { decodeErrorFields } from '../../../protocol/pg/backend.ts'
import { int32 } from './support.ts'

function report(type: 'E' | 'N', fields: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(fields).map(([letter, value]) => Buffer.from(`${letter}${value}\0`))
  const body = Buffer.concat([...parts, Buffer.of(0)])
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function scrub(type: 'E' | 'N', fields: Readonly<Record<string, string>>): Record<string, string> {
  const scrubbed = scrubReport(report(type, fields))
  assert.equal(scrubbed.toString('latin1', 0, 1), type)
  assert.equal(scrubbed.readInt32BE(1), scrubbed.length - 1)
  return Object.fromEntries(decodeErrorFields(scrubbed))
}

const HIDDEN = '(text hidden: the statement has to do with protected columns)'

test('an error keeps its code, position and place, and loses every text', () => {
  const fields = {
    ...{ S: 'FEHLER', V: 'ERROR', C: '22P02', M: 'invalid input syntax: "078-05-1120"', P: '17' },
    ...{ D: '078-05-1120', H: '078-05-1120', W: '078-05-1120', q: '078-05-1120', p: '3' },
    ...{ s: 'public', t: 'people', c: 'ssn', d: '078', n: 'people_ssn_key' },
    ...{ F: 'numutils.c', L: '606', R: 'pg_strtoint32_safe' },
  }
  assert.deepEqual(scrub('E', fields), {
    ...{ S: 'ERROR', V: 'ERROR', C: '22P02', P: '17' },
    M: `invalid text representation ${HIDDEN}`,
    ...{ F: 'numutils.c', L: '606', R: 'pg_strtoint32_safe' },
  })
})

test('a code that PostgreSQL does not define is a message too', () => {
  const fields = { S: 'ERROR', V: 'ERROR', C: '07805', M: 'x' }
  assert.deepEqual(scrub('E', fields), {
    ...{ S: 'ERROR', V: 'ERROR', C: 'XX000', M: `internal error ${HIDDEN}` },
  })
  assert.equal(scrub('N', { ...fields, V: 'NOTICE' })['C'], '00000')
})

test('a notification keeps who sent it and the channel, and loses what it says', () => {
  const notification = (payload: string) => {
    const body = Buffer.concat([int32(4711), Buffer.from(`jobs\0${payload}\0`)])
    return Buffer.concat([Buffer.from('A'), int32(body.length + 4), body])
  }
  assert.deepEqual(scrubNotification(notification('078-05-1120')), notification('***'))
  assert.deepEqual(scrubNotification(notification('')), notification(''))
})

test('property: nothing of the texts is left', () => {
  const letters = fc.constantFrom(...'SVCMDHWqpPstcdnFLRz')
  const value = fc.constantFrom('078-05-1120', '0780511 20', 'x078-05-1120y')
  fc.assert(
    fc.property(fc.dictionary(letters, value), fc.constantFrom('E', 'N'), (fields, type) => {
      assert.doesNotMatch(Object.values(scrub(type, fields)).join('\n'), /0780?5?|1120/)
    }),
  )
})

test('property: the hash is HMAC-SHA256', () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
  fc.assert(
    fc.property(bytes, bytes, (key, value) => {
      assert.equal(hmacSha256(key, value), createHmac('sha256', key).update(value).digest('hex'))
    }),
  )
})
