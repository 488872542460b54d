import { Explain, Explanation } from '../../protocol/api/explain.ts'
import { callerOf } from './auth-hook.ts'
import type { ExplainService } from './deps.ts'
import type { Api } from './server.ts'

/** Statements that are explained: larger ones are not parsed anyway. */
const BODY_LIMIT = 4 * 1024 * 1024

export function explainRoutes(app: Api, service: ExplainService): void {
  const schema = { body: Explain, response: { 200: Explanation } }
  app.post('/v1/explain', { schema, bodyLimit: BODY_LIMIT }, async (request) =>
    service.explain(callerOf(request), request.body.connection, request.body.sql),
  )
}
