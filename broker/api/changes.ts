import {
  ApplyText,
  PolicyInForce,
  SecretList,
  SetSecret,
  TEXT_LIMIT,
} from '../../protocol/api/changes.ts'
import { Request } from '../../protocol/api/requests.ts'
import { callerOf } from './auth-hook.ts'
import { cutRequest } from './cut.ts'
import type { ChangeService } from './deps.ts'
import type { Api } from './server.ts'

/** JSON may double a text: every line feed and quote is escaped. */
const BODY_LIMIT = 2 * TEXT_LIMIT + 64 * 1024

/** Changes of what hoop goes by: each answers with the request that another administrator decides. */
export function changeRoutes(app: Api, service: ChangeService): void {
  const apply = { schema: { body: ApplyText, response: { 200: Request } }, bodyLimit: BODY_LIMIT }
  app.post('/v1/policy', apply, async (request) =>
    cutRequest(await service.applyPolicy(callerOf(request), request.body)),
  )
  app.post('/v1/connections', apply, async (request) =>
    cutRequest(await service.applyConnection(callerOf(request), request.body)),
  )
  const set = { schema: { body: SetSecret, response: { 200: Request } } }
  app.post('/v1/secrets', set, async (request) =>
    cutRequest(await service.setSecret(callerOf(request), request.body)),
  )
  app.get('/v1/secrets', { schema: { response: { 200: SecretList } } }, async (request) =>
    service.secrets(callerOf(request)),
  )
  app.get('/v1/policy', { schema: { response: { 200: PolicyInForce } } }, async (request) =>
    service.policy(callerOf(request)),
  )
}
