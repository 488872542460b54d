/** Verdicts by text, as many as fit into a number of bytes; the longest unused go first. */
import type { Analysis } from '../../protocol/pg/statement.ts'

interface Entry {
  readonly analysis: Analysis
  readonly size: number
}

export class VerdictCache {
  private readonly limit: number
  private readonly entries = new Map<string, Entry>()
  private size = 0

  constructor(bytes: number) {
    this.limit = bytes
  }

  get(key: string): Analysis | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    this.entries.delete(key)
    this.entries.set(key, entry)
    return entry.analysis
  }

  set(key: string, analysis: Analysis): void {
    const size = key.length + weight(analysis)
    if (size > this.limit / 8) return
    this.drop(key)
    this.entries.set(key, { analysis, size })
    this.size += size
    if (this.size > this.limit) this.shrink()
  }

  clear(): void {
    this.entries.clear()
    this.size = 0
  }

  /** An eighth at once: walking over the front of a Map from which much was taken is slow. */
  private shrink(): void {
    const goal = this.limit - this.limit / 8
    for (const [key, entry] of this.entries) {
      if (this.size <= goal) return
      this.entries.delete(key)
      this.size -= entry.size
    }
  }

  private drop(key: string): void {
    this.size -= this.entries.get(key)?.size ?? 0
    this.entries.delete(key)
  }
}

/** A guess that is not too low: objects, names, origins. */
function weight(analysis: Analysis): number {
  if (!analysis.ok) return 256
  return analysis.statements.reduce(
    (sum, one) =>
      sum +
      1024 +
      128 * (one.functions.length + one.reads.length + one.tables.length) +
      (one.output ?? []).reduce((size, { origins }) => size + 160 + 48 * origins.length, 0),
    0,
  )
}
