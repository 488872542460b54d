import {
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { isSafeUrl } from '../config/address.ts'

const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
]
/** RFC 9068 says at+jwt; many providers still say JWT or nothing. All else is not an access token. */
const TYPES = new Set([undefined, 'at+jwt', 'application/at+jwt', 'jwt'])

const MAX_TOKEN_LENGTH = 16_384
const CLOCK_TOLERANCE_S = 30
const MAX_LIFETIME_S = 24 * 3_600
const FETCH_TIMEOUT_MS = 5_000
/** After a fetch, an unknown key id does not cause another one for this long: callers choose the id. */
const KEYS_COOLDOWN_MS = 5_000

export interface TokenClaims extends JWTPayload {
  readonly sub: string
  readonly iat: number
  readonly exp: number
  readonly cnf: { readonly jkt: string }
}

export interface TokenVerifier {
  verify(token: string, now: number): Promise<TokenClaims>
}

export interface TokenVerifierOptions {
  readonly issuer: string
  readonly audience: string
  readonly fetch?: typeof fetch
}

/** JWT access tokens of one issuer for one audience, bound to a key (RFC 9068, RFC 9449 section 6). */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const keys = remoteKeys(options)
  return {
    async verify(token, now) {
      if (token.length > MAX_TOKEN_LENGTH) throw invalidToken('it is too long')
      const { payload, protectedHeader } = await jwtVerify(token, await keys(), {
        issuer: options.issuer,
        audience: options.audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['sub', 'iat', 'exp'],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(now),
      }).catch((cause: unknown) => {
        throw translated(cause, options)
      })
      if (!TYPES.has(protectedHeader.typ?.toLowerCase()))
        throw invalidToken('it is no access token')
      return checked(payload, now)
    },
  }
}

function checked(payload: JWTPayload, now: number): TokenClaims {
  const { sub, iat, exp } = payload
  if (typeof sub !== 'string' || sub === '' || iat === undefined || exp === undefined) {
    throw invalidToken('it does not say for whom and until when it is')
  }
  if (iat > now / 1000 + CLOCK_TOLERANCE_S) throw invalidToken('it was issued in the future')
  if (exp - iat > MAX_LIFETIME_S) {
    throw invalidToken(
      'it lives longer than a day',
      'Shorten access tokens at the identity provider.',
    )
  }
  const jkt = boundKey(payload['cnf'])
  if (jkt === null) {
    throw invalidToken(
      'it is not bound to a key',
      'The identity provider must issue DPoP-bound access tokens (RFC 9449) to this client.',
    )
  }
  return { ...payload, sub, iat, exp, cnf: { jkt } }
}

function boundKey(cnf: unknown): string | null {
  if (typeof cnf !== 'object' || cnf === null || !('jkt' in cnf)) return null
  return typeof cnf.jkt === 'string' && cnf.jkt !== '' ? cnf.jkt : null
}

/** The provider's keys, found by discovery when first needed, cached and renewed by jose. */
function remoteKeys(options: TokenVerifierOptions): () => Promise<JWTVerifyGetKey> {
  const get = options.fetch ?? fetch
  let found: Promise<JWTVerifyGetKey> | null = null
  const find = async (): Promise<JWTVerifyGetKey> =>
    createRemoteJWKSet(new URL(await jwksUri(options.issuer, get)), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
      [customFetch]: get as FetchImplementation,
    })
  return () => {
    found ??= find().catch((cause: unknown) => {
      found = null
      throw cause
    })
    return found
  }
}

/** OpenID Connect Discovery 1.0 section 4; the issuer in the document must be the one that was asked for. */
async function jwksUri(issuer: string, get: typeof fetch): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const document = await get(url, {
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    redirect: 'error',
  })
    .then(async (response): Promise<unknown> => (response.ok ? await response.json() : null))
    .catch((cause: unknown) => {
      throw providerUnreachable(issuer, cause)
    })
  const found = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown }
  if (found.issuer !== issuer || !isSafe(found.jwks_uri)) throw providerUnreachable(issuer)
  return found.jwks_uri
}

/** Whoever can change the keys on the way can be anybody here: https, or this machine. */
function isSafe(address: unknown): address is string {
  return typeof address === 'string' && URL.canParse(address) && isSafeUrl(address)
}

/** jose's codes, in words. Codes starting with ERR_JWKS_TIMEOUT or no code at all are the provider's fault. */
function translated(cause: unknown, options: TokenVerifierOptions): HoopError {
  if (cause instanceof HoopError) return cause
  const { code, claim } = cause as { code?: string; claim?: string }
  if (code === 'ERR_JWT_EXPIRED') return expired()
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return invalidToken(wrongClaim(claim, options))
  const ours = code?.startsWith('ERR_JW') === true || code?.startsWith('ERR_JOSE_ALG') === true
  if (ours && code !== 'ERR_JWKS_TIMEOUT') return invalidToken('its signature does not verify')
  return providerUnreachable(options.issuer, cause)
}

function wrongClaim(claim: string | undefined, options: TokenVerifierOptions): string {
  if (claim === 'aud') return `it is not for ${options.audience}`
  if (claim === 'iss') return `it is not from ${options.issuer}`
  return `its claim ${claim ?? '?'} is missing or wrong`
}

function expired(): HoopError {
  return new HoopError({
    code: 'login_expired',
    message: 'The login expired.',
    hint: 'Run `hoop login`.',
    exit: EXIT.login,
    fault: 'client',
  })
}

export function invalidToken(why: string, hint = 'Run `hoop login`.'): HoopError {
  return new HoopError({
    code: 'invalid_token',
    message: `The access token is refused: ${why}.`,
    hint,
    exit: EXIT.login,
    fault: 'client',
  })
}

function providerUnreachable(issuer: string, cause?: unknown): HoopError {
  return new HoopError({
    code: 'provider_unreachable',
    message: `The broker cannot read the keys of the identity provider ${issuer}.`,
    hint: 'Is the provider up, and is `identity.issuer` of the configuration its exact issuer?',
    exit: EXIT.unreachable,
    fault: 'upstream',
    cause,
  })
}
