import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore } from '../../../broker/store/open.ts'
import { openDatabase } from '../../../broker/store/sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'hoop-store-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('everything is still there when it is opened again', async () => {
  const dataDir = join(folder, 'again')
  const options = { dataDir, now: () => 50 }
  const first = await openStore(options)
  first.replay.remember('proof', 100)
  await first.people.saw({
    issuer: 'i',
    subject: 's',
    email: null,
    groups: [],
    roles: [],
    keys: ['account:i s'],
    machine: false,
    seenAt: 1,
  })
  await first.close()
  const second = await openStore(options)
  assert.equal(second.replay.remember('proof', 100), false)
  assert.equal((await second.people.all(5)).length, 1)
  await second.close()
})

test('a proof is forgotten when its time is over', async () => {
  const dataDir = join(folder, 'forget')
  let now = 50
  const options = { dataDir, now: () => now }
  const first = await openStore(options)
  first.replay.remember('proof', 100)
  await first.close()
  now = 101
  const second = await openStore(options)
  assert.equal(second.replay.remember('proof', 200), true)
  await second.close()
})

test('a second broker on the same data is told so', async () => {
  const options = { dataDir: join(folder, 'two'), now: () => 0 }
  const store = await openStore(options)
  await assert.rejects(openStore(options), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'store_in_use')
    assert.match(error.message, /Another broker is using/)
    return true
  })
  await store.close()
  await (await openStore(options)).close()
})

test('only the owner reads the files', async () => {
  const dataDir = join(folder, 'modes')
  const store = await openStore({ dataDir, now: () => 0 })
  assert.equal(statSync(dataDir).mode & 0o777, 0o700)
  for (const name of ['state.sqlite', 'state.sqlite-wal', 'proofs.sqlite']) {
    assert.equal(statSync(join(dataDir, name)).mode & 0o077, 0, name)
  }
  await store.close()
})

test('what is committed is on the disk', () => {
  const database = openDatabase(join(folder, 'full', 'x.sqlite'), 'FULL')
  assert.deepEqual({ ...database.prepare('pragma synchronous').get() }, { synchronous: 2 })
  assert.deepEqual({ ...database.prepare('pragma foreign_keys').get() }, { foreign_keys: 1 })
  assert.deepEqual({ ...database.prepare('pragma journal_mode').get() }, { journal_mode: 'wal' })
  database.close()
})
