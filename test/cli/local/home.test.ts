import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  checkedName,
  hoopHome,
  privateFolder,
  readObject,
  readPrivate,
  writePrivate,
} from '../../../cli/local/home.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hoop-home-'))
})
after(() => rm(folder, { recursive: true }))

test('HOOP_HOME, else ~/.hoop', () => {
  assert.equal(hoopHome({ HOOP_HOME: '/x/y' }), '/x/y')
  assert.equal(hoopHome({}), join(homedir(), '.hoop'))
  assert.equal(hoopHome({ HOOP_HOME: '' }), join(homedir(), '.hoop'))
})

test('a private file is 0600 in a 0700 folder, and replaced as a whole', async () => {
  const path = join(folder, 'a', 'b.json')
  await writePrivate(path, 'one')
  await writePrivate(path, 'two')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o700)
  assert.equal(await readFile(path, 'utf8'), 'two')
  assert.deepEqual(await readdir(join(folder, 'a')), ['b.json'])
})

test('many writers at once leave one whole file', async () => {
  const path = join(folder, 'many', 'x')
  const texts = Array.from({ length: 40 }, (_, index) => `${index}`.repeat(10_000))
  await Promise.all(texts.map((text) => writePrivate(path, text)))
  assert.ok(texts.includes(await readFile(path, 'utf8')))
  assert.deepEqual(await readdir(join(folder, 'many')), ['x'])
})

test('a folder that was open to others is closed', async () => {
  const path = join(folder, 'open')
  await privateFolder(path)
  const { chmod } = await import('node:fs/promises')
  await chmod(path, 0o755)
  await privateFolder(path)
  assert.equal((await stat(path)).mode & 0o777, 0o700)
})

test('no file is null; a broken one is no object', async () => {
  assert.equal(await readPrivate(join(folder, 'none')), null)
  assert.equal(await readObject(join(folder, 'none')), null)
  for (const text of ['', '{', '[]', '"x"', 'null']) {
    await writeFile(join(folder, 'broken'), text)
    assert.equal(await readObject(join(folder, 'broken')), null)
  }
})

test('a file where the folder should be: an error that names the path', async () => {
  await writeFile(join(folder, 'file'), '')
  const refused = writePrivate(join(folder, 'file', 'x'), '')
  await assert.rejects(refused, { code: 'home_unusable' })
})

test('names that would leave the folder are refused', () => {
  for (const name of [
    '',
    '.',
    '..',
    'a/b',
    'a\\b',
    '.x',
    '-x',
    'a\u202eb',
    'a\n',
    'x'.repeat(65),
  ]) {
    assert.throws(() => checkedName('profile', name), { code: 'usage', exit: 2 })
  }
  assert.equal(checkedName('profile', 'alice_2.a-b'), 'alice_2.a-b')
})
