import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { StartupRefused } from '../../protocol/pg/startup.ts'
import type { RefusedMessage } from '../../protocol/tunnel/messages.ts'

/** A broken rule of the tunnel itself, by whoever knocks. */
export function badUpgrade(message: string): HoopError {
  return new HoopError({
    code: 'bad_upgrade',
    message,
    hint: 'Connect with `hoop connect`.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

export function tooMany(message: string): HoopError {
  return new HoopError({
    code: 'too_many_tunnels',
    message,
    hint: 'Close connections that are not used, or ask for a higher limit.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

/** What a person may know of an error that is ours: nothing but that it is. */
function ourBug(): HoopError {
  return new HoopError({
    code: 'internal_error',
    message: 'The broker failed while it opened the session.',
    hint: 'Its log says why.',
    exit: EXIT.unreachable,
  })
}

export function asHoopError(error: unknown): HoopError {
  if (error instanceof HoopError) return error
  if (!(error instanceof StartupRefused)) return ourBug()
  const { message, hint } = error
  return new HoopError({
    code: 'startup_refused',
    message,
    ...(hint === null ? {} : { hint }),
    exit: EXIT.usage,
    fault: 'client',
    cause: error,
  })
}

/** Texts go into one frame and onto a terminal line: nothing longer is of use there. */
const LONGEST = 2_000

export function refusedMessage(error: unknown): RefusedMessage {
  const { code, message, hint, exit } = asHoopError(error)
  return {
    t: 'refused',
    code: code.slice(0, 64),
    message: message.slice(0, LONGEST),
    hint: hint?.slice(0, LONGEST) ?? null,
    exit,
    sqlstate: sqlstateOf(error),
  }
}

/** What a PostgreSQL client is told: by the error's own word, else by its code, else by its exit code. */
export function sqlstateOf(error: unknown): string {
  if (error instanceof StartupRefused) return error.sqlstate
  if (!(error instanceof HoopError)) return 'XX000'
  return BY_CODE[error.code] ?? BY_EXIT[error.exit] ?? '08004'
}

const BY_CODE: Readonly<Record<string, string>> = {
  unknown_database: '3D000',
  too_many_tunnels: '53300',
  internal_error: 'XX000',
}

const BY_EXIT: Readonly<Record<number, string>> = {
  [EXIT.login]: '28000',
  [EXIT.refused]: '42501',
  [EXIT.rejected]: '42501',
  [EXIT.unreachable]: '08001',
}

/** Status of the answer to an upgrade that is refused; a challenge (401) is decided elsewhere. */
export function statusOf(error: HoopError): number {
  if (error.code === 'too_many_tunnels') return 429
  if (error.exit === EXIT.usage) return 400
  if (error.exit === EXIT.refused) return 403
  if (error.exit === EXIT.login) return 401
  return error.exit === EXIT.unreachable ? 503 : 500
}

/** Answers an upgrade by plain HTTP, in the shape that all of the API's errors have, and hangs up. */
export function answerUpgrade(
  socket: Duplex,
  status: number,
  error: HoopError,
  headers: Readonly<Record<string, string>> = {},
): void {
  const { code, message, hint, exit } = error
  const body = JSON.stringify({ error: { code, message, hint, exit } })
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.once('finish', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
