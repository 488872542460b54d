import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Finished, failure, hoop } from '../support/hoop.ts'

describe('the command line itself', () => {
  let home = ''
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'hoop-main-'))
  })
  after(() => rm(home, { recursive: true, force: true }))

  const run = (...args: string[]): Promise<Finished> => hoop(args, { home, profile: 'nobody' })

  test('--version', async () => {
    const { stdout, code } = await run('--version')
    assert.match(stdout, /^hoop\/\d+\.\d+\.\d+ \S+ node-v\d+\.\d+\.\d+\n$/)
    assert.equal(code, 0)
  })

  test('alone it helps, on stdout', async () => {
    const { stdout, stderr, code } = await run()
    assert.match(stdout, /^hoop: databases behind a gate/)
    assert.equal(stderr, '')
    assert.equal(code, 0)
  })

  test('who is not logged in is told so: exit 3', async () => {
    for (const args of [
      ['whoami'],
      ['requests'],
      ['connect', 'x'],
      ['exec', 'x', '-c', 'SELECT 1'],
    ]) {
      const { code, stdout, stderr } = await run(...args)
      assert.equal(code, 3, args.join(' '))
      assert.equal(stdout, '')
      assert.match(stderr, /hoop login --profile nobody --broker URL|hoop login/)
    }
    assert.equal(failure(await run('whoami', '--json')).code, 'not_logged_in')
  })

  test('wrong usage is 2, as JSON when that was asked for', async () => {
    for (const args of [['xyzzy'], ['approve'], ['approve', 'r-1', '--foo'], ['show', 'a', 'b']]) {
      assert.equal((await run(...args)).code, 2, args.join(' '))
      const { code, exit } = failure(await run(...args, '--json'))
      assert.deepEqual([code, exit], ['usage', 2], args.join(' '))
    }
  })

  test('doctor without a login says what to do', async () => {
    const { stdout, code } = await run('doctor', '--json')
    const { ok, checks } = JSON.parse(stdout)
    assert.equal(ok, false)
    assert.equal(code, 3)
    assert.match(checks.at(-1).hint, /hoop login .*--broker URL/)
  })

  test('broker init, check; nothing is overwritten', async () => {
    const file = join(home, 'hoop.yaml')
    assert.equal((await run('broker', 'init', '--output', file)).code, 0)
    assert.equal((await run('broker', 'init', '--output', file)).code, 1)
    const check = JSON.parse((await run('broker', 'check', '--config', file, '--json')).stdout)
    assert.deepEqual([check.ok, check.faults], [true, []])
    assert.equal((await run('broker', 'check', '--config', join(home, 'none'))).code, 2)
  })

  test('a profile cannot leave its folder', async () => {
    assert.equal((await run('whoami', '--profile', '../../etc')).code, 2)
  })
})
