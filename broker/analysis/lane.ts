/**
 * One worker and its queue. A worker that breaks, stalls or says that it is spent is thrown away;
 * the text it was at gets no verdict, those behind it go to the next worker.
 */
import { Worker } from 'node:worker_threads'
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Inside } from '../../protocol/pg/execution.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'
import type { Runtime, Timer } from '../runtime.ts'
import { encodeTopic, type FromWorker, type ToWorker, type WorkerData } from './messages.ts'
import { Asker, createRing } from './ring.ts'

export type LaneRuntime = Pick<Runtime, 'monotonic' | 'processorTime' | 'setTimer'>

export interface LaneOptions {
  readonly runtime: LaneRuntime
  /** How much processor time one text may take: the whole process had no more, nor has the worker. */
  readonly timeMs: number
  /** How long it may take at most, on a machine that is busy with something else. */
  readonly patienceMs: number
  /** How many texts lie at the worker, the others wait here. */
  readonly slots: number
  /** The longest text and answer, with a little room for the search path. */
  readonly slotBytes: number
}

interface Job {
  readonly text: Buffer
  readonly topic: string
  readonly resolve: (analysis: Analysis) => void
}

/** The same file as source and as built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)
const STARTING_MS = 30_000
const STARTING_PATIENCE_MS = 120_000
const LIMITS = { maxOldGenerationSizeMb: 1024, stackSizeMb: 8 }

export class Lane {
  private readonly options: LaneOptions
  private catalogue: Catalogue
  private worker!: Worker
  private ring!: Asker
  private ready = false
  private closed = false
  /** In order; the first is what the worker is at. */
  private readonly jobs: Job[] = []
  /** How many of them, from the first, the worker was asked and has not answered in full. */
  private asked = 0
  /** Answers that did not fit into the ring are on their way. */
  private awaitsLarge = false
  /** What open transactions see, and the numbers by which the worker knows it. */
  private readonly insides = new Map<Inside, number>()
  private lastInside = 0
  /** When the worker was last heard, or given something: by the clock and in processor time. */
  private since = { clock: 0, processor: 0 }
  private watch: Timer | null = null

  constructor(catalogue: Catalogue, options: LaneOptions) {
    this.options = options
    this.catalogue = catalogue
    this.start()
  }

  use(catalogue: Catalogue): void {
    this.catalogue = catalogue
    this.tell({ type: 'catalogue', catalogue })
  }

  analyse(text: Buffer, path: readonly string[], inside: Inside | null): Promise<Analysis> {
    if (this.closed) return Promise.resolve(noVerdict(text, 'fault', 'closed'))
    const topic = encodeTopic({ inside: inside === null ? 0 : this.idOf(inside), path })
    return new Promise((resolve) => {
      this.jobs.push({ text, topic, resolve })
      if (this.jobs.length === 1) this.beginWatch()
      this.fill()
    })
  }

  forget(inside: Inside): void {
    const id = this.insides.get(inside)
    if (id === undefined) return
    this.insides.delete(inside)
    this.tell({ type: 'forget', id })
  }

  private idOf(inside: Inside): number {
    const known = this.insides.get(inside)
    if (known !== undefined) return known
    const id = ++this.lastInside
    this.insides.set(inside, id)
    this.tell({ type: 'inside', id, inside })
    return id
  }

  private tell(mail: ToWorker): void {
    this.worker.postMessage(mail)
    this.ring.news()
  }

  async close(): Promise<void> {
    this.closed = true
    this.watch?.cancel()
    for (const job of this.jobs.splice(0)) job.resolve(noVerdict(job.text, 'fault', 'closed'))
    await this.worker.terminate()
  }

  private start(): void {
    const ring = createRing(this.options.slots, this.options.slotBytes)
    const worker = new Worker(WORKER, {
      resourceLimits: LIMITS,
      workerData: { ring } satisfies WorkerData,
    })
    worker.unref()
    worker.on('message', (message: FromWorker) => this.heard(worker, message))
    worker.on('error', (error) => this.replace(worker, 'fault', error.message))
    worker.on('exit', () => this.replace(worker, 'fault', 'the parser ended'))
    this.worker = worker
    this.ring = new Asker(ring)
    this.ready = false
    this.awaitsLarge = false
    this.asked = 0
    this.tell({ type: 'catalogue', catalogue: this.catalogue })
    for (const [inside, id] of this.insides) this.tell({ type: 'inside', id, inside })
  }

  private fill(): void {
    for (let job = this.jobs[this.asked]; job !== undefined; job = this.jobs[this.asked]) {
      if (!this.ring.ask(job.topic, job.text)) break
      this.asked++
    }
    // The worker has none and still the first does not fit: it never will.
    if (this.asked > 0) return
    const job = this.jobs.shift()
    if (job === undefined) return
    job.resolve(noVerdict(job.text, 'limit', 'text and search_path are too long'))
    this.fill()
  }

  private heard(worker: Worker, message: FromWorker): void {
    if (worker !== this.worker) return
    this.since = this.moment()
    if (message.type === 'ready') this.begins()
    else if (message.type === 'look') this.look()
    else if (message.type === 'large') this.takeLarge(message.answer)
    else this.replace(worker, 'limit', null)
  }

  /** A worker that starts may take its time; the text that it now has at hand may not. */
  private begins(): void {
    this.ready = true
    if (this.watch === null) return
    this.watch.cancel()
    this.arm(this.options.timeMs)
  }

  private look(): void {
    if (this.awaitsLarge) return
    for (const answer of this.ring.take()) this.answered(answer)
    this.fill()
  }

  private readonly held: (string | null)[] = []

  /** Answers stay in order: behind one that comes as a message the others wait. */
  private answered(answer: string | null): void {
    if (answer === null) this.awaitsLarge = true
    if (this.awaitsLarge) this.held.push(answer)
    else this.finish(JSON.parse(answer!) as Analysis)
  }

  private takeLarge(answer: string): void {
    if (!this.awaitsLarge) this.look()
    // An answer to nobody's question must not become the answer to another's.
    if (this.held.shift() !== null) return this.replace(this.worker, 'fault', 'an answer too many')
    this.finish(JSON.parse(answer) as Analysis)
    while (typeof this.held[0] === 'string') this.finish(JSON.parse(this.held.shift()!) as Analysis)
    this.awaitsLarge = this.held.length > 0
    this.look()
  }

  private finish(analysis: Analysis): void {
    this.asked--
    this.jobs.shift()?.resolve(analysis)
  }

  /** The job at hand has no verdict unless it was answered; the others are asked again. */
  private replace(worker: Worker, reason: 'limit' | 'fault', why: string | null): void {
    if (worker !== this.worker || this.closed) return
    this.held.length = 0
    const job = why === null ? undefined : this.jobs.shift()
    void worker.terminate()
    this.start()
    this.since = this.moment()
    job?.resolve(noVerdict(job.text, reason, why ?? ''))
    this.fill()
  }

  private beginWatch(): void {
    this.since = this.moment()
    if (this.watch === null) this.arm(this.options.timeMs)
  }

  private moment(): { clock: number; processor: number } {
    const { runtime } = this.options
    return { clock: runtime.monotonic(), processor: runtime.processorTime() }
  }

  /** One timer for the lane, not one for each text. */
  private arm(ms: number): void {
    this.watch = this.options.runtime.setTimer(ms, () => {
      this.watch = null
      // What is answered already was not too slow; only this thread was.
      this.look()
      if (this.jobs.length === 0) return
      const left = this.left()
      if (left <= 0) this.replace(this.worker, 'limit', 'it took too long')
      if (this.jobs.length > 0) this.arm(left > 0 ? left : this.options.timeMs)
    })
  }

  /** Milliseconds after which it is to be looked at again; none are left: it took too long. */
  private left(): number {
    const { timeMs, patienceMs } = this.options
    const limit = this.ready ? timeMs : STARTING_MS
    const patience = this.ready ? patienceMs : STARTING_PATIENCE_MS
    const now = this.moment()
    const clock = now.clock - this.since.clock
    const processor = now.processor - this.since.processor
    return Math.min(patience - clock, Math.max(limit - clock, limit - processor))
  }
}

export function noVerdict(text: Buffer, reason: 'limit' | 'fault', message: string): Analysis {
  return { ok: false, reason, message, length: text.length }
}
