import { type Exec, ExecEvent, type ExecOutcome } from '../../protocol/api/exec.ts'
import { Request } from '../../protocol/api/requests.ts'
import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'
import type { BrokerApi } from '../broker-api.ts'
import { jsonLines } from '../json-lines.ts'
import { Interruption } from '../login/interruption.ts'
import type { Output } from '../output/output.ts'
import { describeNeeds } from '../output/request-fields.ts'
import { collector, csvPrinter, type ResultPrinter, tablePrinter } from '../output/results.ts'
import { describeDuration } from '../output/time.ts'
import { visible, visibleLine } from '../output/visible.ts'
import { wrap } from '../output/width.ts'
import { requestPath } from '../request-path.ts'
import { tellQuestions } from '../requests/questions.ts'
import { Attendance } from './attendance.ts'

export interface ExecScreen {
  readonly out: Output
  readonly csv: boolean
  /** False: a held request outlives this command. */
  readonly wait: boolean
}

/** As a shell counts a process that Ctrl-C ended. */
const INTERRUPTED = 130
/** Bytes from which a call without a body is made first, so that no nonce is missing for the large one. */
const LARGE = 256 * 1024

/** Sends it, prints what comes, gives the exit code. Ctrl-C takes a request back that still waits. */
export async function runExec(api: BrokerApi, body: Exec, screen: ExecScreen): Promise<number> {
  using interruption = new Interruption()
  return await new ExecRun(api, screen).go(body, interruption.signal)
}

/** What runs without waiting for anybody, or was waited for before: by who the person is now. */
function isNow(body: Exec): boolean {
  return 'request' in body || body.break_glass === true
}

class ExecRun {
  readonly #api: BrokerApi
  readonly #screen: ExecScreen
  readonly #printer: ResultPrinter
  readonly #collected = collector()
  /** As the broker told it last. */
  #request: Request | null = null
  #id: string | null = null
  #questions: { stop(): void } | null = null
  readonly #attendance: Attendance

  constructor(api: BrokerApi, screen: ExecScreen) {
    this.#api = api
    this.#attendance = new Attendance(api, (why) => this.#talk(why))
    this.#screen = screen
    const { out, csv } = screen
    this.#printer = out.json ? this.#collected : csv ? csvPrinter(out) : tablePrinter(out)
  }

  async go(body: Exec, signal: AbortSignal): Promise<number> {
    try {
      await this.#freshNonce(body)
      const response = await this.#api.stream('POST', '/v1/exec', {
        body,
        signal,
        fresh: isNow(body),
      })
      for await (const event of jsonLines(response, ExecEvent)) {
        if (event.event === 'error') return await this.#fail(event)
        this.#take(event)
      }
    } catch (error) {
      if (!signal.aborted) throw error
      return this.#interrupted()
    } finally {
      this.#attendance.end()
      this.#questions?.stop()
    }
    await this.#finish('done')
    return EXIT.done
  }

  #take(event: Exclude<ExecEvent, { event: 'error' }>): void {
    switch (event.event) {
      case 'held':
        this.#request = event.request
        this.#id = event.request.id
        this.#sayHeld(event.request)
        if (this.#screen.wait) this.#wait(event.request)
        return
      case 'prove':
        this.#attendance.show('anew')
        return
      case 'approved':
        this.#talk(`Approved by ${event.by}; it runs now.`)
        return
      case 'notice':
        this.#talk(`${event.severity}: ${event.message}`)
        return
      case 'done':
        this.#id = event.request ?? this.#id
        return
      default:
        this.#printer.take(event)
    }
  }

  #wait({ id }: Request): void {
    this.#attendance.begin()
    this.#questions = tellQuestions(this.#api, id, (text) => this.#talk(text))
  }

  #sayHeld(request: Request): void {
    const { id, effect, expires_at } = request
    this.#talk(`Held as ${id}: ${effect}`)
    const left = expires_at === null ? '' : describeDuration(Date.parse(expires_at) - Date.now())
    const until = this.#screen.wait && left ? `, for ${left} at most` : ''
    this.#talk(`Asked: ${describeNeeds(request)}${until}. They run: hoop approve ${id}`)
  }

  /** On stderr, with --json, too: who looks on must learn the id while it waits. */
  #talk(text: string): void {
    const { out } = this.#screen
    for (const line of out.interactive ? wrap(visibleLine(text), out.width) : [visibleLine(text)]) {
      out.say(line)
    }
  }

  async #fail(event: Extract<ExecEvent, { event: 'error' }>): Promise<ExitCode> {
    this.#request = event.request ?? this.#request
    this.#id = this.#request?.id ?? this.#id
    await this.#finish('failed')
    const { code, message, hint, exit } = event.error
    const init = { code, message: visible(message), exit: exit as ExitCode }
    throw new HoopError(hint === null ? init : { ...init, hint })
  }

  /** The JSON document is printed however it ended, if it has anything to tell: it names the request. */
  async #finish(how: 'done' | 'failed'): Promise<void> {
    this.#printer.end()
    const { out } = this.#screen
    if (!out.json) return
    const request = await this.#requestNow()
    const { results } = this.#collected
    if (how === 'failed' && request === null && results.length === 0) return
    out.document({ request, results } satisfies ExecOutcome)
  }

  /** As it stands after the run: executed, with its outcome; as it was told before if that fails. */
  async #requestNow(): Promise<Request | null> {
    if (this.#id === null) return null
    const path = requestPath(this.#id)
    return this.#api.request('GET', path, { schema: Request }).catch(() => this.#request)
  }

  async #interrupted(): Promise<number> {
    const request = this.#request
    if (request === null || !this.#screen.wait) return INTERRUPTED
    // The broker sees that we are gone; this is for a proxy between that holds the connection open.
    const body = { reason: 'interrupted' }
    const cancelled = this.#api.request('POST', `${requestPath(request.id)}/cancel`, { body })
    await cancelled.catch(() => null)
    this.#talk(`Cancelled ${request.id}.`)
    return INTERRUPTED
  }

  async #freshNonce(body: Exec): Promise<void> {
    if ('sql' in body && body.sql.length > LARGE) await this.#api.request('GET', '/v1/whoami')
  }
}
