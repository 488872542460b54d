import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'
import { MAX_FRAME, TUNNEL_PATH, TUNNEL_PROTOCOL } from '../../protocol/tunnel/frames.ts'

/** A token that was issued just now, and is not `not`: the broker took that one for too old. */
export interface Wanted {
  readonly not: string | null
}

/** DPoP headers for the upgrade; `nonce` when the broker asked for one, `fresh` when for a new token. */
export type TunnelHeaders = (nonce?: string, fresh?: Wanted) => Promise<Record<string, string>>

export interface UpgradedSocket {
  readonly ws: WebSocket
  readonly socket: Socket
}

const HANDSHAKE_MS = 15_000

/** No answer of the broker's is longer, where it is read at all. */
const LONGEST_ANSWER = 65_536

/** The tunnel's address at a broker: `https://broker` → `wss://broker/v1/tunnel`. */
export function tunnelUrl(broker: string): string {
  const url = new URL(broker)
  if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (!url.pathname.endsWith(TUNNEL_PATH)) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}${TUNNEL_PATH}`
  }
  assertPrivate(url)
  return url.href
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Beyond loopback nothing leaves without TLS, whatever the profile says. */
function assertPrivate(url: URL): void {
  if (url.protocol === 'wss:') return
  if (url.protocol === 'ws:' && LOOPBACK.test(url.hostname)) return
  throw new HoopError({
    code: 'insecure_broker',
    message: `The broker ${url.host} is not on this machine and its address is not https.`,
    hint: 'Log in with `hoop login --broker https://…`.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

export interface UpgradeRequest {
  readonly url: string
  readonly headers: TunnelHeaders
  /** PEM of the authority that signed the broker's certificate; absent: those that Node trusts. */
  readonly ca?: string
}

/** Upgrades; answers one challenge for a nonce (RFC 9449 section 8). */
export async function upgrade(
  request: UpgradeRequest,
  signal: AbortSignal,
): Promise<UpgradedSocket> {
  try {
    return await tryUpgrade(request, await request.headers(), signal)
  } catch (error) {
    if (!(error instanceof NonceWanted)) throw error
    return await tryUpgrade(request, await request.headers(error.nonce), signal)
  }
}

class NonceWanted extends HoopError {
  readonly nonce: string

  constructor(nonce: string) {
    super({
      code: 'use_dpop_nonce',
      message: 'The broker keeps asking for another nonce.',
      hint: 'Is the clock of this machine right? `hoop doctor` compares it with the broker’s.',
      exit: EXIT.login,
    })
    this.nonce = nonce
  }
}

function tryUpgrade(
  { url: broker, ca }: UpgradeRequest,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<UpgradedSocket> {
  const url = tunnelUrl(broker)
  const ws = new WebSocket(url, TUNNEL_PROTOCOL, {
    headers,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME,
    followRedirects: false,
    handshakeTimeout: HANDSHAKE_MS,
    skipUTF8Validation: true,
    ...(ca === undefined ? {} : { ca }),
  })
  const abort = () => ws.terminate()
  signal.addEventListener('abort', abort, { once: true })
  return new Promise<UpgradedSocket>((resolve, reject) => {
    let socket: Socket
    ws.once('upgrade', (response) => {
      socket = response.socket
    })
    ws.once('open', () => {
      socket.setKeepAlive(true, HANDSHAKE_MS)
      resolve({ ws, socket })
    })
    ws.once('unexpected-response', (request, response) => {
      refusal(request, response).then(reject, reject)
    })
    ws.once('error', (error) => reject(unreachable(url, error)))
  }).finally(() => signal.removeEventListener('abort', abort))
}

/** What the broker answered instead of upgrading. */
async function refusal(request: ClientRequest, response: IncomingMessage): Promise<HoopError> {
  const nonce = response.headers['dpop-nonce']
  const body = await readBody(response)
  request.destroy()
  const told = problem(body)
  if (response.statusCode === 401 && typeof nonce === 'string' && told?.code === 'use_dpop_nonce') {
    return new NonceWanted(nonce)
  }
  return told ?? unexpected(response.statusCode ?? 0)
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LONGEST_ANSWER) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The broker's error, `{"error":{code,message,hint,exit}}`, or null: something else answered. */
function problem(body: string): HoopError | null {
  const parsed = parse(body)
  if (typeof parsed !== 'object' || parsed === null || !('error' in parsed)) return null
  const { code, message, hint, exit } = parsed.error as Record<string, unknown>
  if (typeof code !== 'string' || typeof message !== 'string') return null
  return new HoopError({
    code,
    message,
    ...(typeof hint === 'string' ? { hint } : {}),
    exit: Object.values<unknown>(EXIT).includes(exit) ? (exit as ExitCode) : EXIT.failed,
  })
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}

function unexpected(status: number): HoopError {
  return new HoopError({
    code: 'broker_unreachable',
    message: `The broker’s address answered the tunnel with HTTP status ${status}.`,
    hint: 'Is it a hoop broker, and does the proxy before it pass WebSockets? Try `hoop doctor`.',
    exit: EXIT.unreachable,
  })
}

function unreachable(url: string, error: Error): HoopError {
  const { host } = new URL(url)
  return new HoopError({
    code: 'broker_unreachable',
    message: `The broker ${host} cannot be reached: ${reason(error)}.`,
    hint: 'Is it running? `hoop doctor` looks for what is wrong.',
    exit: EXIT.unreachable,
    cause: error,
  })
}

/** Errors of several addresses tried at once have no text of their own. */
function reason(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0])
  return error.message || ('code' in error ? String(error.code) : 'no reason given')
}
