import { isFresh } from '../../protocol/api/fresh.ts'
import type { Principal } from './principal.ts'

/** Who waits for something, by the latest token that they showed. */
export class Present {
  readonly #now: () => number
  readonly #waiting = new Set<(who: Principal) => void>()
  #who: Principal

  constructor(who: Principal, now: () => number) {
    this.#who = who
    this.#now = now
  }

  get who(): Principal {
    return this.#who
  }

  /** False: it is somebody else, or another key. An older token than the last changes nothing. */
  renew(fresh: Principal): boolean {
    const { issuer, subject, jkt, issuedAt } = this.#who
    if (fresh.issuer !== issuer || fresh.subject !== subject || fresh.jkt !== jkt) return false
    if (fresh.issuedAt < issuedAt) return true
    this.#who = fresh
    if (isFresh(fresh, this.#now())) for (const tell of this.#waiting) tell(fresh)
    return true
  }

  /** By a token that is fresh, now or as soon as one comes; rejects when the signal says stop. */
  fresh(signal: AbortSignal): Promise<Principal> {
    if (isFresh(this.#who, this.#now())) return Promise.resolve(this.#who)
    const { promise, resolve, reject } = Promise.withResolvers<Principal>()
    const stop = (): void => reject(signal.reason)
    this.#waiting.add(resolve)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    return promise.finally(() => {
      this.#waiting.delete(resolve)
      signal.removeEventListener('abort', stop)
    })
  }
}

/** Those who wait beside a tunnel (`hoop exec`): any call that they make shows their token. */
export class Presence {
  readonly #now: () => number
  readonly #present = new Map<string, Set<Present>>()

  constructor(now: () => number) {
    this.#now = now
  }

  saw(caller: Principal): void {
    for (const present of this.#present.get(keyOf(caller)) ?? []) present.renew(caller)
  }

  /** Until `leave` is called. */
  enter(caller: Principal): { readonly present: Present; leave(): void } {
    const key = keyOf(caller)
    const present = new Present(caller, this.#now)
    const all = this.#present.get(key) ?? new Set()
    this.#present.set(key, all.add(present))
    const leave = (): void => {
      all.delete(present)
      if (all.size === 0 && this.#present.get(key) === all) this.#present.delete(key)
    }
    return { present, leave }
  }
}

function keyOf({ issuer, subject, jkt }: Principal): string {
  return JSON.stringify([issuer, subject, jkt])
}
