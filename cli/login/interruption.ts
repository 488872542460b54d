import { EXIT, HoopError } from '../../protocol/errors.ts'

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

/** Rejects when the signal says stop, for work that looks at the signal too seldom itself. */
export function interrupted(signal: AbortSignal, message: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void =>
      reject(new HoopError({ code: 'cancelled', message, exit: EXIT.failed, fault: 'client' }))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
