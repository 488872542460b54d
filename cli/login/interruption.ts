/** Turns Ctrl-C and SIGTERM into an AbortSignal for as long as it is in use; a second one kills as usual. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController()
  readonly #onSignal = (): void => {
    this[Symbol.dispose]()
    this.#controller.abort()
  }

  constructor() {
    process.on('SIGINT', this.#onSignal)
    process.on('SIGTERM', this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
  }
}
