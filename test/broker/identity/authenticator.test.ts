import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { publicAddress } from '../../../broker/identity/authenticator.ts'
import { challengeHeaders, isChallenge } from '../../../broker/identity/challenge.ts'
import type { Credentials } from '../../../cli/login/credentials.ts'
import { deviceFlow } from '../../../cli/login/device-flow.ts'
import { createProver, type Prover } from '../../../cli/login/proof.ts'
import { refresh } from '../../../cli/login/refresh.ts'
import { HoopError } from '../../../protocol/errors.ts'
import { type IdentityBench, startIdentity } from '../../support/identity.ts'

/** Tokens of the real provider, proofs of the real client. */
let bench: IdentityBench
let alice: Credentials
let prover: Prover

before(async () => {
  bench = await startIdentity()
  alice = await loginAs('alice')
  prover = await createProver(alice.key)
})
after(() => bench.close())

function loginAs(account: string): Promise<Credentials> {
  const { provider } = bench
  return deviceFlow({
    settings: provider,
    signal: new AbortController().signal,
    interval: 0.05,
    onCode: ({ user_code }) => provider.approveDevice(user_code, account),
  })
}

interface Call {
  readonly method?: string
  readonly url?: string
  readonly token?: string
  readonly scheme?: string
  readonly prover?: Prover
}

async function headersOf(call: Call = {}): Promise<Record<string, string>> {
  const accessToken = call.token ?? alice.accessToken
  const proof = await (call.prover ?? prover).prove({
    method: call.method ?? 'GET',
    url: call.url ?? `${bench.broker}/v1/whoami`,
    accessToken,
    nonce: bench.authenticator.nonce(),
    now: Date.now(),
  })
  return { authorization: `${call.scheme ?? 'DPoP'} ${accessToken}`, dpop: proof }
}

function authenticate(headers: Record<string, string>, url = '/v1/whoami', method = 'GET') {
  return bench.authenticator.authenticate({ method, url, headers })
}

test('a login of the real provider becomes a person with groups and roles', async () => {
  const who = await authenticate(await headersOf())
  assert.equal(who.issuer, bench.provider.issuer)
  assert.equal(who.subject, 'alice')
  assert.equal(who.email, 'alice@example.com')
  assert.deepEqual(who.groups, ['engineers'])
  assert.deepEqual(who.roles, ['requester'])
  assert.ok(who.expiresAt > Date.now())
})

test('AP-19: groups are read again at every refresh', async () => {
  const bob = await loginAs('bob')
  bench.provider.setGroups('bob', ['oncall'])
  const renewed = await refresh(bob, bob.refreshToken ?? '')
  const headers = await headersOf({
    token: renewed.accessToken,
    prover: await createProver(renewed.key),
  })
  const who = await authenticate(headers)
  assert.deepEqual([who.groups, who.roles], [['oncall'], []])
})

describe('AP-08: a token that leaked is worth nothing', () => {
  test('as a bearer token', async () => {
    const headers = await headersOf({ scheme: 'Bearer' })
    await assert.rejects(authenticate(headers), { code: 'invalid_token' })
  })

  test('without a proof', async () => {
    const { authorization } = await headersOf()
    await assert.rejects(authenticate({ authorization: authorization ?? '' }), {
      code: 'invalid_dpop_proof',
    })
  })

  test('with a proof by the thief’s own key', async () => {
    const mallory = await loginAs('bob')
    const headers = await headersOf({ prover: await createProver(mallory.key) })
    await assert.rejects(authenticate(headers), { code: 'invalid_token', message: /another key/ })
  })

  test('with a whole request that was overheard', async () => {
    const headers = await headersOf()
    await authenticate(headers)
    await assert.rejects(authenticate(headers), {
      code: 'invalid_dpop_proof',
      message: /used before/,
    })
  })

  test('with a proof that was made for another call', async () => {
    const headers = await headersOf({ method: 'POST' })
    await assert.rejects(authenticate(headers), { code: 'invalid_dpop_proof' })
    const other = await headersOf({ url: `${bench.broker}/v1/requests` })
    await assert.rejects(authenticate(other), { code: 'invalid_dpop_proof' })
  })

  test('two proofs in one request', async () => {
    const { authorization, dpop } = await headersOf()
    const headers = { authorization: authorization ?? '', dpop: `${dpop}, ${dpop}` }
    await assert.rejects(authenticate(headers), { code: 'invalid_dpop_proof' })
  })

  test('AP-03: a proof made for the name in the Host header is not one for us', async () => {
    const headers = await headersOf({ url: 'http://evil.example.com/v1/whoami' })
    const request = { ...headers, host: 'evil.example.com' }
    await assert.rejects(authenticate(request), { code: 'invalid_dpop_proof' })
  })
})

test('AP-10: a proof for a WebSocket upgrade, and again inside the tunnel', async () => {
  const url = `${bench.broker.replace('http', 'ws')}/v1/tunnel`
  await authenticate(await headersOf({ url }), '/v1/tunnel')
  await authenticate(await headersOf({ url }), '/v1/tunnel')
})

test('nobody logged in: a challenge without an error, as RFC 6750 section 3.1 wants', async () => {
  const error = await authenticate({}).catch((reason: unknown) => reason)
  assert.ok(isChallenge(error))
  assert.equal(error.code, 'not_logged_in')
  const headers = challengeHeaders(error, bench.authenticator)
  assert.match(headers['WWW-Authenticate'], /^DPoP algs="ES256 /)
  assert.equal(headers['DPoP-Nonce'], bench.authenticator.nonce())
})

test('a missing nonce: the challenge of RFC 9449 section 9', () => {
  const error = new HoopError({ code: 'use_dpop_nonce', message: 'm' })
  const headers = challengeHeaders(error, bench.authenticator)
  assert.match(headers['WWW-Authenticate'], /^DPoP error="use_dpop_nonce", algs="/)
  assert.equal(isChallenge(new HoopError({ code: 'policy', message: 'm' })), false)
  assert.equal(isChallenge(new Error('x')), false)
})

test('a broker below a path has it in its addresses', () => {
  assert.equal(publicAddress('https://x.example/hoop/', '/v1/a?b'), 'https://x.example/hoop/v1/a?b')
  assert.equal(publicAddress('https://x.example', 'https://y.example/v1'), 'https://y.example/v1')
})
