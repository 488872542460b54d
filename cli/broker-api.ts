import { YOUNG_MS } from '../protocol/api/fresh.ts'
import { EXIT, type ExitCode, HoopError } from '../protocol/errors.ts'
import type { Wanted } from './local/handshake.ts'
import type { Profile } from './local/profile.ts'
import { type Credentials, credentialStore } from './login/credentials.ts'
import { networkError, problem } from './login/problem.ts'
import { createProver, type Prover } from './login/proof.ts'
import { LoginSession } from './login/session.ts'

const TIMEOUT_MS = 30_000
/** Above this the machine's clock is corrected in proofs by what the broker's Date header says. */
const CLOCK_SLACK_MS = 30_000

export interface RequestOptions<T> {
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** A zod schema: what the broker answers is not believed unchecked. */
  readonly schema?: { parse(value: unknown): T }
  readonly signal?: AbortSignal
  /** With a token that was issued just now: to decide something, or to run what was approved. */
  readonly fresh?: boolean | 'anew'
}

export interface TunnelProof {
  readonly nonce?: string | undefined
  readonly fresh?: Wanted | undefined
}

/** The broker as one person sees it: every call carries a fresh token and a proof for exactly this call. */
export class BrokerApi {
  /** Without a slash at the end. */
  readonly url: string
  readonly profile: Profile
  readonly #session: LoginSession
  #prover: { readonly key: string | undefined; readonly prover: Prover } | null = null
  #nonce: string | null = null
  #clockOffset = 0
  readonly #now: () => number

  private constructor(url: string, profile: Profile, session: LoginSession, now = Date.now) {
    this.url = url
    this.profile = profile
    this.#session = session
    this.#now = now
  }

  /** Throws not_logged_in (exit 3) when this profile has no login. */
  static async forProfile(profile: Profile): Promise<BrokerApi> {
    const url = profile.requireBroker()
    return new BrokerApi(url, profile, await LoginSession.open(profile, credentialStore(profile)))
  }

  /** For a login that is being made. */
  static withSession(
    url: string,
    profile: Profile,
    session: LoginSession,
    now: () => number = Date.now,
  ): BrokerApi {
    return new BrokerApi(url, profile, session, now)
  }

  /** One call, one JSON answer. An empty answer is null. */
  async request<T = unknown>(
    method: string,
    path: string,
    options: RequestOptions<T> = {},
  ): Promise<T> {
    const limit = AbortSignal.timeout(TIMEOUT_MS)
    const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit
    const response = await this.stream(method, path, { ...options, signal })
    const value = await this.#json(response)
    return options.schema === undefined ? (value as T) : this.#checked(options.schema, value)
  }

  /** The answer as it comes: JSON lines, events, bytes. No time limit but the signal's. */
  async stream(
    method: string,
    path: string,
    options: Omit<RequestOptions<unknown>, 'schema'> = {},
  ): Promise<Response> {
    const address = this.#address(path, options.query)
    const isAnew = options.fresh === 'anew'
    const not = isAnew ? (await this.#session.fresh()).accessToken : null
    const credentials = await this.#wanted(options.fresh ? { not } : undefined)
    return this.#insist(method, address, credentials, options, new Set())
  }

  /** Each refusal that says how to do better is answered once. */
  async #insist(
    method: string,
    address: string,
    credentials: Credentials,
    options: Omit<RequestOptions<unknown>, 'schema'>,
    tried: Set<string>,
  ): Promise<Response> {
    const response = await this.#attempt(method, address, credentials, options)
    if (response.ok) return response
    const error = await problem(response, this.url)
    const again = tried.has(error.code) ? null : await this.#remedy(error, response, credentials)
    if (again === null) throw error
    return this.#insist(method, address, again, options, tried.add(error.code))
  }

  /**
   * Headers for one WebSocket upgrade, or for a fresh proof inside a tunnel. After a 401 call it again with
   * the nonce of the answer.
   */
  async tunnelHeaders(url: string, of: TunnelProof = {}): Promise<Record<string, string>> {
    if (of.nonce !== undefined) this.#nonce = of.nonce
    return this.#headers('GET', url, await this.#wanted(of.fresh))
  }

