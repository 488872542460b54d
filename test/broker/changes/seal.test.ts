import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { localKey, parseKey, WrongKey } from '../../../broker/changes/keys.ts'
import { seal, tryKey, unseal } from '../../../broker/changes/seal.ts'

const keys = localKey(Buffer.alloc(32, 1))
const PLACE = { name: 'db', version: 2, request: 'r-0123456789' }

test('what was sealed opens as what it was', () =>
  fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (text) => {
      const value = Buffer.from(text).toString('utf8')
      const sealed = await seal(keys, PLACE, value)
      assert.equal(await unseal(keys, PLACE, sealed), value)
    }),
    { numRuns: 50 },
  ))

test('the same value is sealed otherwise each time, and its mark is another one', async () => {
  const [a, b] = [await seal(keys, PLACE, 'hunter2'), await seal(keys, PLACE, 'hunter2')]
  assert.notEqual(a.box, b.box)
  assert.notEqual(a.mark, b.mark)
  const { wrapped: first } = JSON.parse(a.box)
  const { wrapped: second } = JSON.parse(b.box)
  assert.notEqual(first, second, 'each has a key of its own')
})

test('it opens as nothing else, and under no other key', async () => {
  const sealed = await seal(keys, PLACE, 'hunter2')
  for (const place of [
    { ...PLACE, name: 'other' },
    { ...PLACE, version: 3 },
    { ...PLACE, request: 'r-9876543210' },
  ]) {
    await assert.rejects(unseal(keys, place, sealed), WrongKey)
    await assert.rejects(tryKey(keys, place, sealed.box), WrongKey)
  }
  const other = localKey(Buffer.alloc(32, 2))
  await assert.rejects(unseal(other, PLACE, sealed), /sealed under local:/)
  const renamed = { ...JSON.parse(sealed.box), key: other.id }
  await assert.rejects(tryKey(other, PLACE, JSON.stringify(renamed)), WrongKey)
})

test('a byte that was changed is found, wherever it is', async () => {
  const sealed = await seal(keys, PLACE, 'hunter2')
  const box = JSON.parse(sealed.box) as Record<'wrapped' | 'sealed', string>
  for (const field of ['wrapped', 'sealed'] as const) {
    const bytes = Buffer.from(box[field], 'base64')
    for (let at = 0; at < bytes.length; at++) {
      const copy = Buffer.from(bytes)
      copy[at] = copy[at]! ^ 1
      const changed = JSON.stringify({ ...box, [field]: copy.toString('base64') })
      await assert.rejects(unseal(keys, PLACE, { ...sealed, box: changed }), WrongKey)
    }
  }
})

test('a value that is not the approved one is not given out', async () => {
  const approved = await seal(keys, PLACE, 'hunter2')
  const other = await seal(keys, PLACE, 'hunter3')
  await assert.rejects(unseal(keys, PLACE, { ...approved, box: other.box }), /not the value/)
})

test('a key is 32 bytes, as hex or base64', () => {
  const bytes = Buffer.alloc(32, 0xab)
  for (const text of [
    bytes.toString('hex'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
  ]) {
    assert.deepEqual(parseKey(`${text}\n`), bytes)
  }
  for (const text of ['', 'secret', bytes.toString('hex').slice(2), 'x'.repeat(64)]) {
    assert.throws(() => parseKey(text), { code: 'bad_key', exit: 2 })
  }
})
