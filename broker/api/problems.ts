import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { Problem } from '../../protocol/api/common.ts'
import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'

/** HTTP's word for each exit code; the exit code itself travels in the body. */
const STATUS: Readonly<Record<ExitCode, number>> = {
  [EXIT.done]: 200,
  [EXIT.failed]: 422,
  [EXIT.usage]: 400,
  [EXIT.login]: 401,
  [EXIT.refused]: 403,
  [EXIT.rejected]: 409,
  [EXIT.undecided]: 409,
  [EXIT.unreachable]: 502,
  [EXIT.evidence]: 500,
}

/** Codes that HTTP has a better word for. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  unknown_request: 404,
  unknown_session: 404,
  unknown_connection: 404,
  unknown_route: 404,
  not_pending: 409,
  expired: 410,
  too_large: 413,
  too_many: 429,
}

export function problemOf(error: HoopError): Problem {
  const { code, message, hint, exit } = error
  return { error: { code, message, hint, exit } }
}

export function statusOf(error: HoopError): number {
  return STATUS_BY_CODE[error.code] ?? STATUS[error.exit]
}

/** The last stop of every fault: a problem document, never a stack, never a word that we did not write. */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toHoopError(error)
  if (known.code === 'internal') request.log.error({ err: error }, 'a fault of ours')
  reply.code(statusOf(known)).type('application/json')
  reply.serializer((value) => JSON.stringify(value)).send(problemOf(known))
}

export function answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): void {
  const error = new HoopError({
    code: 'unknown_route',
    message: 'This broker has no such call.',
    hint: 'Is the broker older than this hoop? `hoop doctor` compares them.',
    exit: EXIT.failed,
    fault: 'client',
  })
  answerProblem(error, request, reply)
}

function toHoopError(error: unknown): HoopError {
  if (error instanceof HoopError) return error
  if (hasZodFastifySchemaValidationErrors(error)) return badInput(error.validation)
  if (error instanceof Error && 'statusCode' in error) return clientFault(error as FastifyError)
  return internal()
}

function badInput(issues: readonly { instancePath: string; message?: string }[]): HoopError {
  const [first] = issues
  const where = first?.instancePath.replace(/^\//, '').replaceAll('/', '.') || 'the input'
  return new HoopError({
    code: 'usage',
    message: `${where}: ${first?.message ?? 'not as expected'}`,
    exit: EXIT.usage,
    fault: 'client',
  })
}

/** Fastify's own refusals: body too large, not JSON, wrong media type. */
function clientFault(error: FastifyError): HoopError {
  const status = error.statusCode ?? 500
  if (status >= 500) return internal()
  const tooLarge = status === 413
  return new HoopError({
    code: tooLarge ? 'too_large' : 'usage',
    message: tooLarge ? 'The body is larger than this call takes.' : 'The body is not valid JSON.',
    exit: tooLarge ? EXIT.failed : EXIT.usage,
    fault: 'client',
  })
}

function internal(): HoopError {
  return new HoopError({
    code: 'internal',
    message: 'The broker failed inside; nothing was decided by it.',
    hint: 'The broker’s log says more.',
    exit: EXIT.failed,
  })
}
