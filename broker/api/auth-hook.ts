import type { FastifyReply, FastifyRequest } from 'fastify'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Authenticator } from '../identity/authenticator.ts'
import { challengeHeaders, isChallenge } from '../identity/challenge.ts'
import type { Principal } from '../identity/principal.ts'
import type { ApiDeps } from './deps.ts'
import type { Api } from './server.ts'

const CALLERS = new WeakMap<FastifyRequest, Principal>()

/**
 * The one hook that every call passes before its body is read: DPoP token and proof (RFC 9449), and
 * no browser. A route that is registered behind it cannot be reached without it.
 */
export function authenticateCalls(app: Api, deps: Pick<ApiDeps, 'authenticator' | 'saw'>): void {
  const { authenticator } = deps
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('DPoP-Nonce', authenticator.nonce())
    refuseBrowsers(request)
    const caller = await identify(request, reply, authenticator)
    CALLERS.set(request, caller)
    await deps.saw?.(caller)
  })
}

/** Who calls; only for routes behind the hook. */
export function callerOf(request: FastifyRequest): Principal {
  const caller = CALLERS.get(request)
  if (!caller) throw new Error('a route outside the authentication hook asked who calls')
  return caller
}

async function identify(
  request: FastifyRequest,
  reply: FastifyReply,
  authenticator: Authenticator,
): Promise<Principal> {
  try {
    const { method, url, headers } = request.raw
    return await authenticator.authenticate({ method: method ?? '', url: url ?? '', headers })
  } catch (error) {
    if (isChallenge(error)) reply.headers(challengeHeaders(error, authenticator))
    throw error
  }
}

/** The CLI sends no Origin; a web page cannot help sending one. */
function refuseBrowsers(request: FastifyRequest): void {
  if (request.headers.origin === undefined) return
  throw new HoopError({
    code: 'browser_refused',
    message: 'Calls from web pages are refused.',
    exit: EXIT.refused,
    fault: 'client',
  })
}
