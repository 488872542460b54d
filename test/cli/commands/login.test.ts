import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { deviceScreen } from '../../../cli/commands/login.ts'
import { secretFile } from '../../../cli/local/secret-file.ts'
import type { Credentials } from '../../../cli/login/credentials.ts'
import {
  document,
  type Finished,
  failure,
  hoop,
  type Identity,
  RunningHoop,
} from '../../support/hoop.ts'
import { type IdentityBench, startIdentity } from '../../support/identity.ts'

let folder: string
let bench: IdentityBench
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hoop-login-'))
  bench = await startIdentity()
})
after(async () => {
  await bench.close()
  await rm(folder, { recursive: true })
})

function identity(profile: string): Identity {
  return { home: join(folder, 'home'), profile }
}

function login(profile: string, ...more: string[]): Promise<Finished> {
  return hoop(['login', '--broker', bench.broker, '--as', profile, ...more], identity(profile))
}

function lines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('login, whoami, logout', () => {
  test('--json prints the code at once and then who it is', async () => {
    const done = await login('alice', '--json')
    assert.equal(done.code, 0, done.stderr)
    const [code, event] = lines(done.stdout)
    assert.deepEqual(Object.keys(code ?? {}).sort(), [
      'expires_in',
      'user_code',
      'verification_uri',
      'verification_uri_complete',
    ])
    const { subject, email, groups } = event ?? {}
    assert.deepEqual(event, { event: 'login', subject, email, groups })
    assert.deepEqual([subject, email, groups], ['alice', 'alice@example.com', ['engineers']])
  })

  test('whoami has the shape of the contract', async () => {
    await login('alice')
    const who = document(await hoop(['whoami', '--json'], identity('alice')))
    const { expires_at, ...rest } = who
    assert.match(String(expires_at), /^\d{4}-\d\d-\d\dT.*Z$/)
    assert.deepEqual(rest, {
      subject: 'alice',
      email: 'alice@example.com',
      groups: ['engineers'],
      roles: ['requester'],
      broker: bench.broker,
      profile: 'alice',
    })
  })

  test('the broker is remembered for the profile, and profiles are different people', async () => {
    await login('alice')
    await login('bob')
    const again = await hoop(['login', '--as', 'alice'], identity('alice'))
    assert.equal(again.code, 0, again.stderr)
    const bob = document(await hoop(['whoami', '--json'], identity('bob')))
    assert.deepEqual([bob['subject'], bob['roles']], ['bob', ['requester', 'approver']])
  })

  test('the broker’s address comes from HOOP_BROKER, too', async () => {
    const env = { HOOP_BROKER: bench.broker, HOOP_AS: 'bob' }
    const done = await hoop(['login'], identity('by-env'), { env })
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stderr, /Logged in to http:.* as bob@example.com \(dba\)/)
    assert.equal(done.stdout, '')
  })

  test('no token is in a file as it is', async () => {
    await login('alice')
    const home = identity('alice').home
    for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const content = await readFile(join(entry.parentPath, entry.name), 'latin1')
      assert.doesNotMatch(content, /eyJ|refreshToken|"d":/, entry.name)
    }
  })

  test('logout forgets here and at the provider, and whoami then says what to do', async () => {
    await login('leaver-alice', '--json').then((done) => assert.equal(done.code, 3))
    await hoop(['login', '--broker', bench.broker, '--as', 'alice'], identity('leaver'))
    const out = document(await hoop(['logout', '--json'], identity('leaver')))
    assert.deepEqual(out, { logged_out: true, revoked: true })
    const error = failure(await hoop(['whoami', '--json'], identity('leaver')))
    assert.deepEqual([error.code, error.exit], ['not_logged_in', 3])
    assert.match(error.hint ?? '', /hoop login --profile leaver/)
    const again = document(await hoop(['logout', '--json'], identity('leaver')))
    assert.deepEqual(again, { logged_out: false, revoked: false })
  })
})

