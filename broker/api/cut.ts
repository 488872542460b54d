import type { Request } from '../../protocol/api/requests.ts'

/** Bytes of statement and parameters that a list or a screen carries whole. */
export const WHOLE_BYTES = 64 * 1024
/** Characters that are shown of each end of a longer statement. */
const END = 16 * 1024
/** Characters that are shown of a parameter beside it. */
const PARAMETER_END = 1024

/**
 * A long request as its two ends. What was cut can only be approved with its digest, for which the
 * approver must have read `GET …/statement` (the desk refuses it otherwise).
 */
export function cutRequest(request: Request): Request {
  if (request.cut !== null) return request
  const size = sizeOf(request)
  if (size <= WHOLE_BYTES) return request
  const { statement } = request
  const long = statement.length > 2 * END
  return {
    ...request,
    statement: long ? head(statement, END) : statement,
    parameters: request.parameters.map(cutParameter),
    cut: { size, tail: long ? tail(statement, END) : '' },
  }
}

function sizeOf(request: Request): number {
  const bytes = (text: string | null) => (text === null ? 0 : Buffer.byteLength(text))
  return [request.statement, ...request.parameters].reduce((sum, text) => sum + bytes(text), 0)
}

function cutParameter(value: string | null): string | null {
  if (value === null || value.length <= PARAMETER_END) return value
  return `${head(value, PARAMETER_END)}… (${Buffer.byteLength(value)} bytes)`
}

/** Neither end splits a surrogate pair. */
function head(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '')
}

function tail(text: string, length: number): string {
  return text.slice(-length).replace(/^[\udc00-\udfff]/, '')
}
