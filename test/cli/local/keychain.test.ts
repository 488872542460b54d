import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { keepSecret, keychain, openSecrets } from '../../../cli/local/keychain.ts'

const NO_DESKTOP = { PATH: process.env['PATH'] }
const SECRET = 'a secret: "quotes", ü, \u0000'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hoop-keychain-'))
})
after(() => rm(folder, { recursive: true }))

describe('where no keychain answers', {
  skip: process.platform !== 'linux' && 'Linux only',
}, () => {
  test('the login goes to an encrypted file, and that is said once', async () => {
    const home = join(folder, 'file')
    const said: string[] = []
    const options = { home, env: NO_DESKTOP, say: (line: string) => said.push(line) }
    for (const profile of ['alice', 'bob', 'alice']) {
      const store = await keepSecret({ ...options, profile }, SECRET)
      assert.equal(store.where, 'file')
    }
    assert.equal(said.length, 1)
    assert.match(said[0] ?? '', /keychain cannot be used: there is no desktop\s+session here/)
    const store = await openSecrets({ ...options, profile: 'bob' })
    assert.equal(await store?.read(), SECRET)
    assert.equal(await contains(home, 'a secret'), false)
  })

  test('HOOP_KEYCHAIN=os wants the keychain or nothing', async () => {
    const home = join(folder, 'os')
    const env = { ...NO_DESKTOP, HOOP_KEYCHAIN: 'os' }
    const kept = keepSecret({ home, profile: 'a', env, say: assert.fail }, SECRET)
    await assert.rejects(kept, { code: 'keychain_unavailable', exit: 3 })
  })
})

test('HOOP_KEYCHAIN=file asks nobody and says nothing', async () => {
  const home = join(folder, 'chosen')
  const env = { ...NO_DESKTOP, HOOP_KEYCHAIN: 'file' }
  const store = await keepSecret({ home, profile: 'a', env, say: assert.fail }, SECRET)
  assert.equal(store.where, 'file')
})

test('another word for HOOP_KEYCHAIN is refused', async () => {
  const env = { HOOP_KEYCHAIN: 'cloud' }
  const kept = keepSecret({ home: folder, profile: 'a', env, say: assert.fail }, SECRET)
  await assert.rejects(kept, { code: 'usage', exit: 2 })
})

test('a profile that never logged in has no secret', async () => {
  assert.equal(await openSecrets({ home: folder, profile: 'nobody', say: assert.fail }), null)
})

const needed = ['dbus-daemon', 'gnome-keyring-daemon']
const missing = needed.filter((name) => spawnSync('which', [name]).status !== 0)
const skip =
  missing.length > 0 && `not installed: ${missing.join(', ')} (Debian: gnome-keyring, dbus-x11)`

describe('the real keychain of a Linux desktop', { skip }, () => {
  let bus: ChildProcess
  let env: Record<string, string>

  before(async () => {
    env = await desktop(join(folder, 'desktop'))
    bus = await startBus(env)
    await unlockKeyring(env)
  })
  after(() => bus.kill())

  test('keeps, gives back, replaces and forgets; nothing is in a file', async () => {
    const home = join(folder, 'real')
    const options = { home, profile: 'alice', env, say: assert.fail }
    const kept = await keepSecret(options, 'first')
    assert.equal(kept.where, 'os')
    const long = SECRET.replaceAll('\u0000', '') + 'x'.repeat(8_000)
    await keepSecret(options, long)
    const store = await openSecrets(options)
    assert.equal(store?.where, 'os')
    assert.equal(await store?.read(), long)
    assert.equal(await contains(home, 'a secret'), false)
    await store?.remove()
    assert.equal(await store?.read(), null)
  })

  test('profiles and homes do not mix', async () => {
    const of = (home: string, profile: string) => keychain({ home, profile, env, say: assert.fail })
    await of('/one', 'alice').write('1')
    await of('/one', 'bob').write('2')
    await of('/two', 'alice').write('3')
    assert.equal(await of('/one', 'alice').read(), '1')
    assert.equal(await of('/one', 'bob').read(), '2')
    assert.equal(await of('/two', 'alice').read(), '3')
  })
})

describe('a desktop whose secret service hangs', { skip }, () => {
  let bus: ChildProcess
  let env: Record<string, string>

  before(async () => {
    env = await desktop(join(folder, 'hanging'))
    const services = join(env['XDG_DATA_HOME'] ?? '', 'dbus-1', 'services')
    await mkdir(services, { recursive: true })
    const service = '[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/sleep 5\n'
    await writeFile(join(services, 'org.freedesktop.secrets.service'), service)
    bus = await startBus(env)
  })
  after(() => bus.kill())

  test('does not hold the CLI: it falls back, and its process is gone', async () => {
    const said: string[] = []
    const say = (line: string) => said.push(line)
    const home = join(folder, 'fallback')
    const store = await keepSecret({ home, profile: 'alice', env, say, limitMs: 300 }, SECRET)
    assert.equal(store.where, 'file')
    assert.match(said.join(), /did not answer within\s+0.3\s+seconds/)
  })
})

/** A home of its own, so that no keyring of the machine is touched. */
async function desktop(home: string): Promise<Record<string, string>> {
  const data = join(home, 'data')
  const runtime = join(home, 'run')
  await mkdir(data, { recursive: true })
  await mkdir(runtime, { recursive: true, mode: 0o700 })
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_DATA_HOME: data,
    XDG_RUNTIME_DIR: runtime,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(runtime, 'session')}`,
  }
}

async function startBus(env: Record<string, string>): Promise<ChildProcess> {
  const address = env['DBUS_SESSION_BUS_ADDRESS'] ?? ''
  const words = ['--session', '--nofork', '--print-address', `--address=${address}`]
  const bus = spawn('dbus-daemon', words, { env, stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise((resolve) => bus.stdout.once('data', resolve))
  // What the bus starts inherits this pipe; open, it would keep the test waiting for them.
  bus.stdout.destroy()
  return bus
}

/** Reads the password for a new login keyring from stdin; stays behind as a daemon of that bus. */
async function unlockKeyring(env: Record<string, string>): Promise<void> {
  const words = ['--unlock', '--components=secrets']
  const keyring = spawn('gnome-keyring-daemon', words, { env, stdio: ['pipe', 'pipe', 'ignore'] })
  keyring.stdin.end('password')
  await text(keyring.stdout)
}

async function contains(path: string, needle: string): Promise<boolean> {
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    if ((await readFile(join(entry.parentPath, entry.name))).includes(needle)) return true
  }
  return false
}
