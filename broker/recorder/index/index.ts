import { Worker } from 'node:worker_threads'
import { HoopError } from '../../../protocol/errors.ts'
import type { Runtime, Timer } from '../../runtime.ts'
import type { Recorder } from '../recorder.ts'
import type { FoundSession, Wanted } from './find.ts'
import type { Answer, Order } from './worker.ts'

export type { FoundLine, FoundSession, Wanted } from './find.ts'

export interface Found {
  readonly sessions: readonly FoundSession[]
  /** Sessions that are not read to their end yet. */
  readonly behind: number
}

/** What can be found in the record. Fed and asked off the hot path: all of it is in a worker. */
export interface SessionIndex {
  list(wanted: Wanted): Promise<Found>
  search(query: string, wanted: Wanted): Promise<Found>
  get(session: string): Promise<FoundSession | null>
  close(): Promise<void>
}

export interface SessionIndexOptions {
  readonly dataDir: string
  readonly recorder: Pick<Recorder, 'folder' | 'takeGrown' | 'appends'>
  readonly runtime: Pick<Runtime, 'setTimer'>
}

export function openSessionIndex(options: SessionIndexOptions): SessionIndex {
  return new WorkerIndex(options)
}

/** How often the worker hears what grew. A search tells it at once. */
const TELL_MS = 500

type Question =
  Exclude<Order, { type: 'grown' }> extends infer O
    ? O extends unknown
      ? Omit<O, 'id'>
      : never
    : never

interface Waiting {
  readonly resolve: (found: Found) => void
  readonly reject: (error: Error) => void
}

class WorkerIndex implements SessionIndex {
  readonly #options: SessionIndexOptions
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #timer: Timer | null = null
  #next = 1
  #closed = false

  constructor(options: SessionIndexOptions) {
    this.#options = options
    this.#start()
    this.#tick()
  }

  async list(wanted: Wanted): Promise<Found> {
    return this.#ask({ type: 'list', wanted })
  }

  async search(query: string, wanted: Wanted): Promise<Found> {
    return this.#ask({ type: 'search', query, wanted })
  }

  async get(session: string): Promise<FoundSession | null> {
    const { sessions } = await this.#ask({ type: 'get', session })
    return sessions[0] ?? null
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#fail('the broker stops')
    await this.#worker?.terminate()
  }

  #tick(): void {
    this.#tell()
    this.#timer = this.#options.runtime.setTimer(TELL_MS, () => this.#tick())
  }

  #tell(): void {
    const logs = this.#options.recorder.takeGrown()
    if (logs.length > 0) this.#worker?.postMessage({ type: 'grown', logs } satisfies Order)
  }

  #ask(question: Question): Promise<Found> {
    if (this.#worker === null && !this.#closed) this.#start()
    this.#tell()
    const id = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<Found>()
    this.#waiting.set(id, { resolve, reject })
    this.#worker?.postMessage({ ...question, id })
    return promise
  }

  #start(): void {
    const { dataDir, recorder } = this.#options
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    const workerData = { dataDir, folder: recorder.folder, appends: recorder.appends }
    const worker = new Worker(new URL(file, import.meta.url), { workerData })
    worker.on('message', (answer: Answer) => this.#answered(answer))
    worker.on('error', (error) => this.#lost(worker, String(error)))
    worker.on('exit', () => this.#lost(worker, 'it stopped'))
    this.#worker = worker
  }

  /** The record itself does not depend on the index; the next question starts it again. */
  #lost(worker: Worker, why: string): void {
    if (this.#worker !== worker) return
    this.#worker = null
    this.#fail(why)
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(unavailable(why))
    this.#waiting.clear()
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('failure' in answer) waiting?.reject(unavailable(answer.failure))
    else waiting?.resolve({ sessions: answer.found, behind: answer.behind })
  }
}

function unavailable(why: string): HoopError {
  return new HoopError({
    code: 'search_unavailable',
    message: `The index of the record cannot be used: ${why}.`,
    hint: 'The record itself is not touched. Removing data_dir/index.sqlite makes the index anew.',
    fault: 'hoop',
  })
}
