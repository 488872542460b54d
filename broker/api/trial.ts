import { Tested, TestPolicy } from '../../protocol/api/trial.ts'
import { type TrialDeps, testPolicy } from '../trial/service.ts'
import { callerOf } from './auth-hook.ts'
import type { Api } from './server.ts'

/** A policy and its cases. */
const BODY_LIMIT = 8 * 1024 * 1024

/** What a policy that need not be in force would do. */
export function trialRoutes(app: Api, deps: TrialDeps): void {
  const schema = { body: TestPolicy, response: { 200: Tested } }
  app.post('/v1/policy/test', { schema, bodyLimit: BODY_LIMIT }, async (request) =>
    testPolicy(deps, callerOf(request), request.body),
  )
}