describe('a login near its end', () => {
  /** Changes what is kept of a login, as time would. */
  async function age(profile: string, change: Partial<Credentials>): Promise<void> {
    const store = secretFile(identity(profile).home, profile)
    const kept = JSON.parse((await store.read()) ?? '{}') as Credentials
    await store.write(JSON.stringify({ ...kept, ...change }))
  }

  test('processes that start at once renew it once: the rotating token is used by one', async () => {
    await login('alice')
    await age('alice', { expiresAt: Date.now() - 1 })
    const many = Array.from({ length: 4 }, () => hoop(['whoami', '--json'], identity('alice')))
    for (const done of await Promise.all(many)) assert.equal(document(done)['subject'], 'alice')
    // The provider ends the whole login when a used token comes back; it did not.
    await age('alice', { expiresAt: Date.now() - 1 })
    assert.equal((await hoop(['whoami'], identity('alice'))).code, 0)
  })

  test('over, and not to be renewed: exit 3 and the command to type', async () => {
    await login('alice')
    await age('alice', { expiresAt: Date.now() - 1, refreshToken: 'used up' })
    const done = await hoop(['whoami', '--json'], identity('alice'))
    const error = failure(done)
    assert.deepEqual([error.code, done.code], ['login_expired', 3])
    assert.equal(error.hint, 'Run `hoop login --profile alice`.')
  })

  test('the provider is down: exit 7 only when the login is over', async () => {
    await login('alice')
    const issuer = await closedAddress()
    await age('alice', { issuer, obtainedAt: 0, expiresAt: Date.now() + 50_000 })
    assert.equal((await hoop(['whoami'], identity('alice'))).code, 0)
    await age('alice', { issuer, expiresAt: Date.now() - 1 })
    const done = await hoop(['whoami', '--json'], identity('alice'))
    assert.deepEqual([failure(done).code, done.code], ['provider_unreachable', 7])
  })

  test('logout while the provider is down: gone here, and said', async () => {
    await login('alice')
    await age('alice', { issuer: await closedAddress() })
    const done = await hoop(['logout'], identity('alice'))
    assert.equal(done.code, 0)
    assert.match(done.stderr, /gone here, but the provider was not told/)
    assert.equal((await hoop(['whoami'], identity('alice'))).code, 3)
  })
})

