import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import type { Credentials } from '../../../cli/login/credentials.ts'
import { type DeviceCode, deviceFlow } from '../../../cli/login/device-flow.ts'

/** A provider that says what a test wants; the real one is in broker/demo/provider.test.ts. */
interface Script {
  discovery: Record<string, unknown>
  device: Record<string, unknown>
  /** Answers of the token endpoint, one after the other; the last one stays. */
  tokens: [number, Record<string, unknown>][]
}

let server: Server
let issuer: string
let script: Script
let asked: { path: string; body: URLSearchParams; proof: string | undefined }[]

const TOKENS = {
  access_token: 'access',
  refresh_token: 'refresh',
  token_type: 'DPoP',
  expires_in: 60,
}

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const { url: path = '' } = request
      const proof = request.headers['dpop'] as string | undefined
      asked.push({ path, body: new URLSearchParams(text), proof })
      const [status, body] = answerTo(path)
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  script = {
    discovery: {
      issuer,
      device_authorization_endpoint: `${issuer}/device`,
      token_endpoint: `${issuer}/token`,
      authorization_endpoint: `${issuer}/authorize`,
      jwks_uri: `${issuer}/jwks`,
    },
    device: {
      device_code: 'device-code',
      user_code: 'ABCD-EFGH',
      verification_uri: 'https://id.example.com/device',
      expires_in: 60,
    },
    tokens: [[200, TOKENS]],
  }
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

function answerTo(path: string): [number, Record<string, unknown>] {
  if (path.startsWith('/.well-known/')) return [200, script.discovery]
  if (path === '/device') return [200, script.device]
  if (path !== '/token') return [404, {}]
  const [first = [404, {}]] = script.tokens
  if (script.tokens.length > 1) script.tokens.shift()
  return first
}

function login(onCode: (code: DeviceCode) => void = () => undefined): Promise<Credentials> {
  return deviceFlow({
    settings: {
      issuer,
      clientId: 'cli',
      audience: 'https://hoop.example.com',
      scopes: ['openid', 'x'],
    },
    signal: new AbortController().signal,
    interval: 0.01,
    onCode: async (code) => onCode(code),
  })
}

const pending: [number, Record<string, unknown>] = [400, { error: 'authorization_pending' }]

test('asks until the person is done; says for whom the token is; proves its key', async () => {
  script.tokens = [pending, pending, [200, TOKENS]]
  const credentials = await login()
  assert.equal(credentials.accessToken, 'access')
  assert.equal(credentials.refreshToken, 'refresh')
  const [device] = asked.filter(({ path }) => path === '/device')
  assert.equal(device?.body.get('scope'), 'openid x')
  assert.equal(device?.body.get('resource'), 'https://hoop.example.com')
  const questions = asked.filter(({ path }) => path === '/token')
  assert.equal(questions.length, 3)
  for (const { body, proof } of questions) {
    assert.equal(body.get('device_code'), 'device-code')
    assert.equal(body.get('client_id'), 'cli')
    assert.match(proof ?? '', /^eyJ/)
  }
})

test('a provider without verification_uri_complete, refresh token or expires_in', async () => {
  script.tokens = [[200, { access_token: 'access', token_type: 'dpop' }]]
  let shown: DeviceCode | null = null
  const credentials = await login((code) => {
    shown = code
  })
  assert.deepEqual(shown, {
    verification_uri: 'https://id.example.com/device',
    verification_uri_complete: 'https://id.example.com/device',
    user_code: 'ABCD-EFGH',
    expires_in: 60,
  })
  assert.equal(credentials.refreshToken, null)
  assert.equal(credentials.expiresAt - credentials.obtainedAt, 300_000)
})

test('a token that is not bound to the key is not taken', async () => {
  script.tokens = [[200, { ...TOKENS, token_type: 'Bearer' }]]
  await assert.rejects(login(), { code: 'token_not_bound', exit: 3 })
})

test('a provider without the device flow', async () => {
  delete script.discovery['device_authorization_endpoint']
  await assert.rejects(login(), { code: 'no_device_flow', exit: 3 })
})

test('a discovery document of somebody else', async () => {
  script.discovery['issuer'] = 'https://evil.example.com'
  await assert.rejects(login(), { code: 'provider_unreachable', exit: 7 })
})

test('a login page that is no web page is shown to nobody', async () => {
  for (const address of ['javascript:alert(1)', 'file:///etc/passwd', 'https://x/\u001b[2J']) {
    script.device['verification_uri_complete'] = address
    await assert.rejects(
      login(() => assert.fail('shown')),
      { code: 'provider_unreachable' },
    )
  }
})

const endings: [string, string, number][] = [
  ['access_denied', 'login_denied', 3],
  ['expired_token', 'login_timed_out', 3],
  ['invalid_client', 'provider_refused', 3],
]
for (const [error, code, exit] of endings) {
  test(`the provider says ${error}`, async () => {
    script.tokens = [pending, [400, { error, error_description: 'because' }]]
    await assert.rejects(login(), { code, exit })
  })
}

test('nobody comes before the code is over', async () => {
  script.device['expires_in'] = 1
  script.tokens = [pending]
  await assert.rejects(login(), { code: 'login_timed_out', exit: 3 })
})

test('a provider that breaks in the middle', async () => {
  script.tokens = [pending, [500, {}]]
  await assert.rejects(login(), { code: 'provider_unreachable', exit: 7 })
})
