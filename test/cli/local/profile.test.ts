import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Profile } from '../../../cli/local/profile.ts'

let HOOP_HOME: string
before(async () => {
  HOOP_HOME = await mkdtemp(join(tmpdir(), 'hoop-profile-'))
})
after(() => rm(HOOP_HOME, { recursive: true }))

test('a broker is remembered for its profile only', async () => {
  const alice = await Profile.load('alice', { HOOP_HOME })
  assert.throws(() => alice.requireBroker(), { code: 'not_logged_in', exit: 3 })
  await alice.rememberBroker('https://hoop.example.com')
  assert.equal((await Profile.load('alice', { HOOP_HOME })).broker, 'https://hoop.example.com')
  assert.equal((await Profile.load('bob', { HOOP_HOME })).broker, null)
})

test('port and password are sticky for each profile and connection, in 0600 files', async () => {
  const alice = await Profile.load('alice', { HOOP_HOME })
  const access = { port: 15_432, password: 'local' }
  await alice.rememberLocalAccess('pg-prod', access)
  const again = await Profile.load('alice', { HOOP_HOME })
  assert.deepEqual(await again.localAccess('pg-prod'), access)
  assert.equal(await again.localAccess('pg-test'), null)
  assert.equal(await (await Profile.load('bob', { HOOP_HOME })).localAccess('pg-prod'), null)
  const file = join(alice.folder, 'connections', 'pg-prod.json')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

test('a damaged file counts as none', async () => {
  const alice = await Profile.load('alice', { HOOP_HOME })
  const file = join(alice.folder, 'connections', 'pg-prod.json')
  for (const text of [
    '{',
    '{"port":0,"password":"x"}',
    '{"port":1.5,"password":"x"}',
    '{"port":1}',
  ]) {
    await writeFile(file, text)
    assert.equal(await alice.localAccess('pg-prod'), null)
  }
})

test('names that are no names', async () => {
  await assert.rejects(Profile.load('../alice', { HOOP_HOME }), { code: 'usage', exit: 2 })
  const alice = await Profile.load('alice', { HOOP_HOME })
  await assert.rejects(alice.localAccess('../../x'), { code: 'usage', exit: 2 })
})

test('hints name the profile where it is not the usual one', async () => {
  assert.equal((await Profile.load('default', { HOOP_HOME })).command('login'), 'hoop login')
  const alice = await Profile.load('alice', { HOOP_HOME })
  assert.equal(alice.command('login'), 'hoop login --profile alice')
})
