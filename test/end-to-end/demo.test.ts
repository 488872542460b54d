import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TestDemo } from '../support/demo.ts'
import { hoop, describe as told } from '../support/hoop.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

describe('hoop demo', () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hoop-demo-test-'))
    await chmod(folder, 0o711)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('--tour tells the whole story with real parts, cleans up and ends with 0', async () => {
    const identity = { home: join(folder, 'operator'), profile: 'operator' }
    const tmp = join(folder, 'tmp')
    await mkdir(tmp)
    await chmod(tmp, 0o1777)
    const tour = await hoop(['demo', '--tour'], identity, { env: { TMPDIR: tmp } })
    assert.equal(tour.code, 0, told(tour))
    for (const part of ['***', 'UPDATE people', 'r-', 'exit code 4', 'yearly raise', 'verif']) {
      assert.ok(tour.stdout.includes(part), `${part} is in the story:\n${tour.stdout}`)
    }
    assert.doesNotMatch(tour.stdout, /123-45-6789/)
    const left = (await readdir(tmp)).filter((name) => name !== 'node-compile-cache')
    assert.deepEqual(left, [], 'nothing of ours is left behind')
  })

  test('--json says first where everything is; a signal stops it all and ends with 0', async () => {
    const demo = await TestDemo.command()
    const { ready } = demo
    assert.deepEqual(ready.connections, ['pg-prod'])
    assert.deepEqual(
      ready.users.map(({ name }) => name),
      ['alice', 'bob', 'carol', 'dave', 'erin', 'root', 'ruth'],
    )
    const superuser = await demo.behind('SELECT rolname FROM pg_roles WHERE rolsuper')
    assert.deepEqual(superuser, [{ rolname: ready.target.user }])
    const finished = await demo.stop()
    assert.equal(finished.code, 0, told(finished))
    const ports = [Number(new URL(ready.broker).port), ready.target.port]
    assert.deepEqual(await Promise.all(ports.map(answers)), [false, false])
  })

  test('npx hoop is this command line, whatever Node npx runs on', async () => {
    const { stdout } = await promisify(execFile)('npx', ['hoop', '--version'], { cwd: checkout })
    assert.match(stdout, /^hoop\/\d+\.\d+\.\d+ \S+ node-v2[4-9]\./)
  })
})

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
