import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { z } from 'zod'
import { BrokerApi } from '../../cli/broker-api.ts'
import { Profile } from '../../cli/local/profile.ts'
import type { CredentialStore, Credentials } from '../../cli/login/credentials.ts'
import { deviceFlow } from '../../cli/login/device-flow.ts'
import { discoverBroker } from '../../cli/login/discovery.ts'
import { LoginSession } from '../../cli/login/session.ts'
import { Whoami } from '../../protocol/api/identity.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { type IdentityBench, startIdentity } from '../support/identity.ts'

let home: string
let profile: Profile
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'hoop-api-'))
  profile = await Profile.load('alice', { HOOP_HOME: home })
})
after(() => rm(home, { recursive: true }))

/** A keychain in memory that counts. */
class MemoryStore implements CredentialStore {
  kept: Credentials | null
  writes = 0

  constructor(kept: Credentials | null) {
    this.kept = kept
  }

  async read(): Promise<Credentials | null> {
    return this.kept
  }

  async write(credentials: Credentials): Promise<void> {
    this.kept = credentials
    this.writes += 1
  }

  async remove(): Promise<void> {
    this.kept = null
  }
}

function loginTo(bench: IdentityBench, account: string): Promise<Credentials> {
  return deviceFlow({
    settings: bench.provider,
    signal: new AbortController().signal,
    interval: 0.05,
    onCode: ({ user_code }) => bench.provider.approveDevice(user_code, account),
  })
}

/** As if the access token were about to end. */
function stale(credentials: Credentials): Credentials {
  return { ...credentials, obtainedAt: Date.now() - 600_000, expiresAt: Date.now() + 1_000 }
}

describe('against the real broker API and the real provider', () => {
  let bench: IdentityBench
  let alice: Credentials
  let store: MemoryStore

  before(async () => {
    bench = await startIdentity()
  })
  after(() => bench.close())
  beforeEach(async () => {
    alice = await loginTo(bench, 'alice')
    store = new MemoryStore(alice)
    bench.calls.length = 0
  })

  function api(session: LoginSession): BrokerApi {
    return BrokerApi.withSession(bench.broker, profile, session)
  }

  const whoami = (of: BrokerApi): Promise<Whoami> =>
    of.request('GET', '/v1/whoami', { schema: Whoami })

  test('the first call learns the nonce, the next ones have it', async () => {
    const client = api(await LoginSession.open(profile, store))
    assert.equal((await whoami(client)).subject, 'alice')
    assert.equal((await whoami(client)).subject, 'alice')
    assert.deepEqual(bench.calls, [
      'GET /v1/whoami 401',
      'GET /v1/whoami 200',
      'GET /v1/whoami 200',
    ])
  })

  test('calls at the same time do not disturb each other', async () => {
    const client = api(await LoginSession.open(profile, store))
    const answers = await Promise.all(Array.from({ length: 20 }, () => whoami(client)))
    assert.ok(answers.every((answer) => answer.subject === 'alice'))
  })

  test('a query is part of the call and not of the proof', async () => {
    const client = api(await LoginSession.open(profile, store))
    const query = { a: 1, b: 'x y', c: null, d: undefined, e: true }
    await client.request('GET', '/v1/whoami', { query })
    assert.equal(bench.calls.at(-1), 'GET /v1/whoami?a=1&b=x+y&e=true 200')
  })

  test('headers for a tunnel are accepted by the authenticator', async () => {
    const client = api(await LoginSession.open(profile, store))
    const url = client.tunnelUrl()
    assert.match(url, /^ws:\/\/127\.0\.0\.1:\d+\/v1\/tunnel$/)
    const { Authorization, DPoP } = await client.tunnelHeaders(url, {
      nonce: bench.authenticator.nonce(),
    })
    const headers = { authorization: Authorization ?? '', dpop: DPoP ?? '' }
    const who = await bench.authenticator.authenticate({
      method: 'GET',
      url: '/v1/tunnel',
      headers,
    })
    assert.equal(who.subject, 'alice')
  })

  test('a login near its end is renewed before the call, and kept', async () => {
    store.kept = stale(alice)
    const client = api(await LoginSession.open(profile, store))
    await whoami(client)
    assert.equal(store.writes, 1)
    assert.notEqual(store.kept?.accessToken, alice.accessToken)
    assert.notEqual(store.kept?.refreshToken, alice.refreshToken)
    assert.deepEqual(store.kept?.key, alice.key)
  })

  test('many calls and many sessions renew once: a refresh token is never used twice', async () => {
    store.kept = stale(alice)
    const sessions = await Promise.all(
      Array.from({ length: 5 }, () => LoginSession.open(profile, store)),
    )
    const calls = sessions.flatMap((session) => [whoami(api(session)), whoami(api(session))])
    for (const answer of await Promise.all(calls)) assert.equal(answer.subject, 'alice')
    assert.equal(store.writes, 1)
  })

  test('a provider that is down does not end a login that is still good', async () => {
    const away = { ...stale(alice), issuer: 'http://127.0.0.1:9' }
    store.kept = { ...away, expiresAt: Date.now() + 30_000 }
    const client = api(await LoginSession.open(profile, store))
    assert.equal((await whoami(client)).subject, 'alice')
  })

  test('over, and the provider is down: exit 7', async () => {
    store.kept = { ...alice, issuer: 'http://127.0.0.1:9', expiresAt: Date.now() - 1 }
    const client = api(await LoginSession.open(profile, store))
    await assert.rejects(whoami(client), { code: 'provider_unreachable', exit: 7 })
  })

  test('over, and the provider does not renew it: exit 3 and the way out', async () => {
    store.kept = { ...alice, refreshToken: 'revoked', expiresAt: Date.now() - 1 }
    const client = api(await LoginSession.open(profile, store))
    await assert.rejects(whoami(client), {
      code: 'login_expired',
      exit: 3,
      hint: 'Run `hoop login --broker URL --profile alice`.',
    })
  })

  test('a provider without refresh tokens: good until the end, then exit 3', async () => {
    store.kept = { ...stale(alice), refreshToken: null }
    const client = api(await LoginSession.open(profile, store))
    assert.equal((await whoami(client)).subject, 'alice')
    store.kept = { ...alice, refreshToken: null, expiresAt: Date.now() - 1 }
    const late = api(await LoginSession.open(profile, store))
    await assert.rejects(whoami(late), { code: 'login_expired', exit: 3 })
  })

  test('nobody logged in: exit 3', async () => {
    const opening = LoginSession.open(profile, new MemoryStore(null))
    await assert.rejects(opening, { code: 'not_logged_in', exit: 3 })
  })
})

