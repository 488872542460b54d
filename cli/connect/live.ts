import { Duties, Request } from '../../protocol/api/requests.ts'
import type { BrokerApi } from '../broker-api.ts'
import type { ListenerEvent } from '../local/listener.ts'
import type { Output } from '../output/output.ts'
import { visibleLine } from '../output/visible.ts'
import { wrap } from '../output/width.ts'
import { requestPath } from '../request-path.ts'
import { follow } from '../requests/follow.ts'
import { StatusFeed } from '../screens/held.ts'
import { statusLines } from './status.ts'

/** So many names of those who could decide are shown. */
const NAMES = 4
const WHY = 'cancelled by Ctrl-C at hoop connect'

/** The status of `hoop connect` at a terminal: events as lines, and below them what is held. */
export class LiveStatus {
  readonly #api: BrokerApi
  readonly #out: Output
  readonly #feed = new StatusFeed()
  readonly #over = new AbortController()
  #isFollowing = false

  constructor(api: BrokerApi, out: Output) {
    this.#api = api
    this.#out = out
  }

  event(event: ListenerEvent): void {
    this.#feed.say(...statusLines(event, this.#out))
    this.#feed.event(event)
    if (event.event === 'held' && event.request !== undefined) this.#look(event.request)
  }

  say(text: string): void {
    this.#feed.say(...wrap(visibleLine(text), this.#out.width))
  }

  /** Until the person ends it by Ctrl-C, or the signal does. */
  async show(signal: AbortSignal): Promise<void> {
    process.env['NODE_ENV'] ??= 'production'
    const [{ render }, { createElement }, { ConnectionStatus }] = await Promise.all([
      import('ink'),
      import('react'),
      import('../screens/status.ts'),
    ])
    const style = this.#out.styleTalk.bind(this.#out)
    const props = { feed: this.#feed, style, onInterrupt: () => this.#interrupt() }
    const screen = render(createElement(ConnectionStatus, props), {
      stdout: process.stderr,
      interactive: true,
      exitOnCtrlC: false,
      patchConsole: false,
    })
    const end = (): void => screen.unmount()
    const stops = AbortSignal.any([signal, this.#over.signal])
    if (stops.aborted) end()
    stops.addEventListener('abort', end, { once: true })
    await screen.waitUntilExit()
    this.#over.abort()
  }

  /** The first one takes back what is held, the next one ends it all. */
  #interrupt(): void {
    const { held, isInterrupted } = this.#feed.status()
    if (held.length === 0 || isInterrupted) return this.#over.abort()
    this.#feed.interrupted()
    for (const { id } of held) this.#cancel(id)
  }

  #cancel(id: string): void {
    const body = { reason: WHY }
    const done = this.#api.request('POST', `${requestPath(id)}/cancel`, { body })
    done.catch((error) => this.#trouble(`${id} cannot be cancelled`, error))
  }

  #look(id: string): void {
    const path = requestPath(id)
    const asked = this.#api.request('GET', path, { schema: Request })
    const duties = this.#api.request('GET', `${path}/sod`, { schema: Duties })
    const quiet = (error: unknown) => this.#trouble(`${id} cannot be looked at`, error)
    asked.then((request) => this.#feed.learn(id, { request }), quiet)
    duties.then(({ people }) => this.#feed.learn(id, { deciders: names(people) }), quiet)
    this.#follow()
  }

  /** From the first one that is held on: questions and approvals are seen as they come. */
  #follow(): void {
    if (this.#isFollowing) return
    this.#isFollowing = true
    const changed = (request: Request): void => this.#feed.learn(request.id, { request })
    const listed = (list: readonly Request[]): void => list.forEach(changed)
    const trouble = (): void => undefined
    const { signal } = this.#over
    follow(this.#api, 'mine', signal, { changed, listed, trouble }).catch((error) => {
      this.#isFollowing = false
      this.#trouble('what is held cannot be followed', error)
    })
  }

  #trouble(what: string, error: unknown): void {
    if (this.#over.signal.aborted) return
    this.say(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function names(people: Duties['people']): string[] {
  const all = people.filter(({ may }) => may).map(({ person }) => person)
  return all.length > NAMES ? [...all.slice(0, NAMES), `${all.length - NAMES} more`] : all
}
