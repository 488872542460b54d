import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { withLock } from '../../../cli/local/lock.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hoop-lock-'))
})
after(() => rm(folder, { recursive: true }))

test('one at a time within a process', async () => {
  const path = join(folder, 'a.lock')
  let inside = 0
  const work = async (): Promise<void> => {
    inside += 1
    assert.equal(inside, 1)
    await sleep(5)
    inside -= 1
  }
  await Promise.all(Array.from({ length: 8 }, () => withLock(path, work)))
})

test('one at a time among processes', async () => {
  const trace = join(folder, 'trace')
  const script = `
    const { withLock } = await import(${JSON.stringify(import.meta.resolve('../../../cli/local/lock.ts'))})
    const { appendFileSync } = await import('node:fs')
    const { setTimeout: sleep } = await import('node:timers/promises')
    await withLock(${JSON.stringify(join(folder, 'b.lock'))}, async () => {
      appendFileSync(${JSON.stringify(trace)}, '(')
      await sleep(20)
      appendFileSync(${JSON.stringify(trace)}, ')')
    })`
  const processes = Array.from({ length: 4 }, () => node(script))
  await Promise.all(processes.map((child) => once(child, 'close')))
  assert.equal(await readFile(trace, 'utf8'), '()()()()')
})

test('a holder that is killed leaves nothing behind', async () => {
  const path = join(folder, 'c.lock')
  const script = `
    const { withLock } = await import(${JSON.stringify(import.meta.resolve('../../../cli/local/lock.ts'))})
    await withLock(${JSON.stringify(path)}, () => {
      process.stdout.write('held')
      return new Promise(() => setInterval(() => {}, 1000))
    })`
  const child = node(script)
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'close')
  await withLock(path, () => appendFile(join(folder, 'after'), 'x'))
  assert.equal(await readFile(join(folder, 'after'), 'utf8'), 'x')
})

test('an error inside is passed on and releases the lock', async () => {
  const path = join(folder, 'd.lock')
  await assert.rejects(
    withLock(path, async () => {
      throw new Error('inside')
    }),
    /inside/,
  )
  await withLock(path, async () => undefined)
})

function node(script: string) {
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
