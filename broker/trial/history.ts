/** What ran, as it was recorded: a session's log as the units that policy judged. */
import type { Entry, EntryKind, ExecuteEntry, StatementEntry } from '../../protocol/log/entries.ts'
import { PartJoiner, type WholeEntry } from '../recorder/parts.ts'
import { userOf } from '../recorder/present.ts'
import { LogWalker } from '../recorder/walk.ts'

export interface RecordedSession {
  readonly session: string
  readonly user: string
  readonly groups: readonly string[]
  readonly connection: string
  readonly database: string
}

/** A text, and whether it is what a prepared statement or cursor stands for. */
export interface RecordedText {
  readonly text: Buffer
  readonly underlying: boolean
}

/** Statements that were judged together. */
export interface RecordedUnit {
  readonly entry: number
  /** Epoch milliseconds. */
  readonly at: number
  /** Null: a text of it could not be kept, or is too large to be parsed. */
  readonly texts: readonly (RecordedText | null)[]
  readonly decision: ExecuteEntry['decision']
  readonly request: string | null
  /** Its session may have had another search_path than the usual one. */
  readonly moved: boolean
}

/** Read whole; of others only the head. */
const READ: ReadonlySet<EntryKind> = new Set(['open', 'statement', 'execute', 'parameter', 'part'])
/** What may stand between two executions of one unit. */
const BETWEEN: ReadonlySet<EntryKind> = new Set(['statement', 'execute', 'other', 'part'])
/** Bytes of one session's texts that are kept. */
const KEPT = 32 * 1024 * 1024
const LARGEST = 1024 * 1024
const SEARCH_PATH = /\bsearch_path\b/i
const RUNS = 'runs: '

interface Open {
  readonly entries: { readonly entry: ExecuteEntry; readonly at: number; readonly seq: number }[]
}

/** Entry by entry; null wherever nothing was completed, so that the reader can let others on. */
export class History {
  readonly #walker: LogWalker
  readonly #end: number
  readonly #created: number
  readonly #joiner = new PartJoiner()
  readonly #texts = new Map<number, RecordedText | null>()
  #kept = 0
  #moved = false
  #unit: Open['entries'] = []
  session: RecordedSession | null = null

  /** Throws where the file is no log. */
  constructor(path: string, end: number) {
    this.#walker = LogWalker.open(path, null)
    this.#end = end
    this.#created = this.#walker.created()
  }

  close(): void {
    this.#walker.close()
  }

  /** RangeError: it does not hold from there on. */
  *units(): Generator<RecordedUnit | null> {
    for (;;) {
      const frame = this.#walker.next(this.#end, READ)
      if (frame === null) break
      if (!BETWEEN.has(frame.kind)) yield* this.#finish()
      if (READ.has(frame.kind))
        for (const whole of this.#joiner.push(frame)) yield* this.#take(whole)
      yield null
    }
    yield* this.#finish()
  }

  *#take({ seq, micros, entry, size }: WholeEntry): Generator<RecordedUnit> {
    if (entry.kind === 'execute') {
      const [first] = this.#unit
      if (first !== undefined && !isSame(first.entry, entry)) yield* this.#finish()
      this.#unit.push({ entry, seq, at: this.#created + micros / 1000 })
    } else this.#note(entry, size)
  }

  #note(entry: Entry, size: number): void {
    if (entry.kind === 'open') {
      const { session, groups, connection, database } = entry
      this.session = { session, user: userOf(entry), groups, connection, database }
    }
    if (entry.kind === 'parameter' && entry.name === 'search_path') this.#moved = true
    if (entry.kind === 'statement') this.#keep(entry, size)
  }

  #keep(entry: StatementEntry, size: number): void {
    const { ref, why = null, text } = entry
    const underlying = why?.startsWith(RUNS) === true
    const kept = underlying ? Buffer.from(why!.slice(RUNS.length)) : text
    if (entry.class === 'session' && SEARCH_PATH.test(text.toString('latin1', 0, 200)))
      this.#moved = true
    this.#texts.set(ref, size > LARGEST ? null : { text: kept, underlying })
    this.#kept += kept.length
    for (const [oldest, one] of this.#texts) {
      if (this.#kept <= KEPT || oldest === ref) return
      this.#texts.delete(oldest)
      this.#kept -= one?.text.length ?? 0
    }
  }

  *#finish(): Generator<RecordedUnit> {
    const [first] = this.#unit
    if (first === undefined) return
    const texts = this.#unit.map(({ entry }) => this.#texts.get(entry.ref) ?? null)
    this.#unit = []
    const { decision, request } = first.entry
    yield { entry: first.seq, at: first.at, texts, decision, request, moved: this.#moved }
  }
}

function isSame(a: ExecuteEntry, b: ExecuteEntry): boolean {
  return a.decision === b.decision && a.rule === b.rule && a.request === b.request
}
