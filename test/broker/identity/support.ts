import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createNonces, type Nonces } from '../../../broker/identity/nonce.ts'
import { createMemoryReplayStore, type ReplayStore } from '../../../broker/identity/replay.ts'

/** Proofs and tokens built by hand, not by jose: one fault cannot hide on both sides. */

export interface TestKey {
  readonly privateKey: KeyObject
  readonly jwk: Record<string, unknown>
  readonly jkt: string
}

export function testKey(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, unknown>
  const { crv, kty, x, y } = jwk
  // RFC 7638 section 3.2: the required members in lexicographic order.
  const jkt = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  return { privateKey, jwk, jkt }
}

export function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

export function signed(header: object, claims: object, key: KeyObject): string {
  const input = `${base64url(header)}.${base64url(claims)}`
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** HS256: a proof that anybody can make who knows the public key. */
export function keyed(header: object, claims: object, secret: string): string {
  const input = `${base64url(header)}.${base64url(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

export const NOW = Date.UTC(2026, 10, 22, 6, 0, 0)
export const URL_OF_CALL = 'https://hoop.example.com/v1/whoami'
export const TOKEN = 'a.b.c'

export function ath(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

export interface ProofParts {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
}

/** A broker's side of the matter, and a client that proves properly unless told otherwise. */
export class ProofBench {
  readonly key: TestKey = testKey()
  readonly nonces: Nonces = createNonces(Buffer.alloc(32, 7))
  now = NOW
  readonly replay: ReplayStore = createMemoryReplayStore(() => this.now)
  #count = 0

  header(): Record<string, unknown> {
    return { typ: 'dpop+jwt', alg: 'ES256', jwk: this.key.jwk }
  }

  claims(): Record<string, unknown> {
    this.#count += 1
    return {
      jti: `proof-${this.#count}`,
      htm: 'GET',
      htu: URL_OF_CALL,
      iat: Math.floor(this.now / 1000),
      ath: ath(TOKEN),
      nonce: this.nonces.current(this.now),
    }
  }

  proof(parts: ProofParts = {}): string {
    const header = without({ ...this.header(), ...parts.header })
    return signed(header, without({ ...this.claims(), ...parts.claims }), this.key.privateKey)
  }
}

/** Members set to undefined are left out. */
function without(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
