import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'
import { networkReason } from './network.ts'

const MAX_PROBLEM = 64 * 1024

/** What a failed answer of the broker means. Its own words are kept when it has some. */
export async function problem(response: Response, broker: string): Promise<HoopError> {
  const said = await saidBy(response)
  if (said !== null) return said
  switch (response.status) {
    case 401:
      return error('not_logged_in', 'The broker does not accept this login.', EXIT.login, {
        hint: 'Run `hoop login`.',
      })
    case 403:
      return error('refused', 'The broker refuses this.', EXIT.refused, {})
    case 429:
    case 502:
    case 503:
    case 504:
      return error(
        'broker_unavailable',
        `The broker ${broker} is busy or down.`,
        EXIT.unreachable,
        {
          hint: 'Try again in a moment.',
        },
      )
    default:
      return notABroker(broker, `it answered ${response.status}`)
  }
}

/** Nothing at this address behaves like a broker. */
export function notABroker(broker: string, why: string, cause?: unknown): HoopError {
  return error('not_a_broker', `${broker} is not a hoop broker: ${why}.`, EXIT.unreachable, {
    hint: 'Check the address that you gave to `hoop login --broker`.',
    cause,
  })
}

/** A call that got no answer at all. */
export function networkError(cause: unknown, broker: string, signal?: AbortSignal): HoopError {
  const { name } = cause as Error
  if (name === 'TimeoutError') {
    return unreachable(broker, 'it did not answer in time', cause)
  }
  if (signal?.aborted) return error('cancelled', 'Cancelled.', EXIT.failed, { cause })
  const reason = networkReason(cause)
  if (reason !== null && /CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(reason)) {
    return error(
      'broker_certificate',
      `The certificate of the broker ${broker} is not trusted (${reason}).`,
      EXIT.unreachable,
      { hint: 'For a private authority set NODE_EXTRA_CA_CERTS to its certificate.', cause },
    )
  }
  return unreachable(broker, reason ?? 'the connection failed', cause)
}

function unreachable(broker: string, why: string, cause: unknown): HoopError {
  return error(
    'broker_unreachable',
    `The broker ${broker} cannot be reached: ${why}.`,
    EXIT.unreachable,
    {
      hint: 'Is it up, and is the address right? `hoop doctor` looks at each part.',
      cause,
    },
  )
}

/** The broker's problem document: `{"error":{"code","message","hint","exit"}}`. */
async function saidBy(response: Response): Promise<HoopError | null> {
  const body = await document(response)
  const { error: said } = (body ?? {}) as { error?: Record<string, unknown> }
  if (typeof said !== 'object' || said === null) return null
  const { code, message, hint, exit } = said
  if (typeof code !== 'string' || typeof message !== 'string') return null
  return error(code, message, exitCode(exit), typeof hint === 'string' ? { hint } : {})
}

async function document(response: Response): Promise<unknown> {
  try {
    const text = await response.text()
    return text.length > MAX_PROBLEM ? null : JSON.parse(text)
  } catch {
    return null
  }
}

function exitCode(value: unknown): ExitCode {
  const known = Object.values(EXIT).find((exit) => exit === value && exit !== EXIT.done)
  return known ?? EXIT.failed
}

function error(
  code: string,
  message: string,
  exit: ExitCode,
  more: { hint?: string; cause?: unknown },
): HoopError {
  return new HoopError({ code, message, exit, fault: 'client', ...more })
}
