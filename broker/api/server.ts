import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import {
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { authenticateCalls } from './auth-hook.ts'
import { changeRoutes } from './changes.ts'
import { connectionRoutes } from './connections.ts'
import type { ApiDeps } from './deps.ts'
import { discoveryRoutes } from './discovery.ts'
import { doctorRoutes } from './doctor.ts'
import { execRoutes } from './exec.ts'
import { explainRoutes } from './explain.ts'
import { answerProblem, answerUnknownRoute } from './problems.ts'
import { requestRoutes } from './requests.ts'
import { whoamiRoutes } from './whoami.ts'

export interface ApiOptions {
  /** PEM; absent: plain HTTP, for loopback and for a proxy that speaks TLS. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  /** True: a proxy in front of us says who calls (X-Forwarded-For). */
  readonly behindProxy?: boolean
  /** pino, to stderr; absent: silent. */
  readonly logger?: FastifyBaseLogger
}

/** Bodies of all calls but exec: ids and remarks. */
const BODY_LIMIT = 64 * 1024
/** For the whole of a request's headers and body to arrive (slow peers hold no socket for ever). */
const REQUEST_TIMEOUT_MS = 120_000
const HEADER_LIMIT = 32 * 1024

export type Api = FastifyInstance<
  // biome-ignore lint/suspicious/noExplicitAny: http or https, the routes do not care which
  any,
  // biome-ignore lint/suspicious/noExplicitAny: as above
  any,
  // biome-ignore lint/suspicious/noExplicitAny: as above
  any,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** The HTTP side of the broker: every route, behind one hook that says who calls. */
export async function createApi(deps: ApiDeps, options: ApiOptions = {}): Promise<Api> {
  const app = bareServer(options).withTypeProvider<ZodTypeProvider>() as unknown as Api
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerProblem)
  app.setNotFoundHandler(answerUnknownRoute)
  sendNoSurprises(app)
  logCalls(app)
  discoveryRoutes(app, deps)
  await app.register(async (inner) => {
    const api = inner as unknown as Api
    authenticateCalls(api, deps)
    whoamiRoutes(api)
    connectionRoutes(api, deps.connections)
    changeRoutes(api, deps.changes)
    requestRoutes(api, deps.requests, deps.windows, deps.runtime)
    explainRoutes(api, deps.explain)
    execRoutes(api, deps.exec, deps.runtime)
    doctorRoutes(api, deps)
    for (const mount of deps.routes ?? []) await mount(api as unknown as FastifyInstance)
  })
  return app
}

function bareServer(options: ApiOptions): FastifyInstance {
  const settings = {
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: options.behindProxy === true ? 'loopback, linklocal, uniquelocal' : false,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true as const,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200, caseSensitive: true },
    ...(options.logger ? { loggerInstance: options.logger } : {}),
  }
  const http = { maxHeaderSize: HEADER_LIMIT }
  const server = options.tls
    ? Fastify({ ...settings, https: { ...http, ...options.tls, minVersion: 'TLSv1.2' } })
    : Fastify({ ...settings, http })
  return server as unknown as FastifyInstance
}

/** For browsers, which have no business here, and for caches. */
function sendNoSurprises(app: Api): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
      'Strict-Transport-Security': 'max-age=31536000',
      'X-Content-Type-Options': 'nosniff',
    })
  })
}

/** One line for each call. The route's pattern, never the address: a search text is nobody's business. */
function logCalls(app: Api): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, ip } = request
    const route = request.routeOptions.url ?? 'unknown'
    const ms = Math.round(reply.elapsedTime)
    request.log.info({ method, route, status: reply.statusCode, ms, ip }, 'call')
  })
}
