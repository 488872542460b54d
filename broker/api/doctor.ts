import { Diagnosis } from '../../protocol/api/doctor.ts'
import { callerOf } from './auth-hook.ts'
import type { ApiDeps } from './deps.ts'
import type { Api } from './server.ts'

/** The broker's half of `hoop doctor`; its time lets the CLI see its own clock's error. */
export function doctorRoutes(
  app: Api,
  deps: Pick<ApiDeps, 'doctor' | 'discovery' | 'runtime'>,
): void {
  app.get('/v1/doctor', { schema: { response: { 200: Diagnosis } } }, async (request) => {
    const checks = [...(await deps.doctor.check(callerOf(request)))]
    return {
      time: new Date(deps.runtime.now()).toISOString(),
      version: deps.discovery.version,
      checks,
    }
  })
}
