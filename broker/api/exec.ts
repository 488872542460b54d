import { Exec, type ExecEvent, STATEMENT_LIMIT } from '../../protocol/api/exec.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Runtime } from '../runtime.ts'
import { callerOf } from './auth-hook.ts'
import type { ExecOrder, ExecService } from './deps.ts'
import { jsonLines, whileConnected } from './lines.ts'
import type { Api } from './server.ts'

/** JSON may double a text: every line feed and quote is escaped. */
const BODY_LIMIT = 2 * STATEMENT_LIMIT + 64 * 1024

export function execRoutes(app: Api, service: ExecService, runtime: Runtime): void {
  const options = { schema: { body: Exec }, bodyLimit: BODY_LIMIT }
  app.post('/v1/exec', options, async (request, reply) => {
    const signal = whileConnected(reply)
    const who = { caller: callerOf(request), remote: request.ip, signal }
    const events: AsyncIterable<ExecEvent> = service.run({ ...who, ...orderOf(request.body) })
    return jsonLines(reply, events, runtime)
  })
}

type Order = ExecOrder extends infer O
  ? O extends unknown
    ? Omit<O, 'caller' | 'remote' | 'signal'>
    : never
  : never

function orderOf(body: Exec): Order {
  if ('request' in body) return { type: 'request', request: body.request }
  refuseTooLarge(body.sql)
  return {
    type: 'sql',
    connection: body.connection,
    database: body.database ?? null,
    sql: body.sql,
    reason: body.reason ?? null,
    breakGlass: body.break_glass ?? false,
    wait: body.wait,
    waitMs: body.wait_ms ?? null,
  }
}

function refuseTooLarge(sql: string): void {
  if (Buffer.byteLength(sql) <= STATEMENT_LIMIT) return
  throw new HoopError({
    code: 'too_large',
    message: 'The statement is larger than 64 MB.',
    hint: 'Use COPY … FROM STDIN through `hoop connect`.',
    exit: EXIT.failed,
    fault: 'client',
  })
}
