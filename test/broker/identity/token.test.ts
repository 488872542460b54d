import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { createTokenVerifier, type TokenVerifier } from '../../../broker/identity/token.ts'
import { base64url, keyed, NOW, signed, testKey } from './support.ts'

const ISSUER = 'https://id.example.com'
const AUDIENCE = 'https://hoop.example.com'
const KEY = { ...testKey(), kid: 'k1' }
const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: KEY.kid }
const SECOND = Math.floor(NOW / 1000)
const CLAIMS = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'alice',
  iat: SECOND - 10,
  exp: SECOND + 600,
  cnf: { jkt: 'thumbprint' },
}

interface World {
  readonly verifier: TokenVerifier
  /** Addresses that were fetched. */
  readonly fetched: string[]
  /** What the provider answers, by address; absent: it is down. */
  readonly answers: Map<string, unknown>
}

function world(): World {
  const answers = new Map<string, unknown>([
    [`${ISSUER}/.well-known/openid-configuration`, { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }],
    [`${ISSUER}/jwks`, { keys: [{ ...KEY.jwk, kid: KEY.kid, alg: 'ES256', use: 'sig' }] }],
  ])
  const fetched: string[] = []
  const get = async (address: string | URL | Request): Promise<Response> => {
    fetched.push(String(address))
    if (!answers.has(String(address))) throw new TypeError('fetch failed')
    return Response.json(answers.get(String(address)))
  }
  const verifier = createTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    fetch: get as typeof fetch,
  })
  return { verifier, fetched, answers }
}

function token(claims: object = {}, header: object = {}): string {
  return signed({ ...HEADER, ...header }, { ...CLAIMS, ...claims }, KEY.privateKey)
}

test('a bound access token of this issuer for this broker passes, and the keys are fetched once', async () => {
  const { verifier, fetched } = world()
  assert.equal((await verifier.verify(token(), NOW)).sub, 'alice')
  assert.equal((await verifier.verify(token({ aud: ['x', AUDIENCE] }), NOW)).cnf.jkt, 'thumbprint')
  assert.equal(fetched.length, 2)
})

describe('AP-08: a token is for this broker, bound, and short-lived', () => {
  const attacks: Record<string, [string, RegExp]> = {
    'for another broker': [token({ aud: 'https://other.example.com' }), /not for https:\/\/hoop/],
    'for nobody': [token({ aud: undefined }), /not for|aud/],
    'from another issuer': [token({ iss: 'https://evil.example.com' }), /not from/],
    'for nobody in particular': [token({ sub: undefined }), /sub/],
    'with an empty subject': [token({ sub: '' }), /for whom/],
    'without an end': [token({ exp: undefined }), /exp/],
    'issued in the future': [token({ iat: SECOND + 300 }), /in the future/],
    'not valid yet': [token({ nbf: SECOND + 300 }), /nbf/],
    'good for two days': [token({ exp: SECOND + 48 * 3600 }), /longer than a day/],
    'not bound to a key': [token({ cnf: undefined }), /not bound to a key/],
    'bound to a certificate only': [token({ cnf: { 'x5t#S256': 'x' } }), /not bound to a key/],
    'with an empty binding': [token({ cnf: { jkt: '' } }), /not bound to a key/],
    'an ID token’s cousin': [token({}, { typ: 'logout+jwt' }), /no access token/],
    'a proof in its place': [token({}, { typ: 'dpop+jwt' }), /no access token/],
    'of an unknown key': [token({}, { kid: 'k2' }), /does not verify/],
    'signed by another key': [signed(HEADER, CLAIMS, testKey().privateKey), /does not verify/],
    'with alg none': [
      `${base64url({ ...HEADER, alg: 'none' })}.${base64url(CLAIMS)}.`,
      /does not verify/,
    ],
    'HS256 with the public key as its secret': [
      keyed(
        { ...HEADER, alg: 'HS256' },
        CLAIMS,
        createPublicKey(KEY.privateKey).export({ type: 'spki', format: 'pem' }).toString(),
      ),
      /does not verify/,
    ],
    'with a byte changed': [`${token().slice(0, -3)}AAA`, /does not verify/],
    'that is no JWT': ['abc', /does not verify/],
    'that is huge': ['a'.repeat(20_000), /too long/],
  }
  for (const [name, [attack, why]] of Object.entries(attacks)) {
    test(name, async () => {
      const refusal = { code: 'invalid_token', exit: 3, message: why }
      await assert.rejects(world().verifier.verify(attack, NOW), refusal)
    })
  }

  test('an expired one says so, half a minute of another clock apart', async () => {
    const { verifier } = world()
    await verifier.verify(token({ exp: SECOND - 20 }), NOW)
    const expired = verifier.verify(token({ exp: SECOND - 40 }), NOW)
    await assert.rejects(expired, { code: 'login_expired', exit: 3, hint: 'Run `hoop login`.' })
  })
})

describe('the provider', () => {
  test('down at first, up later: the next call works', async () => {
    const { verifier, answers } = world()
    const discovery = `${ISSUER}/.well-known/openid-configuration`
    const document = answers.get(discovery)
    answers.delete(discovery)
    await assert.rejects(verifier.verify(token(), NOW), { code: 'provider_unreachable', exit: 7 })
    answers.set(discovery, document)
    await verifier.verify(token(), NOW)
  })

  test('keys that cannot be fetched are the provider’s fault, not the caller’s', async () => {
    const { verifier, answers } = world()
    answers.delete(`${ISSUER}/jwks`)
    await assert.rejects(verifier.verify(token(), NOW), { code: 'provider_unreachable', exit: 7 })
  })

  test('a discovery document of somebody else is not believed', async () => {
    const { verifier, answers } = world()
    const document = {
      issuer: 'https://evil.example.com',
      jwks_uri: 'https://evil.example.com/jwks',
    }
    answers.set(`${ISSUER}/.well-known/openid-configuration`, document)
    await assert.rejects(verifier.verify(token(), NOW), { code: 'provider_unreachable', exit: 7 })
  })

  test('keys that would come over plain http are not fetched', async () => {
    for (const jwks_uri of ['http://id.example.com/jwks', 'file:///jwks', 'jwks', 7, undefined]) {
      const { verifier, answers, fetched } = world()
      answers.set(`${ISSUER}/.well-known/openid-configuration`, { issuer: ISSUER, jwks_uri })
      await assert.rejects(verifier.verify(token(), NOW), { code: 'provider_unreachable' })
      assert.equal(fetched.length, 1)
    }
  })

  test('key ids that nobody knows do not make the broker fetch each time', async () => {
    const { verifier, fetched } = world()
    await verifier.verify(token(), NOW)
    for (let call = 0; call < 10; call++) {
      const unknown = verifier.verify(token({}, { kid: `k${call + 2}` }), NOW)
      await assert.rejects(unknown, { code: 'invalid_token' })
    }
    assert.equal(fetched.length, 2)
  })
})
