/**
 * One worker and its queue. A worker that breaks, stalls or says that it is spent is thrown away;
 * the text it was at gets no verdict, those behind it go to the next worker.
 */
import { Worker } from 'node:worker_threads'
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'
import type { Runtime, Timer } from '../runtime.ts'
import type { FromWorker, ToWorker } from './messages.ts'

export interface LaneOptions {
  readonly runtime: Pick<Runtime, 'monotonic' | 'setTimer'>
  /** How long one text may take. */
  readonly timeMs: number
}

interface Job {
  readonly id: number
  readonly text: Buffer
  readonly path: readonly string[]
  readonly resolve: (analysis: Analysis) => void
}

/** The same file as source and as built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)
const STARTING_MS = 30_000

export class Lane {
  private readonly options: LaneOptions
  private catalogue: Catalogue
  private worker: Worker
  private ready = false
  private closed = false
  private nextId = 1
  /** In order; the first is what the worker is at. */
  private readonly jobs: Job[] = []
  private since = 0
  private watch: Timer | null = null

  constructor(catalogue: Catalogue, options: LaneOptions) {
    this.options = options
    this.catalogue = catalogue
    this.worker = this.start()
  }

  use(catalogue: Catalogue): void {
    this.catalogue = catalogue
    this.send({ type: 'catalogue', catalogue })
  }

  analyse(text: Buffer, path: readonly string[]): Promise<Analysis> {
    return new Promise((resolve) => {
      const job = { id: this.nextId++, text, path, resolve }
      this.jobs.push(job)
      if (this.jobs.length === 1) this.beginWatch()
      this.post(job)
    })
  }

  async close(): Promise<void> {
    this.closed = true
    this.watch?.cancel()
    for (const job of this.jobs.splice(0)) job.resolve(noVerdict(job.text, 'fault', 'closed'))
    await this.worker.terminate()
  }

  private start(): Worker {
    const worker = new Worker(WORKER, {
      resourceLimits: { maxOldGenerationSizeMb: 1024, stackSizeMb: 8 },
    })
    this.ready = false
    worker.unref()
    worker.on('message', (message: FromWorker) => this.heard(worker, message))
    worker.on('error', (error) => this.replace(worker, 'fault', error.message))
    worker.on('exit', () => this.replace(worker, 'fault', 'the parser ended'))
    worker.postMessage({ type: 'catalogue', catalogue: this.catalogue } satisfies ToWorker)
    return worker
  }

  private send(message: ToWorker): void {
    this.worker.postMessage(message)
  }

  private post({ id, text, path }: Job): void {
    this.send({ type: 'analyse', id, text, path })
  }

  private heard(worker: Worker, message: FromWorker): void {
    if (worker !== this.worker) return
    this.since = this.options.runtime.monotonic()
    if (message.type === 'ready') {
      this.ready = true
      return
    }
    const job = this.jobs.shift()
    if (job?.id !== message.id) throw new Error('an answer to another text')
    job.resolve(message.analysis)
    if (message.spent) this.replace(worker, 'limit', 'spent')
  }

  /** The job at hand has no verdict unless it was answered; the others are asked again. */
  private replace(worker: Worker, reason: 'limit' | 'fault', why: string): void {
    if (worker !== this.worker || this.closed) return
    if (why !== 'spent') {
      const job = this.jobs.shift()
      job?.resolve(noVerdict(job.text, reason, why))
    }
    void worker.terminate()
    this.worker = this.start()
    this.since = this.options.runtime.monotonic()
    for (const job of this.jobs) this.post(job)
  }

  private beginWatch(): void {
    this.since = this.options.runtime.monotonic()
    if (this.watch === null) this.arm(this.options.timeMs)
  }

  /** One timer for the lane, not one for each text. */
  private arm(ms: number): void {
    this.watch = this.options.runtime.setTimer(ms, () => {
      this.watch = null
      if (this.jobs.length === 0) return
      const limit = this.ready ? this.options.timeMs : STARTING_MS
      const left = this.since + limit - this.options.runtime.monotonic()
      if (left <= 0) this.replace(this.worker, 'limit', 'it took too long')
      if (this.jobs.length > 0) this.arm(left > 0 ? left : this.options.timeMs)
    })
  }
}

export function noVerdict(text: Buffer, reason: 'limit' | 'fault', message: string): Analysis {
  return { ok: false, reason, message, length: text.length }
}
