import type { NewEntry } from '../../protocol/log/entries.ts'
import type { ChainWriter } from '../../protocol/log/writer.ts'
import type { Runtime } from '../runtime.ts'
import { type LogFile, recordFailed } from './files.ts'

/** What the pump has of the recorder. */
export interface SessionRecorder {
  /** One write for all; throws if it cannot be written: the session then ends. */
  append(entries: readonly NewEntry[]): void
  /** What was appended is on disk when this returns. */
  sync(): void
  close(why: string): void
}

/** Where a log stands: enough to go on from it. */
export interface LogPosition {
  readonly entries: number
  readonly hash: string
  readonly size: number
}

export interface SessionLogHooks {
  /** After each append; cheap, it is in the path of every query. */
  readonly grew: () => void
  readonly ended: (why: string) => void
  /** Before the first sync: the file's name must last, too. */
  readonly syncName: () => void
}

/** The log of one live session. */
export class SessionLog implements SessionRecorder {
  readonly #file: LogFile
  readonly #writer: ChainWriter
  readonly #runtime: Runtime
  readonly #hooks: SessionLogHooks
  readonly #startedAt: number
  #failure: Error | null = null
  #nameIsSynced = false
  #ended = false
  #hasEnd = false

  constructor(file: LogFile, writer: ChainWriter, runtime: Runtime, hooks: SessionLogHooks) {
    this.#file = file
    this.#writer = writer
    this.#runtime = runtime
    this.#hooks = hooks
    this.#startedAt = runtime.monotonic()
  }

  /** Where the log stands: what was written whole. */
  get position(): LogPosition {
    return { entries: this.#writer.seq, hash: this.#writer.hash, size: this.#file.size }
  }

  append(entries: readonly NewEntry[]): void {
    if (this.#failure !== null) throw this.#failure
    if (this.#ended) throw recordFailed(new Error('the log is closed'))
    this.#write(entries)
    this.#hooks.grew()
  }

  sync(): void {
    if (this.#failure !== null) throw this.#failure
    try {
      this.#file.sync()
      if (!this.#nameIsSynced) this.#hooks.syncName()
      this.#nameIsSynced = true
    } catch (error) {
      this.#failure = recordFailed(error)
      throw this.#failure
    }
  }

  close(why: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#hooks.ended(this.#failure === null ? why : this.#failure.message)
  }

  get hasEnd(): boolean {
    return this.#hasEnd
  }

  /** The last entry. Throws when it cannot be written now; it may be tried again. */
  writeEnd(why: string): void {
    this.#write([{ kind: 'close', why }])
    this.#hasEnd = true
  }

  release(): void {
    this.#file.close()
  }

  /** All of the entries are in the file, or none and the session is over. */
  #write(entries: readonly NewEntry[]): void {
    const { size } = this.#file
    const micros = Math.floor((this.#runtime.monotonic() - this.#startedAt) * 1000)
    try {
      this.#writer.append(entries, micros, this.#file.write)
    } catch (error) {
      this.#failure = recordFailed(error)
      this.#file.cutBack(size)
      throw this.#failure
    }
  }
}
