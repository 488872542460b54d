/** Who waits for which id. Waiting costs nothing until somebody rings. */
export class Waiters<T> {
  readonly #waiting = new Map<string, Set<PromiseWithResolvers<T>>>()

  /** A promise that `ring` resolves; `stop` must be called when it is no longer wanted. */
  wait(id: string): { readonly rung: Promise<T>; stop(error?: unknown): void } {
    const bell = Promise.withResolvers<T>()
    // A bell that nobody awaits any more may be rung or refused; that is no fault.
    bell.promise.catch(() => null)
    const bells = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, bells.add(bell))
    return {
      rung: bell.promise,
      stop: (error) => {
        bells.delete(bell)
        if (bells.size === 0 && this.#waiting.get(id) === bells) this.#waiting.delete(id)
        if (error !== undefined) bell.reject(error)
      },
    }
  }

  ring(id: string, value: T): void {
    for (const bell of this.#waiting.get(id) ?? []) bell.resolve(value)
  }

  refuseAll(error: unknown): void {
    for (const bells of this.#waiting.values()) for (const bell of bells) bell.reject(error)
    this.#waiting.clear()
  }

  get size(): number {
    return this.#waiting.size
  }
}
