/**
 * Waits between entries as long as it took then, divided by `speed`; a pause longer than
 * `longest` (milliseconds, as it is waited) is cut to that.
 */
export class Pace {
  readonly #speed: number
  readonly #longest: number
  readonly #sleep: (ms: number) => Promise<void>
  #last: number | null = null

  constructor(speed: number, longest: number, sleep: (ms: number) => Promise<void>) {
    this.#speed = speed
    this.#longest = longest
    this.#sleep = sleep
  }

  async until(ms: number): Promise<void> {
    const wait = Math.min((ms - (this.#last ?? ms)) / this.#speed, this.#longest)
    this.#last = ms
    if (wait >= 1) await this.#sleep(wait)
  }
}
