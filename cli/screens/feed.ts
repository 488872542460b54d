import type { Request } from '../../protocol/api/requests.ts'
import type { Follower } from '../requests/follow.ts'

export interface Seen {
  /** Newest first. */
  readonly requests: readonly Request[]
  /** Ids of what came while the screen was open and was not looked at yet. */
  readonly fresh: ReadonlySet<string>
  readonly trouble: string | null
  /** False: the list is not there yet. */
  readonly isListed: boolean
}

/** What the broker tells, as the screen shows it: a store for React's useSyncExternalStore. */
export class RequestFeed implements Follower {
  readonly #keep: (request: Request) => boolean
  readonly #listeners = new Set<() => void>()
  readonly #watchers = new Set<{ readonly id: string; readonly handler: () => void }>()
  #seen: Seen = { requests: [], fresh: new Set(), trouble: null, isListed: false }

  /** `keep`: what the list holds; changes of all else are told, too. */
  constructor(keep: (request: Request) => boolean) {
    this.#keep = keep
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Of one request, and after a break, when anything may have become of it. */
  readonly onChange = (id: string, handler: () => void): (() => void) => {
    const watcher = { id, handler }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  readonly seen = (): Seen => this.#seen

  readonly listed = (list: readonly Request[]): void => {
    const requests = list.filter(this.#keep)
    const known = new Set(this.#seen.requests.map(({ id }) => id))
    const news = this.#seen.isListed ? requests.filter(({ id }) => !known.has(id)) : []
    const fresh = new Set([...this.#seen.fresh, ...news.map(({ id }) => id)])
    this.#set({ requests: sorted(requests), fresh, isListed: true })
    for (const { handler } of this.#watchers) handler()
  }

  readonly changed = (request: Request): void => {
    for (const { id, handler } of this.#watchers) if (id === request.id) handler()
    const { requests, fresh } = this.#seen
    const others = requests.filter(({ id }) => id !== request.id)
    if (!this.#keep(request)) return this.#set({ requests: others })
    const isNew = others.length === requests.length
    this.#set({
      requests: sorted([request, ...others]),
      fresh: isNew ? new Set([...fresh, request.id]) : fresh,
    })
  }

  readonly trouble = (trouble: string | null): void => {
    if (trouble !== this.#seen.trouble) this.#set({ trouble })
  }

  readonly looked = (id: string): void => {
    if (!this.#seen.fresh.has(id)) return
    this.#set({ fresh: new Set([...this.#seen.fresh].filter((other) => other !== id)) })
  }

  #set(change: Partial<Seen>): void {
    this.#seen = { ...this.#seen, ...change }
    for (const listener of this.#listeners) listener()
  }
}

function sorted(requests: readonly Request[]): Request[] {
  return [...requests].sort((a, b) => b.created_at.localeCompare(a.created_at))
}
