/**
 * A sentence of a grammar is what a list of numbers chooses. Where the list ends the first, simplest
 * choice is made, so fast-check makes a sentence small by making its list short and its numbers small.
 */
export class Choices {
  readonly #numbers: readonly number[]
  #at = 0
  #names = 0

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers
  }

  /** 0 … limit - 1. */
  below(limit: number): number {
    return (this.#numbers[this.#at++] ?? 0) % limit
  }

  /** True in one of `of` cases; false when choices have run out. */
  chance(of: number): boolean {
    return this.below(of) === of - 1
  }

  pick<T>(options: readonly T[]): T {
    return options[this.below(options.length)]!
  }

  /** Nothing is left to choose: only what is simplest comes from here on. */
  get isOver(): boolean {
    return this.#at >= this.#numbers.length
  }

  /** A name that the sentence does not have yet. */
  fresh(stem: string): string {
    return `${stem}${++this.#names}`
  }
}
