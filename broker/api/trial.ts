import { ReplayPolicy, Tested, TestPolicy } from '../../protocol/api/trial.ts'
import { HoopError } from '../../protocol/errors.ts'
import { type ReplayDeps, replayPolicy } from '../trial/replay.ts'
import { testPolicy } from '../trial/service.ts'
import { callerOf } from './auth-hook.ts'
import { jsonLines, whileConnected } from './lines.ts'
import type { Api } from './server.ts'

/** A policy and its cases. */
const BODY_LIMIT = 8 * 1024 * 1024

/** What a policy that need not be in force would do. */
export function trialRoutes(app: Api, deps: ReplayDeps): void {
  const schema = { body: TestPolicy, response: { 200: Tested } }
  app.post('/v1/policy/test', { schema, bodyLimit: BODY_LIMIT }, async (request) =>
    testPolicy(deps, callerOf(request), request.body),
  )
  const alone = oneAtATime()
  const replay = { schema: { body: ReplayPolicy }, bodyLimit: BODY_LIMIT }
  app.post('/v1/policy/replay', replay, async (request, reply) => {
    const gone = whileConnected(reply)
    const events = alone(() => replayPolicy(deps, callerOf(request), request.body, gone))
    return jsonLines(reply, events, deps.runtime)
  })
}

/** Each reads the whole record: several at once would only be slower together. */
function oneAtATime() {
  let isBusy = false
  return async function* <T>(begin: () => AsyncGenerator<T>): AsyncGenerator<T> {
    if (isBusy) throw busy()
    isBusy = true
    try {
      yield* begin()
    } finally {
      isBusy = false
    }
  }
}

function busy(): HoopError {
  return new HoopError({
    code: 'replay_runs',
    message: 'Another replay is running on this broker.',
    hint: 'Try again when it is done.',
    fault: 'client',
  })
}
