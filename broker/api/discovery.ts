import { Discovery } from '../../protocol/api/identity.ts'
import type { ApiDeps } from './deps.ts'
import type { Api } from './server.ts'

/** What a CLI must know before it can log in. No secret, no name of a connection or a person. */
export function discoveryRoutes(app: Api, deps: Pick<ApiDeps, 'discovery'>): void {
  app.get('/v1/discovery', { schema: { response: { 200: Discovery } } }, async () => deps.discovery)
}
