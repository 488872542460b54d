import { Whoami } from '../../protocol/api/identity.ts'
import type { Principal } from '../identity/principal.ts'
import { callerOf } from './auth-hook.ts'
import type { Api } from './server.ts'

export function whoamiRoutes(app: Api): void {
  app.get('/v1/whoami', { schema: { response: { 200: Whoami } } }, async (request) =>
    whoami(callerOf(request)),
  )
}

function whoami(caller: Principal): Whoami {
  return {
    issuer: caller.issuer,
    subject: caller.subject,
    email: caller.email,
    groups: [...caller.groups],
    roles: [...caller.roles],
    expires_at: new Date(caller.expiresAt).toISOString(),
  }
}
