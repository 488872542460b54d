import { createHash } from 'node:crypto'
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  EmbeddedJWK,
  type JWK,
  jwtVerify,
} from 'jose'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Nonces } from './nonce.ts'
import type { ReplayStore } from './replay.ts'

/** Asymmetric algorithms only (RFC 9449 section 4.3, point 5). */
export const PROOF_ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256']

const MAX_PROOF_LENGTH = 4_096
const MAX_JTI_LENGTH = 128
/** Freshness comes from the nonce, which is our clock; `iat` is the client's and only bounded. */
const MAX_AGE_MS = 300_000
const MAX_AHEAD_MS = 60_000

/** The members that JWK gives to private and symmetric keys (RFC 7518 section 6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

export interface ProofContext {
  readonly method: string
  /** The absolute address as the client sees it. */
  readonly url: string
  readonly accessToken: string
  readonly now: number
  readonly nonces: Nonces
  readonly replay: ReplayStore
}

/**
 * RFC 9449 section 4.3, every point of it. Answers with the thumbprint of the key that signed. The proof is
 * remembered only when all else holds, so a stranger cannot fill the replay store.
 */
export async function verifyProof(proof: string, context: ProofContext): Promise<string> {
  const jwk = keyOf(proof)
  const claims = await signedClaims(proof, context.now)
  if (claims['htm'] !== context.method) throw refuse('it is for another method')
  const here = target(context.url)
  if (here === null || target(claims['htu']) !== here) {
    const origin = URL.parse(context.url)?.origin
    throw refuse('it is for another address', `Log in with the broker's own address, ${origin}.`)
  }
  if (claims['ath'] !== hashOf(context.accessToken)) throw refuse('it is for another token')
  const jti = identifierOf(claims['jti'])
  const issuedAt = timeOf(claims['iat'])
  requireNonce(claims['nonce'], context)
  requireRecent(issuedAt, context.now)
  const jkt = await calculateJwkThumbprint(jwk)
  // Kept for as long as `iat` could pass, and the slack of another broker's clock.
  const until = issuedAt + MAX_AGE_MS + MAX_AHEAD_MS
  if (!context.replay.remember(`${jkt}.${jti}`, until)) throw refuse('it was used before')
  return jkt
}

function keyOf(proof: string): JWK {
  if (proof.length > MAX_PROOF_LENGTH) throw refuse('it is too long')
  const header = headerOf(proof)
  const jwk = header.jwk
  if (typeof jwk !== 'object' || jwk === null) throw refuse('it carries no public key')
  if (SECRET_MEMBERS.some((name) => Object.hasOwn(jwk, name)))
    throw refuse('it carries a secret key')
  return jwk
}

function headerOf(proof: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(proof)
  } catch (cause) {
    throw refuse('it is not a JWT', undefined, cause)
  }
}

async function signedClaims(proof: string, now: number): Promise<Record<string, unknown>> {
  const options = { algorithms: PROOF_ALGORITHMS, typ: 'dpop+jwt', currentDate: new Date(now) }
  try {
    return (await jwtVerify(proof, EmbeddedJWK, options)).payload
  } catch (cause) {
    throw refuse('its signature or header does not verify', undefined, cause)
  }
}

/**
 * An address to compare: scheme and host in lower case, no default port, no query, no fragment (RFC 9449
 * section 4.3, point 9). A WebSocket's handshake is an HTTP request, so ws compares as http.
 */
function target(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const url = URL.parse(value.replace(/^ws(?=s?:)/i, 'http'))
  if (url === null || url.username !== '' || url.password !== '') return null
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
  return url.origin + url.pathname
}

function hashOf(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest('base64url')
}

function identifierOf(jti: unknown): string {
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) {
    throw refuse(`it needs a jti of at most ${MAX_JTI_LENGTH} characters`)
  }
  return jti
}

function timeOf(iat: unknown): number {
  if (typeof iat !== 'number' || !Number.isFinite(iat))
    throw refuse('it does not say when it was made')
  return iat * 1000
}

function requireNonce(nonce: unknown, context: ProofContext): void {
  if (typeof nonce === 'string' && context.nonces.accepts(nonce, context.now)) return
  throw new HoopError({
    code: 'use_dpop_nonce',
    message: 'The broker wants its own fresh nonce in the DPoP proof.',
    hint: 'Try again with the nonce of the DPoP-Nonce header.',
    exit: EXIT.login,
    fault: 'client',
  })
}

function requireRecent(issuedAt: number, now: number): void {
  const hint = 'Set the clock of this machine.'
  if (issuedAt < now - MAX_AGE_MS) throw refuse('it was made too long ago', hint)
  if (issuedAt > now + MAX_AHEAD_MS) throw refuse('it was made in the future', hint)
}

function refuse(why: string, hint = 'Run `hoop login` again.', cause?: unknown): HoopError {
  return new HoopError({
    code: 'invalid_dpop_proof',
    message: `The DPoP proof of this request is refused: ${why}.`,
    hint,
    exit: EXIT.login,
    fault: 'client',
    cause,
  })
}
