import { type CryptoKey, exportJWK, importJWK, type JWK } from 'jose'
import * as openid from 'openid-client'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { isLoopback } from '../local/address.ts'
import type { Credentials } from './credentials.ts'
import { networkReason } from './network.ts'
import { PROOF_ALGORITHM } from './proof.ts'

const TIMEOUT_S = 15

export interface ProviderSettings {
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  readonly scopes: readonly string[]
}

/** Discovery (OpenID Connect Discovery 1.0). Plain http is for providers on this machine only. */
export async function discoverProvider(
  settings: Pick<ProviderSettings, 'issuer' | 'clientId'> & { readonly clientSecret?: string },
): Promise<openid.Configuration> {
  const issuer = URL.parse(settings.issuer)
  if (issuer === null) throw unreachable(settings.issuer, 'its address is none')
  const plain = issuer.protocol === 'http:'
  if (plain && !isLoopback(issuer)) {
    throw unreachable(settings.issuer, 'it is not on this machine and speaks plain http')
  }
  const options = {
    timeout: TIMEOUT_S,
    ...(plain ? { execute: [openid.allowInsecureRequests] } : {}),
  }
  try {
    const auth = authentication(settings.clientSecret)
    return await openid.discovery(issuer, settings.clientId, undefined, auth, options)
  } catch (error) {
    throw providerError(error, settings.issuer)
  }
}

/** People use a public client; a machine shows its secret as the provider wants it. */
function authentication(secret: string | undefined): openid.ClientAuth {
  if (secret === undefined) return openid.None()
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const isBasic = methods.includes('client_secret_basic')
    const show = isBasic ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret)
    return show(server, client, body, headers)
  }
}

/** A new key for one login. */
export async function generateKey(): Promise<JWK> {
  const pair = await openid.randomDPoPKeyPair(PROOF_ALGORITHM, { extractable: true })
  return exportJWK(pair.privateKey)
}

export async function dpopHandle(
  configuration: openid.Configuration,
  key: JWK,
): Promise<openid.DPoPHandle> {
  const { kty, crv, x, y } = key
  const [privateKey, publicKey] = await Promise.all([
    importJWK(key, PROOF_ALGORITHM),
    importJWK({ kty, crv, x, y } as JWK, PROOF_ALGORITHM, { extractable: true }),
  ])
  return openid.getDPoPHandle(configuration, {
    privateKey: privateKey as CryptoKey,
    publicKey: publicKey as CryptoKey,
  })
}

/** Whom the token is for. RFC 8707 says `resource`, which is an address; some providers say `audience`. */
export function audienceParameters(audience: string): Record<string, string> {
  return URL.canParse(audience) ? { resource: audience, audience } : { audience }
}

export function credentialsFrom(
  answer: openid.TokenEndpointResponse,
  settings: ProviderSettings,
  key: JWK,
  previousRefreshToken: string | null,
): Credentials {
  if (answer.token_type.toLowerCase() !== 'dpop') throw notBound(settings.issuer)
  const now = Date.now()
  const { issuer, clientId, audience, scopes } = settings
  return {
    issuer,
    clientId,
    audience,
    scopes,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? previousRefreshToken,
    obtainedAt: now,
    // RFC 6749 section 5.1: expires_in is recommended, not required.
    expiresAt: now + (answer.expires_in ?? 300) * 1000,
    key,
  }
}

/** What went wrong at the provider, in words and with the exit code of the contract. */
export function providerError(error: unknown, issuer: string): HoopError {
  if (error instanceof HoopError) return error
  if (error instanceof openid.ResponseBodyError) return answered(error, issuer)
  if (error instanceof openid.WWWAuthenticateChallengeError) return refusedClient(issuer, error)
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') return wrongClock(issuer, error)
  if (code === 'OAUTH_TIMEOUT') return unreachable(issuer, 'it did not answer in time', error)
  return unreachable(
    issuer,
    networkReason(cause) ?? networkReason(error) ?? messageOf(error),
    error,
  )
}

/** Error codes of RFC 6749 section 5.2 and RFC 8628 section 3.5. */
function answered(error: openid.ResponseBodyError, issuer: string): HoopError {
  switch (error.error) {
    case 'access_denied':
      return loginError('login_denied', 'The login was denied at the identity provider.', error)
    case 'expired_token':
      return loginError('login_timed_out', 'Nobody completed the login in time.', error)
    case 'invalid_grant':
      return loginError('login_expired', 'The login expired.', error)
    default: {
      const why = error.error_description ?? error.error
      return new HoopError({
        code: 'provider_refused',
        message: `The identity provider ${issuer} refuses: ${why}.`,
        hint: 'Is the client registered there for its way to log in, DPoP and the audience of this broker?',
        exit: EXIT.login,
        fault: 'upstream',
        cause: error,
      })
    }
  }
}

/** RFC 6749 section 5.2: a client that showed a secret by HTTP is refused by a challenge. */
function refusedClient(issuer: string, cause: unknown): HoopError {
  return new HoopError({
    code: 'provider_refused',
    message: `The identity provider ${issuer} refuses the client or its secret.`,
    hint: 'Check --client-id and the secret; a secret that was rotated needs `hoop login` again.',
    exit: EXIT.login,
    fault: 'client',
    cause,
  })
}

function loginError(code: string, message: string, cause: unknown): HoopError {
  return new HoopError({
    code,
    message,
    hint: 'Run `hoop login`.',
    exit: EXIT.login,
    fault: 'client',
    cause,
  })
}

function wrongClock(issuer: string, cause: unknown): HoopError {
  return new HoopError({
    code: 'wrong_clock',
    message: `The clock of this machine and that of the identity provider ${issuer} do not agree.`,
    hint: 'Set the clock of this machine and run `hoop login` again.',
    exit: EXIT.login,
    fault: 'client',
    cause,
  })
}

function notBound(issuer: string): HoopError {
  return new HoopError({
    code: 'token_not_bound',
    message: `The identity provider ${issuer} gave a token that is not bound to a key.`,
    hint: 'DPoP (RFC 9449) must be enabled there for this client.',
    exit: EXIT.login,
    fault: 'upstream',
  })
}

function unreachable(issuer: string, why: string, cause?: unknown): HoopError {
  return new HoopError({
    code: 'provider_unreachable',
    message: `The identity provider ${issuer} cannot be used: ${why}.`,
    hint: 'Is it up, and reachable from here? `hoop doctor` looks at each part.',
    exit: EXIT.unreachable,
    fault: 'upstream',
    cause,
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
