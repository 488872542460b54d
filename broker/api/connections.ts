import { ConnectionList } from '../../protocol/api/connections.ts'
import { callerOf } from './auth-hook.ts'
import type { ConnectionService } from './deps.ts'
import type { Api } from './server.ts'

export function connectionRoutes(app: Api, connections: ConnectionService): void {
  const schema = { response: { 200: ConnectionList } }
  app.get('/v1/connections', { schema }, async (request) => [
    ...(await connections.list(callerOf(request))),
  ])
}