describe('a login that cannot be', () => {
  async function refused(args: string[], code: string, exit: number): Promise<string> {
    const profile = `refused-${code}`
    const done = await hoop(['login', '--json', ...args], identity(profile))
    const error = failure(done)
    assert.deepEqual([error.code, error.exit, done.code], [code, exit, exit])
    const who = failure(await hoop(['whoami', '--json'], identity(profile)))
    assert.equal(who.exit, 3)
    return `${error.message} ${error.hint}`
  }

  test('no broker given, none remembered', async () => {
    await refused([], 'usage', 2)
  })

  test('plain http to another machine', async () => {
    await refused(['--broker', 'http://hoop.example.com'], 'insecure_broker', 2)
  })

  test('a broker that is down', async () => {
    const text = await refused(['--broker', await closedAddress()], 'broker_unreachable', 7)
    assert.match(text, /ECONNREFUSED/)
  })

  test('an address where something else answers', async () => {
    const text = await refused(['--broker', bench.provider.issuer], 'not_a_broker', 7)
    assert.match(text, /answered 404/)
  })

  test('another name of the same broker: the message says which one it answers to', async () => {
    const other = bench.broker.replace('127.0.0.1', 'localhost')
    const text = await refused(['--broker', other, '--as', 'alice'], 'invalid_dpop_proof', 3)
    assert.ok(text.includes(bench.broker), text)
  })

  test('a provider that is down', async () => {
    const broker = await fakeBroker({ issuer: await closedAddress() })
    const text = await refused(['--broker', broker.address], 'provider_unreachable', 7)
    broker.close()
    assert.match(text, /ECONNREFUSED/)
  })

  test('a provider that speaks plain http from another machine', async () => {
    const broker = await fakeBroker({ issuer: 'http://id.example.com' })
    await refused(['--broker', broker.address], 'provider_unreachable', 7)
    broker.close()
  })

  test('--as against a broker that is no demo', async () => {
    const { issuer } = bench.provider
    const broker = await fakeBroker({ issuer, demo: false })
    await refused(['--broker', broker.address, '--as', 'alice'], 'not_a_demo', 2)
    broker.close()
  })

  test('--as against a provider that is not on this machine', async () => {
    const broker = await fakeBroker({ issuer: 'https://id.example.com', demo: true })
    await refused(['--broker', broker.address, '--as', 'alice'], 'not_a_demo', 2)
    broker.close()
  })

  test('a person whom the demo does not know', async () => {
    const args = ['--broker', bench.broker, '--as', 'mallory']
    assert.match(
      await refused(args, 'demo_login_failed', 3),
      /knows no "mallory"; it has alice, bob/,
    )
  })

  test('Ctrl-C while it waits: one clean line, nothing kept', async () => {
    const args = ['login', '--broker', bench.broker, '--no-browser', '--json']
    const running = new RunningHoop(args, identity('interrupted'))
    await running.line((line) => 'user_code' in line)
    const done = await running.interrupt()
    assert.equal(done.code, 1)
    assert.equal(failure(done).code, 'cancelled')
    assert.equal(failure(await hoop(['whoami', '--json'], identity('interrupted'))).exit, 3)
  })
})

describe('what the person sees', () => {
  test('the address, the code and how long, without a TTY and in 80 columns', async () => {
    const args = ['login', '--broker', bench.broker, '--no-browser']
    const running = new RunningHoop(args, identity('screen'))
    await running.until(() => running.stderr.includes('Ctrl-C stops.\n'), 'the screen')
    const { stdout, stderr, code } = await running.interrupt()
    assert.equal(stdout, '')
    assert.match(stderr, /^To log in to http/)
    assert.match(stderr, /\n {4}http:\/\/127.0.0.1:\d+\/device\?user_code=[A-Z]{4}-[A-Z]{4}\n/)
    assert.match(stderr, /\n {4}[A-Z]{4}-[A-Z]{4}\n/)
    assert.match(stderr, /up to 10 minutes/)
    assert.match(stderr, /\nerror: The login was cancelled; nothing was changed. \[cancelled\]\n$/)
    assert.equal(code, 1)
    for (const line of stderr.split('\n')) assert.ok(line.length <= 80, line)
  })

  test('a person of the demo needs no screen: one line', async () => {
    const done = await login('alice')
    const name = 'alice@example.com (engineers)'
    assert.equal(done.stderr, `Logged in to ${bench.broker} as ${name}.\n`)
  })

  test('what a provider sends cannot act on the terminal', () => {
    const screen = deviceScreen(
      {
        verification_uri: 'https://id.example',
        verification_uri_complete: 'https://id.example/\u001b[2J',
        user_code: 'AB\u202eCD',
        expires_in: 60,
      },
      'https://hoop.example.com',
    )
    assert.equal(screen.includes('\u001b'), false)
    assert.equal(screen.includes('\u202e'), false)
    assert.match(screen, /up to 1 minute\./)
  })
})

async function closedAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

/** Describes itself as it is told, and can do nothing else. */
async function fakeBroker(parts: object): Promise<{ address: string; close(): void }> {
  const discovery = {
    name: 'hoop',
    version: '0.0.0',
    client_id: bench.provider.clientId,
    audience: bench.provider.audience,
    scopes: bench.provider.scopes,
    demo: false,
    ...parts,
  }
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(discovery))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { address: `http://127.0.0.1:${port}`, close }
}
