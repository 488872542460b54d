/** One attempt to tell one endpoint: a POST that follows nobody, waits for nobody long, and believes nothing. */
import type { NotifyConfig } from '../config.ts'
import type { Runtime } from '../runtime.ts'
import { jsonBody } from './json.ts'
import type { Message } from './message.ts'
import { signatureOf } from './sign.ts'
import { slackBody } from './slack.ts'
import { teamsBody } from './teams.ts'

export type Sent =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** Says neither address nor key. */
      readonly error: string
      /** True: this message itself is refused; trying it again for long makes nothing better. */
      readonly refused: boolean
      /** The endpoint asks for so much time; null: it does not say. */
      readonly after: number | null
    }

export type Send = (message: Message, signal: AbortSignal) => Promise<Sent>

const BODIES = { json: jsonBody, slack: slackBody, teams: teamsBody }
/** From the first byte to the head of the answer. */
const PATIENCE_MS = 10_000

export function sender(endpoint: NotifyConfig, runtime: Pick<Runtime, 'now' | 'setTimer'>): Send {
  return async (message, signal) => {
    try {
      const request = requestOf(endpoint, message, runtime.now())
      return await post(request, signal, runtime)
    } catch (error) {
      return failed(reasonOf(error))
    }
  }
}

interface Order {
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

function requestOf(endpoint: NotifyConfig, message: Message, now: number): Order {
  const body = JSON.stringify(BODIES[endpoint.format](message))
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'hoop',
    'hoop-event': message.event,
    'hoop-event-id': message.id,
  }
  const key = endpoint.secret?.() ?? null
  if (key !== null) {
    const timestamp = Math.floor(now / 1000)
    headers['hoop-timestamp'] = String(timestamp)
    headers['hoop-signature'] = signatureOf(key, timestamp, body)
  }
  return { url: endpoint.url(), headers, body }
}

async function post(
  { url, headers, body }: Order,
  signal: AbortSignal,
  runtime: Pick<Runtime, 'now' | 'setTimer'>,
): Promise<Sent> {
  const late = new AbortController()
  const timer = runtime.setTimer(PATIENCE_MS, () => late.abort(new TookTooLong()))
  try {
    const answer = await fetch(url, {
      ...{ method: 'POST', headers, body, redirect: 'manual' },
      signal: AbortSignal.any([signal, late.signal]),
    })
    // Whatever it says besides its status: nobody reads it.
    await answer.body?.cancel()
    return answer.ok ? { ok: true } : refusal(answer, runtime.now())
  } finally {
    timer.cancel()
  }
}

class TookTooLong extends Error {
  override readonly name = 'TookTooLong'
}

/** 400, 413 and 422: it does not like this message. All else may pass, or be mended by people. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 422])
const LONGEST_WAIT_MS = 3_600_000

function refusal(answer: Response, now: number): Sent {
  const { status } = answer
  if (status >= 300 && status < 400) return failed(`answered ${status}: redirects are not followed`)
  return {
    ok: false,
    error: `answered ${status}`,
    refused: REFUSED.has(status),
    after: waitOf(answer.headers.get('retry-after'), now),
  }
}

/** Retry-After (RFC 9110 10.2.3): seconds, or a date. */
function waitOf(text: string | null, now: number): number | null {
  if (text === null) return null
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), LONGEST_WAIT_MS)
}

function failed(error: string): Sent {
  return { ok: false, error, refused: false, after: null }
}

/** Codes alone: messages of fetch and of the secret's reader may hold what is secret. */
function reasonOf(error: unknown): string {
  if (error instanceof TookTooLong) return `no answer within ${PATIENCE_MS / 1000} s`
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
  return /^[\w-]{1,64}$/.test(code) ? `not reached (${code})` : 'not reached'
}
