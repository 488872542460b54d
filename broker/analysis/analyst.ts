/**
 * Knows one target: its catalogue, and what each text means there. A text that was judged under
 * the present catalogue is answered at once; others go to a worker, because parsing untrusted text
 * in the broker's own thread would let one text stop everybody (see architecture.md).
 */
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Inside } from '../../protocol/pg/execution.ts'
import type { Analysis, StatementFacts } from '../../protocol/pg/statement.ts'
import type { Timer } from '../runtime.ts'
import type { Upstream } from '../upstream/postgres.ts'
import { VerdictCache } from './cache.ts'
import { insideQuery } from './inside.ts'
import { Lane, type LaneRuntime, noVerdict } from './lane.ts'
import { fingerprint, loadCatalogue } from './load.ts'
import { objectsQuery } from './objects.ts'
import { type Ask, asker } from './query.ts'
import { shapeOfText } from './shape.ts'

export interface AnalystLimits {
  /** Texts above have no verdict. */
  readonly textBytes: number
  readonly cacheBytes: number
  /** How much processor time one text may take. */
  readonly timeMs: number
  /** How long it may take by the clock: a busy machine is not the text's fault. */
  readonly patienceMs: number
  /** How often the target is asked whether its catalogue changed. */
  readonly refreshMs: number
}

export const ANALYST_LIMITS: AnalystLimits = {
  textBytes: 1_048_576,
  cacheBytes: 64 * 1_048_576,
  timeMs: 5_000,
  patienceMs: 60_000,
  refreshMs: 5_000,
}

export interface AnalystOptions {
  readonly connect: () => Promise<Upstream>
  readonly runtime: LaneRuntime
  readonly limits?: Partial<AnalystLimits>
}

export interface Analyst {
  /** At once where the text is known, else as soon as a worker has judged it. Never throws. */
  analyse(
    text: Buffer,
    searchPath: readonly string[],
    inside?: Inside | null,
  ): Analysis | Promise<Analysis>
  /** What is known of the text now, outside of transactions that see more; null: it has to be analysed. */
  known(text: Buffer, searchPath: readonly string[]): Analysis | null
  /** What to ask of a transaction, so that it can be told what it alone sees. */
  readonly insideQuery: string
  /** Nothing will be asked of it any more. */
  forget(inside: Inside): void
  catalogue(): Catalogue
  /** Of the objects that the statements stand on; another one when any was replaced. Throws. */
  objects(statements: readonly (StatementFacts | null)[]): Promise<string>
  /** Another number whenever what was said before may not be right any more. */
  readonly epoch: number
  /** Reads the catalogue again if it changed. */
  refresh(): Promise<void>
  /** DDL ran: nothing is answered from what was known before. */
  invalidate(): void
  close(): Promise<void>
}

export async function createAnalyst(options: AnalystOptions): Promise<Analyst> {
  const limits = { ...ANALYST_LIMITS, ...options.limits }
  const source = new Source(options.connect)
  return new TargetAnalyst(options.runtime, limits, source, await source.read(1))
}

interface Reading {
  readonly catalogue: Catalogue
  readonly print: string
}

/** The broker's own connection for the catalogue; opened again when it was lost. */
class Source {
  private readonly connect: () => Promise<Upstream>
  private open: { upstream: Upstream; ask: Ask } | null = null

  constructor(connect: () => Promise<Upstream>) {
    this.connect = connect
  }

  async read(version: number): Promise<Reading> {
    const ask = await this.ask()
    // First the print: what changes in between is seen as a change at the next look.
    const print = await fingerprint(ask)
    return { print, catalogue: await loadCatalogue(ask, version) }
  }

  async first(sql: string): Promise<string> {
    const ask = await this.ask()
    return (await ask(sql))[0] ?? ''
  }

  async print(): Promise<string> {
    return fingerprint(await this.ask())
  }

  close(): void {
    this.open?.upstream.end()
    this.open = null
  }

  private async ask(): Promise<Ask> {
    if (this.open !== null) return this.open.ask
    const upstream = await this.connect()
    const open = { upstream, ask: asker(upstream) }
    upstream.onClose(() => {
      if (this.open === open) this.open = null
    })
    this.open = open
    return open.ask
  }
}

/** What a verdict is kept under: the text, and its shape where it has one. */
interface Keys {
  readonly own: string
  readonly shape: string | null
}

interface Asked {
  readonly text: Buffer
  readonly path: readonly string[]
  readonly inside: Inside | null
}

/** All that it names is in the catalogue; a name that is not found stands without its schema. */
function isUnderstood({ class: kind, reads, writes }: StatementFacts): boolean {
  return kind !== 'unknown' && [...reads, ...writes].every((name) => name.includes('.'))
}

/** Only what passes anyway is kept by shape; nothing in its facts repeats a part of the text. */
function isPlainRead(analysis: Analysis): boolean {
  if (!analysis.ok || analysis.statements.length !== 1) return false
  const [only] = analysis.statements
  return only?.class === 'read' && only.command.type === 'query' && only.refusal === null
}

/** Texts above go to the second worker: a large one must not make small ones wait. */
const SMALL = 16_384
const SMALL_SLOTS = { slots: 32, slotBytes: 2 * SMALL }

class TargetAnalyst implements Analyst {
  private readonly runtime: LaneRuntime
  private readonly limits: AnalystLimits
  private readonly source: Source
  private readonly cache: VerdictCache
  private readonly small: Lane
  private readonly large: Lane
  private reading: Reading
  private refreshing: Promise<void> | null = null
  /** How often invalidate() was called, and what that was when the catalogue was last looked at. */
  private wanted = 0
  private looked = 0
  private lookedAt = 0
  private timer: Timer | null = null
  private closed = false
  epoch = 1
  private lastPath: readonly string[] | null = null
  private lastPathKey = ''