  /** The WebSocket address of a path. */
  tunnelUrl(path = '/v1/tunnel'): string {
    return this.url.replace(/^http/, 'ws') + path
  }

  /** A token, or one that was issued just now. */
  async #wanted(fresh: Wanted | undefined): Promise<Credentials> {
    if (fresh === undefined) return this.#session.fresh()
    const young = await this.#session.fresh(YOUNG_MS)
    if (young.accessToken !== fresh.not) return young
    return this.#session.renew(young.accessToken, YOUNG_MS)
  }

  async #attempt(
    method: string,
    address: string,
    credentials: Credentials,
    options: Omit<RequestOptions<unknown>, 'schema'>,
  ): Promise<Response> {
    const headers = await this.#headers(method, address, credentials)
    const body = options.body === undefined ? null : JSON.stringify(options.body)
    if (body !== null) headers['Content-Type'] = 'application/json'
    const signal = options.signal ?? null
    try {
      const response = await fetch(address, { method, headers, body, signal, redirect: 'error' })
      this.#nonce = response.headers.get('dpop-nonce') ?? this.#nonce
      return response
    } catch (error) {
      throw networkError(error, this.url, options.signal)
    }
  }

  async #headers(
    method: string,
    url: string,
    credentials: Credentials,
  ): Promise<Record<string, string>> {
    const prover = await this.#proverFor(credentials)
    const { accessToken } = credentials
    const now = this.#now() + this.#clockOffset
    const proof = await prover.prove({ method, url, accessToken, nonce: this.#nonce, now })
    return { Authorization: `DPoP ${accessToken}`, DPoP: proof }
  }

  async #proverFor(credentials: Credentials): Promise<Prover> {
    const key = credentials.key.d
    if (this.#prover?.key !== key || this.#prover === null) {
      this.#prover = { key, prover: await createProver(credentials.key) }
    }
    return this.#prover.prover
  }

  /** What to try once more with after a refusal that says how; null: nothing helps. */
  async #remedy(
    error: HoopError,
    response: Response,
    credentials: Credentials,
  ): Promise<Credentials | null> {
    if (response.status !== 401) return null
    const corrected = this.#correctClock(response)
    if (error.code === 'use_dpop_nonce') return credentials
    if (error.code === 'invalid_dpop_proof') return corrected ? credentials : null
    const refused = credentials.accessToken
    if (error.code === 'login_expired') return this.#session.renew(refused)
    if (error.code === 'stale_token') return this.#session.renew(refused, YOUNG_MS)
    return null
  }

  #correctClock(response: Response): boolean {
    const date = Date.parse(response.headers.get('date') ?? '')
    const offset = Number.isNaN(date) ? 0 : date - this.#now()
    if (Math.abs(offset - this.#clockOffset) < CLOCK_SLACK_MS) return false
    this.#clockOffset = offset
    return true
  }

  async #json(response: Response): Promise<unknown> {
    try {
      const text = await response.text()
      return text === '' ? null : JSON.parse(text)
    } catch (cause) {
      throw this.#strange('what it answered is not JSON', cause)
    }
  }

  #checked<T>(schema: { parse(value: unknown): T }, value: unknown): T {
    try {
      return schema.parse(value)
    } catch (cause) {
      throw this.#strange('its answer does not have the form that this hoop expects', cause)
    }
  }

  #strange(why: string, cause: unknown): HoopError {
    return new HoopError({
      code: 'strange_answer',
      message: `The broker ${this.url} cannot be understood: ${why}.`,
      hint: 'Are hoop here and the broker of about the same version? `hoop doctor` tells.',
      exit: EXIT.unreachable satisfies ExitCode,
      fault: 'upstream',
      cause,
    })
  }

  #address(path: string, query: RequestOptions<unknown>['query'] = {}): string {
    const url = new URL(this.url + path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) url.searchParams.append(name, String(value))
    }
    return url.href
  }
}
