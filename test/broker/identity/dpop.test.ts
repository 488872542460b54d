import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { verifyProof } from '../../../broker/identity/dpop.ts'
import { createNonces, NONCE_PERIOD_MS } from '../../../broker/identity/nonce.ts'
import { keyed, ProofBench, type ProofParts, signed, TOKEN, URL_OF_CALL } from './support.ts'

const MINUTE = 60_000

function check(bench: ProofBench, proof: string, url = URL_OF_CALL): Promise<string> {
  const { now, nonces, replay } = bench
  return verifyProof(proof, { method: 'GET', url, accessToken: TOKEN, now, nonces, replay })
}

function refused(bench: ProofBench, proof: string, why: RegExp): Promise<void> {
  return assert.rejects(check(bench, proof), { code: 'invalid_dpop_proof', exit: 3, message: why })
}

test('a proper proof names the key that signed it', async () => {
  const bench = new ProofBench()
  assert.equal(await check(bench, bench.proof()), bench.key.jkt)
})

describe('AP-09: a proof is for one request', () => {
  const attacks: Record<string, [ProofParts, RegExp]> = {
    'another method': [{ claims: { htm: 'POST' } }, /another method/],
    'the method in lower case': [{ claims: { htm: 'get' } }, /another method/],
    'another path': [
      { claims: { htu: 'https://hoop.example.com/v1/requests' } },
      /another address/,
    ],
    'the path in another case': [
      { claims: { htu: 'https://hoop.example.com/V1/whoami' } },
      /another address/,
    ],
    'another port': [
      { claims: { htu: 'https://hoop.example.com:8443/v1/whoami' } },
      /another address/,
    ],
    'plain http': [{ claims: { htu: 'http://hoop.example.com/v1/whoami' } }, /another address/],
    'another host': [{ claims: { htu: 'https://evil.example.com/v1/whoami' } }, /another address/],
    'a host hidden behind a user name': [
      { claims: { htu: 'https://hoop.example.com@evil.example.com/v1/whoami' } },
      /another address/,
    ],
    'a user name before the host': [
      { claims: { htu: 'https://a@hoop.example.com/v1/whoami' } },
      /another address/,
    ],
    'an address that is none': [{ claims: { htu: 'whoami' } }, /another address/],
    'no address': [{ claims: { htu: undefined } }, /another address/],
    'no method': [{ claims: { htm: undefined } }, /another method/],
    'no hash of the token': [{ claims: { ath: undefined } }, /another token/],
    'the hash of another token': [{ claims: { ath: 'AAAA' } }, /another token/],
    'no jti': [{ claims: { jti: undefined } }, /jti/],
    'an empty jti': [{ claims: { jti: '' } }, /jti/],
    'an oversized jti': [{ claims: { jti: 'j'.repeat(129) } }, /jti/],
    'a jti that is no string': [{ claims: { jti: 7 } }, /jti/],
    'no iat': [{ claims: { iat: undefined } }, /when it was made/],
    'an iat that is no number': [{ claims: { iat: '1' } }, /does not verify|when it was made/],
    'the type of an access token': [{ header: { typ: 'at+jwt' } }, /does not verify/],
    'no type': [{ header: { typ: undefined } }, /does not verify/],
    'no key': [{ header: { jwk: undefined } }, /no public key/],
    'a critical extension': [{ header: { crit: ['exp'], exp: 1 } }, /does not verify/],
  }
  for (const [name, [parts, why]] of Object.entries(attacks)) {
    test(name, async () => {
      const bench = new ProofBench()
      await refused(bench, bench.proof(parts), why)
    })
  }
})

describe('AP-09: a proof is signed by a public key of an asymmetric algorithm', () => {
  test('alg none', async () => {
    const bench = new ProofBench()
    const [, claims] = bench.proof().split('.')
    const header = Buffer.from(JSON.stringify({ ...bench.header(), alg: 'none' }))
    await refused(bench, `${header.toString('base64url')}.${claims}.`, /does not verify/)
  })

  test('HS256 with the public key as its secret', async () => {
    const bench = new ProofBench()
    const header = { ...bench.header(), alg: 'HS256' }
    await refused(bench, keyed(header, bench.claims(), JSON.stringify(bench.key.jwk)), /not verify/)
  })

  test('HS256 with a secret in the header', async () => {
    const bench = new ProofBench()
    const jwk = { kty: 'oct', k: Buffer.from('secret').toString('base64url') }
    const header = { ...bench.header(), alg: 'HS256', jwk }
    await refused(bench, keyed(header, bench.claims(), 'secret'), /secret key/)
  })

  test('a key with its private part', async () => {
    const bench = new ProofBench()
    const jwk = bench.key.privateKey.export({ format: 'jwk' })
    await refused(bench, bench.proof({ header: { jwk } }), /secret key/)
  })

  test('a signature by another key', async () => {
    const bench = new ProofBench()
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await refused(bench, signed(bench.header(), bench.claims(), privateKey), /does not verify/)
  })

  test('an algorithm that the key is not for', async () => {
    const bench = new ProofBench()
    await refused(bench, bench.proof({ header: { alg: 'RS256' } }), /does not verify/)
  })

  test('what is longer than any proof', async () => {
    const bench = new ProofBench()
    await refused(bench, bench.proof({ claims: { padding: 'x'.repeat(5_000) } }), /too long/)
  })
})

