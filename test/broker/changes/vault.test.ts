import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRegister, type Register, root, ruth, withFolder } from './support.ts'

const OLD = 'correct horse battery staple'
const NEW = 'another value altogether'

async function agreed(r: Register, value: string): Promise<string> {
  const { id } = await r.set(root, value)
  await r.desk.approve(id, ruth)
  await r.until(id, 'executed')
  return id
}

const boxOf = async (r: Register, id: string) => (await r.store.versions.proposal(id))?.box ?? null

test('a value is read by who logs in, and shown by nothing', () =>
  withFolder(async (folder) => {
    const r = await openRegister(folder)
    const { id, statement, effect, facts, parameters } = await r.set(root, OLD)
    assert.doesNotMatch(JSON.stringify({ statement, effect, facts, parameters }), /horse/)
    await assert.rejects(r.vault.read('db'), { code: 'secret_missing' }, 'it waits')
    await r.desk.approve(id, ruth)
    await r.until(id, 'executed')
    assert.equal(await r.vault.read('db'), OLD)
    const second = await agreed(r, NEW)
    assert.equal(await r.vault.read('db'), NEW)
    assert.equal(await boxOf(r, id), null, 'what was replaced is destroyed')
    assert.notEqual(await boxOf(r, second), null)
    await r.close()
  }))

test('what was rejected or expired is destroyed', () =>
  withFolder(async (folder) => {
    const r = await openRegister(folder)
    const rejected = await r.set(root, OLD)
    const expired = await r.set(root, NEW)
    assert.notEqual(await boxOf(r, rejected.id), null)
    await r.desk.reject(rejected.id, ruth, 'no ticket')
    r.runtime.advance(4_000_000)
    await r.until(expired.id, 'expired')
    for (const { id } of [rejected, expired]) {
      while ((await boxOf(r, id)) !== null) await new Promise(setImmediate)
    }
    await r.close()
  }))

test('with another key, or none, the broker does not start', () =>
  withFolder(async (folder) => {
    const r = await openRegister(folder)
    await agreed(r, OLD)
    await r.close()
    const other = { key: Buffer.alloc(32, 8) }
    await assert.rejects(openRegister(folder, other), { code: 'wrong_key', exit: 2 })
    await assert.rejects(openRegister(folder, { key: null }), { code: 'no_key', exit: 2 })
    const again = await openRegister(folder)
    assert.equal(await again.vault.read('db'), OLD)
    await again.close()
  }))

test('without a key nothing is taken', () =>
  withFolder(async (folder) => {
    const r = await openRegister(folder, { key: null })
    await assert.rejects(r.set(root, OLD), { code: 'no_key' })
    assert.deepEqual(await r.desk.list(), [])
    await r.close()
  }))

test('no text that would not be one is taken', () =>
  withFolder(async (folder) => {
    const r = await openRegister(folder)
    for (const value of ['a\0b', 'x'.repeat(20_000)]) {
      await assert.rejects(r.set(root, value), { code: 'bad_secret', exit: 2 })
    }
    await r.close()
  }))
