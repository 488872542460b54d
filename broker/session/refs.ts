import type { Execution } from '../../protocol/pg/execution.ts'

/** Numbers of the texts of one session in its record, and how long each execution took. */
export class Refs {
  private readonly byBuffer = new WeakMap<Buffer, number>()
  private byText = new Map<string, number>()
  private readonly clock: () => number
  private count = 0

  constructor(clock: () => number) {
    this.clock = clock
  }

  /** Numbers the execution's text, and notes the time; `first` calls back when the text is new. */
  begin(execution: Execution, first: (ref: number) => void): number {
    const ref = this.number(execution.text, first)
    execution.notes.ref = ref
    execution.notes.begunAt = this.clock()
    return ref
  }

  /** Milliseconds since it began. */
  elapsed({ notes }: Execution): number {
    return notes.begunAt === 0 ? 0 : this.clock() - notes.begunAt
  }

  /** The number of the text; `first` calls back when it is new to the record. */
  number(text: Buffer, first: (ref: number) => void): number {
    const known = this.byBuffer.get(text)
    if (known !== undefined) return known
    const key = text.length <= LONGEST_KEY ? text.toString('latin1') : null
    let ref = key === null ? undefined : this.byText.get(key)
    if (ref === undefined) {
      ref = ++this.count
      // Texts that never come again must not fill the memory; at worst one is recorded twice.
      if (this.byText.size >= MOST_KEYS) this.byText = new Map()
      if (key !== null) this.byText.set(key, ref)
      first(ref)
    }
    this.byBuffer.set(text, ref)
    return ref
  }
}

const LONGEST_KEY = 4_096
const MOST_KEYS = 1_000
