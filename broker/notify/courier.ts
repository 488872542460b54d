/** Tells one endpoint what waits for it: in order within a request, a few requests at a time. */
import type { NotifyConfig } from '../config.ts'
import type { Runtime, Timer } from '../runtime.ts'
import type { Failure, Undelivered } from '../store/outbox.ts'
import type { RequestRecord, Store } from '../store/store.ts'
import { messageOf } from './message.ts'
import type { Send, Sent } from './send.ts'

export interface CourierOptions {
  readonly endpoint: NotifyConfig
  readonly store: Pick<Store, 'outbox' | 'requests'>
  readonly runtime: Pick<Runtime, 'now' | 'setTimer' | 'random'>
  readonly send: Send
  /** Told of what nobody else can be told: the store failed. */
  readonly onFault: (error: unknown) => void
}

const IN_FLIGHT = 4
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30 * 60_000
/** About a day: 11 attempts in the first half hour, then one each half hour. */
const MOST_ATTEMPTS = 58
/** Where the endpoint refuses this very message. */
const MOST_REFUSALS = 3
/** Events may come from where nobody rings. */
const LOOK_MS = 15_000

export class Courier {
  readonly #options: CourierOptions
  readonly #busy = new Map<string, Promise<void>>()
  readonly #gone = new AbortController()
  #timer: Timer | null = null
  #looking: Promise<void> | null = null
  #rung = false

  constructor(options: CourierOptions) {
    this.#options = options
  }

  /** Something may be waiting. */
  ring(): void {
    this.#rung = true
    if (this.#gone.signal.aborted) return
    this.#looking ??= this.#lookWhileRung().finally(() => {
      this.#looking = null
    })
  }

  /** What is on its way is given up and told again after the next start. */
  async close(): Promise<void> {
    this.#gone.abort()
    this.#timer?.cancel()
    await this.#looking
    await Promise.all(this.#busy.values())
  }

  async #lookWhileRung(): Promise<void> {
    while (this.#rung && !this.#gone.signal.aborted) {
      this.#rung = false
      try {
        await this.#look()
      } catch (error) {
        this.#options.onFault(error)
        this.#arm(LOOK_MS)
      }
    }
  }

  async #look(): Promise<void> {
    const { store, endpoint, runtime } = this.#options
    const free = IN_FLIGHT - this.#busy.size
    if (free <= 0) return
    const busy = [...this.#busy.keys()]
    const due = await store.outbox.due(endpoint.name, runtime.now(), free, busy)
    for (const event of due) this.#begin(event)
    const next = due.length < free ? await store.outbox.nextDue(endpoint.name) : null
    const wait = next === null ? LOOK_MS : Math.max(0, next - runtime.now())
    this.#arm(this.#busy.size > 0 ? LOOK_MS : Math.min(wait, LOOK_MS))
  }

  #arm(ms: number): void {
    this.#timer?.cancel()
    if (this.#gone.signal.aborted) return
    this.#timer = this.#options.runtime.setTimer(ms, () => this.ring())
  }

  #begin(event: Undelivered): void {
    const done = this.#tell(event)
      .then(
        () => true,
        (error: unknown) => {
          this.#options.onFault(error)
          return false
        },
      )
      .then((well) => {
        this.#busy.delete(event.request)
        // A store that fails is not asked again at once.
        if (well) this.ring()
        else this.#arm(LOOK_MS)
      })
    this.#busy.set(event.request, done)
  }

  async #tell(event: Undelivered): Promise<void> {
    const { store, endpoint, runtime } = this.#options
    const { outbox, requests } = store
    const request = await requests.read(event.request)
    const { events, connections } = endpoint
    const isWanted =
      request !== null &&
      (events === null || events.includes(event.event)) &&
      (connections === null || connections.includes(request.connection))
    if (!isWanted) return outbox.told(endpoint.name, event.number, null)
    const sent = await this.#send(event, request)
    if (sent.ok) return outbox.told(endpoint.name, event.number, runtime.now())
    if (this.#gone.signal.aborted) return
    await outbox.failed(endpoint.name, event.number, this.#failure(event, sent))
  }

  /** What cannot be put into words is given up as if it was refused; those behind it go on. */
  async #send(event: Undelivered, request: RequestRecord): Promise<Sent> {
    const { endpoint, send, onFault } = this.#options
    const options = { shown: endpoint.statements, fits: FITS[endpoint.format] }
    try {
      return await send(messageOf(event, request, options), this.#gone.signal)
    } catch (error) {
      onFault(error)
      return { ok: false, error: 'no message could be made of it', refused: true, after: null }
    }
  }

  #failure({ attempts }: Undelivered, sent: Extract<Sent, { ok: false }>): Failure {
    const at = this.#options.runtime.now()
    const made = attempts + 1
    const isLast = made >= (sent.refused ? MOST_REFUSALS : MOST_ATTEMPTS)
    const again = isLast ? null : at + (sent.after ?? this.#waitAfter(made))
    return { at, error: sent.error, again }
  }

  /** Twice as long each time, between half and all of it, so that endpoints are not asked in step. */
  #waitAfter(attempts: number): number {
    const most = Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempts, 20), LONGEST_WAIT_MS)
    const chance = this.#options.runtime.random(2).readUInt16BE(0) / 65_536
    return Math.ceil(most / 2 + (most / 2) * chance)
  }
}

/** What a chat shows without folding it away; programs take more. */
const CHAT = { characters: 2_000, lines: 40 }
const FITS = { json: { characters: 32_000, lines: 1_000 }, slack: CHAT, teams: CHAT }
