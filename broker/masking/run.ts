import { Output } from './output.ts'

const SLACK = 256
const EMPTY = Buffer.alloc(0)

/**
 * What is copied as it is from one masked value to the next: one copy for a whole stretch, which may
 * span rows and messages.
 */
export class Run {
  source: Buffer = EMPTY
  out = new Output(0)
  /** Where the stretch begins that is not written yet; -1 = within a value that is masked. */
  #kept = -1

  /** A new piece of the stream. */
  begin(source: Buffer, withinMasked: boolean): void {
    this.source = source
    this.out = new Output(source.length + SLACK)
    this.#kept = withinMasked ? -1 : 0
  }

  /** A masked value begins: all before `end` is written. */
  stop(end: number): void {
    if (this.#kept >= 0) this.out.copy(this.source, this.#kept, end)
    this.#kept = -1
  }

  /** All before `end` is written; whether it is within a masked value stays as it is. */
  write(end: number): void {
    if (this.#kept < 0) return
    this.out.copy(this.source, this.#kept, end)
    this.#kept = end
  }

  /** A masked value is over: from here on bytes stay as they are. */
  resume(at: number): void {
    this.#kept = at
  }

  /** Where byte `at` of the source will stand in the output. */
  placeOf(at: number): number {
    return this.#kept < 0 ? this.out.length : this.out.length + at - this.#kept
  }

  /** The header of a message, which is framing: it stays even within a masked value. */
  header(start: number, end: number): void {
    if (this.#kept < 0) this.out.copy(this.source, start, end)
  }

  finish(): Buffer {
    this.stop(this.source.length)
    return this.out.take()
  }
}

/** Reads a COPY stream piece by piece. */
export interface Scanner {
  /** The stream is within a value that is masked. */
  readonly withinMasked: boolean
  /** Reads the source's bytes from `start` to `end`; they follow those of the call before. */
  scan(run: Run, start: number, end: number): void
  /** Throws unless the stream may end here. */
  end(): void
}
