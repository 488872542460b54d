import { KINDS } from './kinds.ts'

/** What was found in one result: by column, how many of each kind; never what. */
export class Findings {
  readonly #counts = new Map<string, Uint32Array<ArrayBuffer>>()

  counts(where: string): Uint32Array<ArrayBuffer> {
    let counts = this.#counts.get(where)
    if (counts === undefined) {
      counts = new Uint32Array(KINDS.length)
      this.#counts.set(where, counts)
    }
    return counts
  }

  /** `[where, kind, how many]`; nothing was found = none. */
  list(): readonly (readonly [where: string, what: string, count: number])[] {
    return [...this.#counts].flatMap(([where, counts]) =>
      KINDS.flatMap((kind, at) => (counts[at]! > 0 ? [[where, kind, counts[at]!] as const] : [])),
    )
  }
}