describe('AP-09: a proof is good once', () => {
  test('the same proof again', async () => {
    const bench = new ProofBench()
    const proof = bench.proof()
    await check(bench, proof)
    await refused(bench, proof, /used before/)
  })

  test('the same jti in another proof of the same key', async () => {
    const bench = new ProofBench()
    await check(bench, bench.proof({ claims: { jti: 'same' } }))
    await refused(bench, bench.proof({ claims: { jti: 'same', more: 1 } }), /used before/)
  })

  test('two people may choose the same jti', async () => {
    const alice = new ProofBench()
    const bob = new ProofBench()
    await check(alice, alice.proof({ claims: { jti: 'same' } }))
    const { now, nonces } = bob
    const proof = bob.proof({ claims: { jti: 'same' } })
    const context = { method: 'GET', url: URL_OF_CALL, accessToken: TOKEN, now, nonces }
    assert.equal(await verifyProof(proof, { ...context, replay: alice.replay }), bob.key.jkt)
  })

  test('a second broker with the same store and secret refuses it, too', async () => {
    const here = new ProofBench()
    const proof = here.proof()
    await check(here, proof)
    const { now, replay } = here
    const nonces = createNonces(Buffer.alloc(32, 7))
    const there = { method: 'GET', url: URL_OF_CALL, accessToken: TOKEN, now, nonces, replay }
    await assert.rejects(verifyProof(proof, there), { code: 'invalid_dpop_proof' })
  })

  test('at no moment is a proof accepted again, whatever its iat', async () => {
    const offsets = fc.integer({ min: -310, max: 70 })
    const waits = fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(offsets, waits, async (offset, pauses) => {
        const bench = new ProofBench()
        const proof = bench.proof({ claims: { iat: bench.now / 1000 + offset } })
        let accepted = 0
        for (const pause of [0, ...pauses]) {
          bench.now += pause * 1000
          accepted += await check(bench, proof).then(
            () => 1,
            () => 0,
          )
        }
        assert.ok(accepted <= 1)
      }),
      { numRuns: 60 },
    )
  })

  test('a refused proof leaves nothing in the replay store', async () => {
    const bench = new ProofBench()
    await refused(bench, bench.proof({ claims: { jti: 'x', ath: 'wrong' } }), /another token/)
    await check(bench, bench.proof({ claims: { jti: 'x' } }))
  })
})

describe('AP-09: addresses compare as RFC 9449 section 4.3 says', () => {
  const same: Record<string, [htu: string, url: string]> = {
    'host and scheme in another case': ['HTTPS://HOOP.example.com/v1/whoami', URL_OF_CALL],
    'the default port': ['https://hoop.example.com:443/v1/whoami', URL_OF_CALL],
    'a query in the request': [URL_OF_CALL, `${URL_OF_CALL}?view=inbox`],
    'a query and a fragment in the proof': [`${URL_OF_CALL}?a=b#c`, URL_OF_CALL],
    'a WebSocket address': ['wss://hoop.example.com/v1/whoami', URL_OF_CALL],
  }
  for (const [name, [htu, url]] of Object.entries(same)) {
    test(name, async () => {
      const bench = new ProofBench()
      assert.equal(await check(bench, bench.proof({ claims: { htu } }), url), bench.key.jkt)
    })
  }
})

describe('AP-11: nonces are the broker’s own and short-lived', () => {
  const nonces: Record<string, unknown> = {
    'no nonce': undefined,
    'an invented nonce': 'n'.repeat(32),
    'a nonce of another length': 'short',
    'a nonce that is no string': 7,
  }
  for (const [name, nonce] of Object.entries(nonces)) {
    test(name, async () => {
      const bench = new ProofBench()
      const proof = bench.proof({ claims: { nonce } })
      await assert.rejects(check(bench, proof), { code: 'use_dpop_nonce', exit: 3 })
    })
  }

  test('a nonce is good in its own and the next period, and then no more', async () => {
    const bench = new ProofBench()
    const nonce = bench.nonces.current(bench.now)
    bench.now += NONCE_PERIOD_MS
    await check(bench, bench.proof({ claims: { nonce } }))
    bench.now += NONCE_PERIOD_MS
    await assert.rejects(check(bench, bench.proof({ claims: { nonce } })), {
      code: 'use_dpop_nonce',
    })
  })

  test('a nonce of the future is not accepted either', async () => {
    const bench = new ProofBench()
    const nonce = bench.nonces.current(bench.now + NONCE_PERIOD_MS)
    await assert.rejects(check(bench, bench.proof({ claims: { nonce } })), {
      code: 'use_dpop_nonce',
    })
  })
})

describe('AP-12: the client’s clock is bounded, ours counts', () => {
  const iat = (bench: ProofBench, ms: number) => ({ claims: { iat: (bench.now + ms) / 1000 } })

  test('a clock four minutes slow or a minute fast passes', async () => {
    const bench = new ProofBench()
    await check(bench, bench.proof(iat(bench, -4 * MINUTE)))
    await check(bench, bench.proof(iat(bench, MINUTE)))
  })

  test('ten minutes slow', async () => {
    const bench = new ProofBench()
    await refused(bench, bench.proof(iat(bench, -10 * MINUTE)), /too long ago/)
  })

  test('ten minutes fast', async () => {
    const bench = new ProofBench()
    await refused(bench, bench.proof(iat(bench, 10 * MINUTE)), /in the future/)
  })
})

test('garbage is refused in words and breaks nothing', async () => {
  const bench = new ProofBench()
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.string(), fc.string(), async (head, claims, signature) => {
      const proof = [head, claims, signature]
        .map((part) => Buffer.from(part).toString('base64url'))
        .join('.')
      await assert.rejects(check(bench, proof), { code: 'invalid_dpop_proof' })
    }),
  )
})
