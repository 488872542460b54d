import type { IncomingHttpHeaders } from 'node:http'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Runtime } from '../runtime.ts'
import { verifyProof } from './dpop.ts'
import { createNonces } from './nonce.ts'
import { identify, isOfClient, NO_PERSONS, type PersonsConfig } from './persons.ts'
import type { Principal } from './principal.ts'
import type { ReplayStore } from './replay.ts'
import { type GroupsByRole, groupsOf, rolesOf } from './roles.ts'
import { createTokenVerifier, invalidToken, type TokenClaims } from './token.ts'

export interface AuthenticatorOptions extends Partial<PersonsConfig> {
  readonly issuer: string
  readonly audience: string
  /** Which groups have a role: `{ approver: ['dba'] }`. */
  readonly roles: GroupsByRole
  /** Name or path of the claim with the groups: `groups`, `realm_access.roles`. */
  readonly groupsClaim: string
  /** The address of this broker as clients see it. Proofs are made for it; the Host header is not asked. */
  readonly publicUrl: string
  /** The groups of a person with those whose turn it is. */
  readonly onCall?: (groups: readonly string[], now: number) => readonly string[]
  readonly runtime: Pick<Runtime, 'now' | 'random'>
  readonly replayStore: ReplayStore
  /** At least 32 bytes, the same on all brokers of one installation; random when absent. */
  readonly nonceSecret?: Buffer
  readonly fetch?: typeof fetch
}

interface AuthenticatedRequest {
  readonly method: string
  /** Absolute and public, or a path, which is then taken below publicUrl. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

export interface Authenticator {
  /** Throws a HoopError: no token, a bad one, a bad proof, or `use_dpop_nonce`. */
  authenticate(request: AuthenticatedRequest): Promise<Principal>
  /** The nonce for the DPoP-Nonce header of every answer. */
  nonce(): string
}

/**
 * The one place where a request becomes a person: token, then proof, then that both speak of the same key.
 * Tokens travel in the Authorization header only, with the scheme DPoP (RFC 9449 section 7.1).
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { runtime, replayStore: replay } = options
  const tokens = createTokenVerifier(options)
  const nonces = createNonces(options.nonceSecret ?? runtime.random(32))
  return {
    async authenticate(request) {
      const now = runtime.now()
      const accessToken = tokenOf(request.headers)
      const proof = proofOf(request.headers)
      const claims = await tokens.verify(accessToken, now)
      const { method } = request
      const url = publicAddress(options.publicUrl, request.url)
      const jkt = await verifyProof(proof, { method, url, accessToken, now, nonces, replay })
      if (jkt !== claims.cnf.jkt) throw invalidToken('it is bound to another key')
      return principal(claims, { jkt, now }, options)
    },
    nonce: () => nonces.current(runtime.now()),
  }
}

function principal(
  claims: TokenClaims,
  { jkt, now }: { readonly jkt: string; readonly now: number },
  options: AuthenticatorOptions,
): Principal {
  const account = { issuer: options.issuer, subject: claims.sub, email: emailOf(claims) }
  const { keys, machine } = identify(account, claims, { ...NO_PERSONS, ...options })
  if (machine === null && isOfClient(claims)) throw unknownMachine(claims.sub)
  const own = machine?.groups ?? groupsOf(claims, options.groupsClaim)
  const groups = options.onCall?.(own, now) ?? own
  const roles = rolesOf(groups, options.roles)
  return {
    ...account,
    groups,
    // A machine asks, and does nothing else, whatever its groups.
    roles: machine === null ? roles : roles.filter((role) => role === 'requester'),
    keys,
    machine: machine !== null,
    jkt,
    issuedAt: claims.iat * 1000,
    expiresAt: claims.exp * 1000,
  }
}

function emailOf(claims: TokenClaims): string | null {
  const email = claims['email']
  if (claims['email_verified'] === false || typeof email !== 'string') return null
  return email.length > 0 && email.length <= 254 ? email : null
}

function tokenOf(headers: IncomingHttpHeaders): string {
  const authorization = headers.authorization
  if (authorization === undefined) throw notLoggedIn()
  const match = /^DPoP ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)
  if (match?.[1] === undefined) throw invalidToken('it must come as `Authorization: DPoP …`')
  return match[1]
}

/** Exactly one header (RFC 9449 section 4.3, point 1); Node joins two by a comma, which is in no JWT. */
function proofOf(headers: IncomingHttpHeaders): string {
  const proof = headers['dpop']
  if (typeof proof === 'string' && /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(proof))
    return proof
  throw new HoopError({
    code: 'invalid_dpop_proof',
    message: 'The request needs exactly one DPoP proof.',
    hint: 'Run `hoop login` with a current hoop.',
    exit: EXIT.login,
    fault: 'client',
  })
}

/** A path below the public address, which may itself have a path; an absolute address stays as it is. */
export function publicAddress(publicUrl: string, url: string): string {
  return url.startsWith('/') ? publicUrl.replace(/\/+$/, '') + url : url
}

function unknownMachine(subject: string): HoopError {
  return new HoopError({
    code: 'unknown_machine',
    message: `${subject} is a machine identity without an owner.`,
    hint: 'An operator adds it to `identity.machines` of the broker, with the person who answers for it.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

function notLoggedIn(): HoopError {
  return new HoopError({
    code: 'not_logged_in',
    message: 'Nobody is logged in: the request carries no access token.',
    hint: 'Run `hoop login`.',
    exit: EXIT.login,
    fault: 'client',
  })
}
