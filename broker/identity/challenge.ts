import { HoopError } from '../../protocol/errors.ts'
import type { Authenticator } from './authenticator.ts'
import { PROOF_ALGORITHMS } from './dpop.ts'

/** Our codes on the left, those that RFC 6750 section 3.1 and RFC 9449 section 7.1 register on the right. */
const REGISTERED: Readonly<Record<string, string>> = {
  use_dpop_nonce: 'use_dpop_nonce',
  invalid_dpop_proof: 'invalid_dpop_proof',
  invalid_token: 'invalid_token',
  login_expired: 'invalid_token',
}

/** Is this an error of who calls, to be answered by 401 and the headers below? */
export function isChallenge(error: unknown): error is HoopError {
  return error instanceof HoopError && (error.code === 'not_logged_in' || error.code in REGISTERED)
}

/** Headers of a 401 answer, and of the answer to a refused upgrade (RFC 9449 sections 7.1 and 8). */
export function challengeHeaders(
  error: HoopError,
  authenticator: Authenticator,
): { 'WWW-Authenticate': string; 'DPoP-Nonce': string } {
  const registered = REGISTERED[error.code]
  const parts = [`algs="${PROOF_ALGORITHMS.join(' ')}"`]
  if (registered !== undefined) parts.unshift(`error="${registered}"`)
  return { 'WWW-Authenticate': `DPoP ${parts.join(', ')}`, 'DPoP-Nonce': authenticator.nonce() }
}