describe('AP-12: a machine whose clock is wrong', () => {
  let bench: IdentityBench
  before(async () => {
    bench = await startIdentity()
  })
  after(() => bench.close())

  for (const minutes of [-600, -10, 10, 600]) {
    test(`${minutes} minutes off: proofs follow the broker's Date header`, async () => {
      const kept = await loginTo(bench, 'alice')
      const session = LoginSession.of(profile, new MemoryStore(kept), kept)
      const wrong = () => Date.now() + minutes * 60_000
      const client = BrokerApi.withSession(bench.broker, profile, session, wrong)
      for (let call = 0; call < 2; call++) {
        const who = await client.request('GET', '/v1/whoami', { schema: Whoami })
        assert.equal(who.subject, 'alice')
      }
    })
  }
})

describe('answers that a broker should not give', () => {
  let server: Server
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  let client: BrokerApi
  let bench: IdentityBench
  let kept: Credentials

  before(async () => {
    bench = await startIdentity()
    kept = await loginTo(bench, 'alice')
  })
  after(() => bench.close())
  beforeEach(async () => {
    server = createServer((request, response) => answer(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const session = LoginSession.of(profile, new MemoryStore(kept), kept)
    client = BrokerApi.withSession(`http://127.0.0.1:${port}`, profile, session)
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  function says(status: number, body: string): void {
    answer = (_request, response) => {
      response.statusCode = status
      response.end(body)
    }
  }

  const call = (): Promise<unknown> => client.request('GET', '/x', { schema: z.array(z.string()) })

  test('its own words are kept: code, message, hint, exit', async () => {
    const error = { code: 'self_approval', message: 'Not you.', hint: 'Ask bob.', exit: 4 }
    says(403, JSON.stringify({ error }))
    await assert.rejects(call(), error)
  })

  test('an exit code that the contract does not know becomes 1; none hides behind 0', async () => {
    for (const exit of [0, 99, 'x', null]) {
      says(400, JSON.stringify({ error: { code: 'x', message: 'y', hint: null, exit } }))
      await assert.rejects(call(), { code: 'x', exit: 1 })
    }
  })

  const bare: [number, string, number][] = [
    [401, 'not_logged_in', EXIT.login],
    [403, 'refused', EXIT.refused],
    [404, 'not_a_broker', EXIT.unreachable],
    [500, 'not_a_broker', EXIT.unreachable],
    [503, 'broker_unavailable', EXIT.unreachable],
  ]
  for (const [status, code, exit] of bare) {
    test(`${status} without a word`, async () => {
      says(status, '<html>')
      await assert.rejects(call(), { code, exit })
    })
  }

  test('what is not JSON, and JSON of another form', async () => {
    says(200, '<html>')
    await assert.rejects(call(), { code: 'strange_answer', exit: 7 })
    says(200, '{"not":"a list"}')
    await assert.rejects(call(), { code: 'strange_answer', exit: 7 })
  })

  test('a redirect is not followed: the proof is for this address', async () => {
    const asked: string[] = []
    answer = (request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(307, { Location: '/elsewhere' }).end()
    }
    await assert.rejects(call(), HoopError)
    assert.deepEqual(asked, ['/x'])
  })

  test('a broker that asks for a nonce for ever is asked twice', async () => {
    let asked = 0
    answer = (_request, response) => {
      asked += 1
      response.writeHead(401, { 'DPoP-Nonce': `n${asked}` })
      response.end(JSON.stringify({ error: { code: 'use_dpop_nonce', message: 'm', exit: 3 } }))
    }
    await assert.rejects(call(), { code: 'use_dpop_nonce', exit: 3 })
    assert.equal(asked, 2)
  })

  test('a connection that is cut', async () => {
    answer = (request) => request.socket.destroy()
    await assert.rejects(call(), { code: 'broker_unreachable', exit: 7 })
  })

  test('a caller that stops waiting', async () => {
    answer = () => undefined
    const stop = AbortSignal.timeout(20)
    const waiting = client.stream('GET', '/x', { signal: stop })
    await assert.rejects(waiting, HoopError)
  })
})

test('a broker with a certificate that nobody vouches for: exit 7, and what to do', async () => {
  const file = (name: string) => readFile(new URL(`../fixtures/tls/${name}`, import.meta.url))
  const [key, cert] = await Promise.all([file('server.key'), file('server.pem')])
  const server = createTlsServer({ key, cert }, (_request, response) => response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const broker = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    await assert.rejects(discoverBroker(broker, new AbortController().signal), {
      code: 'broker_certificate',
      exit: 7,
      hint: /NODE_EXTRA_CA_CERTS/,
    })
  } finally {
    server.close()
  }
})
