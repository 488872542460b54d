import type { Entry } from '../../protocol/log/entries.ts'
import { decodeEntry, type Frame } from '../../protocol/log/reader.ts'

/** A payload above this is cut for people; the raw file has the whole. */
const LARGEST_KEPT = 1024 * 1024

/** What of a frame is needed to read its entry. */
export type FrameBody = Pick<
  Frame,
  'seq' | 'kind' | 'micros' | 'more' | 'absent' | 'head' | 'payload'
>

export interface WholeEntry {
  readonly seq: number
  readonly micros: number
  readonly entry: Entry
  /** Bytes of the whole payload; the entry may hold less of it. */
  readonly size: number
}

/** Puts the parts of a payload together again, up to a size. */
export class PartJoiner {
  #first: FrameBody | null = null
  #parts: Buffer[] = []
  #kept = 0
  #size = 0

  /** The entries that this frame completes. Two only after a crash, which leaves parts away. */
  push(frame: FrameBody): WholeEntry[] {
    const done: WholeEntry[] = []
    if (frame.kind !== 'part') {
      this.#finish(done)
      this.#first = frame
    }
    if (this.#first === null) return done
    this.#add(frame.payload)
    if (!frame.more) this.#finish(done)
    return done
  }

  #add(payload: Buffer): void {
    this.#size += payload.length
    // Rows are read on from slice to slice: none may be missing.
    const ofRows = this.#first?.kind === 'rows' || this.#first?.kind === 'result'
    if (this.#kept >= LARGEST_KEPT && !ofRows) return
    this.#parts.push(payload)
    this.#kept += payload.length
  }

  #finish(done: WholeEntry[]): void {
    const first = this.#first
    if (first === null) return
    const { seq, micros } = first
    const [only] = this.#parts
    const payload = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts)
    const entry = decodeEntry({ ...first, payload })
    done.push({ seq, micros, entry, size: this.#size })
    this.#first = null
    this.#parts = []
    this.#kept = 0
    this.#size = 0
  }
}

/** Rows and their outcome, which may stand in one entry, as two. */
export function apart(whole: WholeEntry): WholeEntry[] {
  const { entry } = whole
  if (entry.kind !== 'result') return [whole]
  const { ref, bytes, count, tag, rows, ms } = entry
  return [
    { ...whole, entry: { kind: 'rows', ref, bytes, count } },
    { ...whole, entry: { kind: 'complete', ref, tag, rows, ms } },
  ]
}
