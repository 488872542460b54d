import { z } from 'zod'
import { RequestId } from '../../protocol/api/common.ts'
import {
  Approve,
  Cancel,
  Duties,
  Reject,
  Request,
  RequestList,
  RequestQuery,
  Say,
  WatchQuery,
} from '../../protocol/api/requests.ts'
import { AskWindow, Revoke } from '../../protocol/api/windows.ts'
import type { Runtime } from '../runtime.ts'
import { callerOf } from './auth-hook.ts'
import { cutRequest } from './cut.ts'
import type { RequestService, WindowService } from './deps.ts'
import { jsonLines, whileConnected } from './lines.ts'
import type { Api } from './server.ts'
import { watchRequests } from './watch.ts'

const Params = z.object({ id: RequestId })
const response = { 200: Request }

export function requestRoutes(
  app: Api,
  service: RequestService,
  windows: WindowService,
  runtime: Runtime,
): void {
  readRoutes(app, service)
  windowRoutes(app, service, windows)
  watchRoute(app, service, runtime)
  decisionRoutes(app, service)
  questionRoutes(app, service)
}

function readRoutes(app: Api, service: RequestService): void {
  const list = { querystring: RequestQuery, response: { 200: RequestList } }
  app.get('/v1/requests', { schema: list }, async (request) =>
    (await service.list(callerOf(request), request.query)).map(cutRequest),
  )
  app.get('/v1/requests/:id', { schema: { params: Params, response } }, async (request) =>
    cutRequest(await service.get(callerOf(request), request.params.id)),
  )
  const duties = { params: Params, response: { 200: Duties } }
  app.get('/v1/requests/:id/sod', { schema: duties }, async (request) =>
    service.duties(callerOf(request), request.params.id),
  )
  app.get('/v1/requests/:id/statement', { schema: { params: Params } }, async (request, reply) => {
    const bytes = await service.statement(callerOf(request), request.params.id)
    return reply.type('application/octet-stream').send(bytes)
  })
}

function decisionRoutes(app: Api, service: RequestService): void {
  const approve = { params: Params, body: Approve, response }
  app.post('/v1/requests/:id/approve', { schema: approve }, async (request) =>
    cutRequest(await service.approve(callerOf(request), request.params.id, request.body)),
  )
  const reject = { params: Params, body: Reject, response }
  app.post('/v1/requests/:id/reject', { schema: reject }, async (request) =>
    cutRequest(await service.reject(callerOf(request), request.params.id, request.body.reason)),
  )
  const cancel = { params: Params, body: Cancel, response }
  app.post('/v1/requests/:id/cancel', { schema: cancel }, async (request) => {
    const reason = request.body.reason ?? null
    return cutRequest(await service.cancel(callerOf(request), request.params.id, reason))
  })
}

function questionRoutes(app: Api, service: RequestService): void {
  const schema = { params: Params, body: Say, response }
  app.post('/v1/requests/:id/ask', { schema }, async (request) =>
    cutRequest(await service.ask(callerOf(request), request.params.id, request.body.text)),
  )
  app.post('/v1/requests/:id/answer', { schema }, async (request) =>
    cutRequest(await service.answer(callerOf(request), request.params.id, request.body.text)),
  )
}

/** A window is asked for here; a statement is asked for by running it. */
function windowRoutes(app: Api, service: RequestService, windows: WindowService): void {
  app.post('/v1/requests', { schema: { body: AskWindow, response } }, async (request) =>
    cutRequest(await windows.ask(callerOf(request), request.body)),
  )
  const revoke = { params: Params, body: Revoke, response }
  app.post('/v1/requests/:id/revoke', { schema: revoke }, async (request) => {
    const reason = request.body.reason || null
    return cutRequest(await service.revoke(callerOf(request), request.params.id, reason))
  })
}

/** Every request that is new or changes, as it happens, for as long as the caller listens. */
function watchRoute(app: Api, service: RequestService, runtime: Runtime): void {
  const schema = { querystring: WatchQuery }
  app.get('/v1/requests/watch', { schema }, async (request, reply) => {
    const who = { caller: callerOf(request), view: request.query.view }
    const changes = watchRequests(service, who, whileConnected(reply), runtime)
    return jsonLines(reply, changes, runtime)
  })
}
