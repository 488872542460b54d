import type { BrokerApi } from '../broker-api.ts'

/** A token is renewed by the first look after it is no longer young. */
const EVERY_MS = 15_000

/**
 * While something waits for people the broker is shown a fresh token again and again, by any call: so
 * what was approved runs at once, for who the person is then.
 */
export class Attendance {
  readonly #api: BrokerApi
  readonly #trouble: (why: string) => void
  #timer: NodeJS.Timeout | null = null
  #isTold = false

  constructor(api: BrokerApi, trouble: (why: string) => void) {
    this.#api = api
    this.#trouble = trouble
  }

  begin(): void {
    if (this.#timer !== null) return
    this.#timer = setInterval(() => this.show(), EVERY_MS)
    this.#timer.unref()
    this.show()
  }

  /** `anew`: the broker took the last one for too old. What goes wrong is said once; nothing runs without it, and the broker then says so. */
  show(fresh: true | 'anew' = true): void {
    this.#api.request('GET', '/v1/whoami', { fresh }).catch((error: unknown) => {
      if (this.#isTold || this.#timer === null) return
      this.#isTold = true
      this.#trouble(
        `The login cannot be renewed: ${error instanceof Error ? error.message : error}`,
      )
    })
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
