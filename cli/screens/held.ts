import type { Request } from '../../protocol/api/requests.ts'
import type { ListenerEvent } from '../local/listener.ts'

/** What waits for people, at a connection. */
export interface Held {
  readonly id: string
  /** Since when, in milliseconds. */
  readonly since: number
  readonly message: string
  /** As the broker told it last; null: not yet. */
  readonly request: Request | null
  /** Who could decide it, of those whom the broker knows. */
  readonly deciders: readonly string[]
}

export interface Status {
  /** Lines that were said, the oldest first; they stay in the terminal. */
  readonly log: readonly string[]
  readonly held: readonly Held[]
  /** True: Ctrl-C was pressed for what is held; the next one ends the connection. */
  readonly isInterrupted: boolean
}

const OVER = new Set(['approved', 'rejected', 'expired', 'cancelled', 'executed'])

/** What happens at a connection: a store for React's useSyncExternalStore. */
export class StatusFeed {
  readonly #listeners = new Set<() => void>()
  #status: Status = { log: [], held: [], isInterrupted: false }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly status = (): Status => this.#status

  say(...lines: readonly string[]): void {
    this.#set({ log: [...this.#status.log, ...lines] })
  }

  event(event: ListenerEvent): void {
    const id = 'request' in event ? event.request : undefined
    if (id === undefined) return
    const { held } = this.#status
    const { message } = event
    if (event.event === 'held') {
      const since = Date.parse(event.at)
      const added: Held = { id, since, message, request: null, deciders: [] }
      this.#set({ held: [...held, added], isInterrupted: false })
    } else if (OVER.has(event.event)) this.#set({ held: held.filter((one) => one.id !== id) })
  }

  /** What is learned of one that is held; of all others nothing is kept. */
  learn(id: string, more: Partial<Pick<Held, 'request' | 'deciders'>>): void {
    const { held } = this.#status
    if (!held.some((one) => one.id === id)) return
    this.#set({ held: held.map((one) => (one.id === id ? { ...one, ...more } : one)) })
  }

  interrupted(): void {
    this.#set({ isInterrupted: true })
  }

  #set(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change }
    for (const listener of this.#listeners) listener()
  }
}