  constructor(runtime: LaneRuntime, limits: AnalystLimits, source: Source, reading: Reading) {
    this.runtime = runtime
    this.limits = limits
    this.source = source
    this.reading = reading
    this.cache = new VerdictCache(limits.cacheBytes)
    const { timeMs, patienceMs, textBytes } = limits
    this.small = new Lane(reading.catalogue, { runtime, timeMs, patienceMs, ...SMALL_SLOTS })
    const slotBytes = textBytes + SMALL
    this.large = new Lane(reading.catalogue, { runtime, timeMs, patienceMs, slots: 2, slotBytes })
    this.lookedAt = runtime.monotonic()
    this.schedule()
  }

  catalogue(): Catalogue {
    return this.reading.catalogue
  }

  get insideQuery(): string {
    return insideQuery(this.reading.catalogue.server)
  }

  forget(inside: Inside): void {
    this.small.forget(inside)
    this.large.forget(inside)
  }

  analyse(
    text: Buffer,
    searchPath: readonly string[],
    inside: Inside | null = null,
  ): Analysis | Promise<Analysis> {
    if (text.length > this.limits.textBytes) {
      return noVerdict(text, 'limit', `longer than ${this.limits.textBytes} bytes`)
    }
    const asked = { text, path: searchPath, inside }
    if (inside !== null) return this.judge(null, asked)
    const keys = this.keysOf(text, searchPath)
    return this.cached(keys) ?? this.judge(keys, asked)
  }

  known(text: Buffer, searchPath: readonly string[]): Analysis | null {
    if (text.length > this.limits.textBytes) return null
    return this.cached(this.keysOf(text, searchPath)) ?? null
  }

  private keysOf(text: Buffer, searchPath: readonly string[]): Keys {
    const own = text.toString('latin1')
    const shape = shapeOfText(own)
    const path = this.pathKey(searchPath)
    return { own: path + own, shape: shape === null ? null : path + shape }
  }

  private cached({ own, shape }: Keys): Analysis | undefined {
    if (this.stale) return undefined
    return (shape === null ? undefined : this.cache.get(shape)) ?? this.cache.get(own)
  }

  /** The same array again, which is the rule, is not joined again. */
  private pathKey(searchPath: readonly string[]): string {
    if (this.lastPath !== searchPath) {
      this.lastPath = searchPath
      this.lastPathKey = `${searchPath.join('\0')}\0\0`
    }
    return this.lastPathKey
  }

  invalidate(): void {
    this.wanted++
    this.epoch++
    this.cache.clear()
    void this.refresh()
  }

  /** What is not understood may stand on anything, so the whole catalogue must stay as it is. */
  async objects(statements: readonly (StatementFacts | null)[]): Promise<string> {
    const known = statements.filter(
      (facts) => facts !== null && isUnderstood(facts),
    ) as StatementFacts[]
    const query = objectsQuery(known)
    const objects = query === null ? '' : await this.source.first(query)
    return known.length === statements.length ? objects : `${objects} ${await this.source.print()}`
  }

  /** What is known may be wrong: nothing is answered before the catalogue was looked at. */
  private get stale(): boolean {
    return this.looked !== this.wanted
  }

  refresh(): Promise<void> {
    this.refreshing ??= this.look().finally(() => {
      this.refreshing = null
    })
    return this.refreshing
  }

  async close(): Promise<void> {
    this.closed = true
    this.timer?.cancel()
    this.source.close()
    await Promise.all([this.small.close(), this.large.close()])
  }

  /** `keys` null: only one transaction sees it so, nothing is kept. */
  private async judge(keys: Keys | null, asked: Asked): Promise<Analysis> {
    for (let tries = 0; this.stale && tries < 3; tries++) await this.refresh()
    if (this.stale) return noVerdict(asked.text, 'fault', "the target's catalogue cannot be read")
    const first = await this.ask(keys, asked)
    if (!this.missesNames(first)) return first
    const { version } = this.reading.catalogue
    await this.refresh()
    return this.reading.catalogue.version === version ? first : this.ask(keys, asked)
  }

  private async ask(keys: Keys | null, { text, path, inside }: Asked): Promise<Analysis> {
    const lane = text.length > SMALL ? this.large : this.small
    const { version } = this.reading.catalogue
    const analysis = await lane.analyse(text, path, inside)
    const current = version === this.reading.catalogue.version && !this.stale
    if (current && keys !== null)
      this.cache.set(isPlainRead(analysis) ? (keys.shape ?? keys.own) : keys.own, analysis)
    return analysis
  }

  /** A name that nobody knows may have been made since; but not each time within a second. */
  private missesNames(analysis: Analysis): boolean {
    if (!analysis.ok || this.runtime.monotonic() - this.lookedAt < 1_000) return false
    return !analysis.statements.every(isUnderstood)
  }

  /** Failing leaves what is known as it is: stale if it was stale. */
  private async look(): Promise<void> {
    try {
      const { wanted } = this
      const print = await this.source.print()
      this.lookedAt = this.runtime.monotonic()
      if (print !== this.reading.print) await this.reload()
      this.looked = wanted
    } catch {
      this.source.close()
      this.looked = -1
    }
  }

  private async reload(): Promise<void> {
    const reading = await this.source.read(this.reading.catalogue.version + 1)
    this.reading = reading
    this.epoch++
    this.cache.clear()
    this.small.use(reading.catalogue)
    this.large.use(reading.catalogue)
  }

  private schedule(): void {
    this.timer = this.runtime.setTimer(this.limits.refreshMs, () => {
      void this.refresh().then(() => {
        if (!this.closed) this.schedule()
      })
    })
  }
}
