import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { readClientSecret } from '../../../cli/login/client-secret.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hoop-secret-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const piped = (text: string) => Object.assign(Readable.from([text]), { isTTY: false })
const terminal = Object.assign(Readable.from([]), { isTTY: true })
const none = { file: undefined, environment: undefined, input: terminal }
const wrong = { code: 'usage', exit: 2 }

test('the secret comes from a file, the environment or a pipe, in this order', async () => {
  const file = join(folder, 'secret')
  await writeFile(file, 'of the file\n')
  const all = { file, environment: 'of the environment', input: piped('of the pipe\n') }
  assert.equal(await readClientSecret(all), 'of the file')
  assert.equal(await readClientSecret({ ...all, file: undefined }), 'of the environment')
  assert.equal(await readClientSecret({ ...all, file: '-' }), 'of the pipe')
})

test('no secret, an empty one and one of two lines are wrong usage', async () => {
  await assert.rejects(readClientSecret(none), wrong)
  await assert.rejects(readClientSecret({ ...none, file: join(folder, 'none') }), wrong)
  for (const text of ['', '\n', 'a\nb']) {
    await assert.rejects(readClientSecret({ ...none, input: piped(text) }), wrong)
  }
})
