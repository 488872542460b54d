import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { secretFile } from '../../../cli/local/secret-file.ts'

const SECRET = JSON.stringify({ refreshToken: 'top-secret-refresh-token' })

let home: string
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'hoop-secret-'))
})
after(() => rm(home, { recursive: true }))

const sealed = (profile: string) => join(home, 'profiles', profile, 'login.sealed')
const key = (profile: string) => join(home, 'keys', `${profile}.key`)

test('what is written is read, and is in no file as it is', async () => {
  const store = secretFile(home, 'alice')
  assert.equal(await store.read(), null)
  await store.write(SECRET)
  assert.equal(await store.read(), SECRET)
  for (const path of [sealed('alice'), key('alice')]) {
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await readFile(path)).includes('top-secret'), false)
  }
})

test('two writes of the same secret look different', async () => {
  const store = secretFile(home, 'alice')
  await store.write(SECRET)
  const first = await readFile(sealed('alice'))
  await store.write(SECRET)
  assert.notDeepEqual(await readFile(sealed('alice')), first)
})

test('each byte counts: a changed, cut or foreign file is no login', async () => {
  const store = secretFile(home, 'alice')
  await store.write(SECRET)
  const good = await readFile(sealed('alice'))
  for (let index = 0; index < good.length; index++) {
    const bad = Buffer.from(good)
    bad[index] = (bad[index] ?? 0) ^ 1
    await writeFile(sealed('alice'), bad)
    assert.equal(await store.read(), null)
  }
  await writeFile(sealed('alice'), good.subarray(0, 20))
  assert.equal(await store.read(), null)
})

test('a file of one profile does not open as another’s', async () => {
  await secretFile(home, 'alice').write(SECRET)
  await secretFile(home, 'bob').write('other')
  await writeFile(sealed('bob'), await readFile(sealed('alice')))
  await writeFile(key('bob'), await readFile(key('alice')))
  assert.equal(await secretFile(home, 'bob').read(), null)
})

test('removed is removed, key and all', async () => {
  const store = secretFile(home, 'alice')
  await store.write(SECRET)
  await store.remove()
  assert.equal(await store.read(), null)
  await assert.rejects(stat(key('alice')))
  await store.remove()
})
