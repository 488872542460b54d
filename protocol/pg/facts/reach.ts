/** What a statement reaches: rows and columns that it reads and writes, and what decides about them. */
import type { ColumnOrigin, Predicate, PredicateUse } from '../statement.ts'
import type { Value } from './lineage-types.ts'
import { NO_ORIGINS, type Origins, origin, toColumns, toOrigins, unite } from './origins.ts'

export interface Reach {
  readonly rowsRead: readonly number[]
  readonly rowsWritten: readonly number[]
  readonly columnsRead: readonly ColumnOrigin[]
  readonly columnsWritten: readonly ColumnOrigin[]
  readonly predicates: readonly Predicate[]
  readonly unbounded: boolean
  readonly opaque: boolean
  readonly understood: boolean
  readonly callsWithin: readonly string[]
}

type Made = Pick<Value, 'origins' | 'proved'>

export class Reaching {
  readonly rowsRead = new Set<number>()
  readonly rowsWritten = new Set<number>()
  /** Nothing bounds the rows that it changes. */
  unbounded = false
  opaque = false
  /** False: something in it has a meaning that nobody knows, whatever else it is. */
  understood = true
  /** Functions that views and other functions call, by name. */
  readonly callsWithin = new Set<string>()
  private read: Origins = NO_ORIGINS
  private written: Origins = NO_ORIGINS
  private readonly uses = new Map<PredicateUse, Origins>()
  private readonly guesses = new Map<number, number>()
  /** Values without a proved origin: they may be any of the rows that are read. */
  private readonly doubtful = new Set<PredicateUse | 'read'>()
  private wholeRows = false

  reads({ origins, proved }: Made): void {
    if (!proved) this.doubtful.add('read')
    this.read = unite(this.read, origins)
  }

  writes({ origins, proved }: Made): void {
    if (!proved) this.wholeRows = true
    this.written = unite(this.written, origins)
  }

  /** Whole rows of what is written, not columns by their names. */
  writesRows(): void {
    this.wholeRows = true
  }

  /** There is a part of the statement that nobody understands. */
  doubt(use: PredicateUse | 'read'): void {
    this.doubtful.add(use)
  }

  /** This value decides something that shows. */
  decide(use: PredicateUse, { origins, proved }: Made): void {
    if (!proved) this.doubtful.add(use)
    if (origins.length > 0) this.uses.set(use, unite(this.uses.get(use) ?? NO_ORIGINS, origins))
  }

  /** The column is compared with so many values of the text or of its parameters. */
  guess(column: Made, values: number): void {
    for (const one of column.origins) this.guesses.set(one, (this.guesses.get(one) ?? 0) + values)
    this.decide('equality', column)
  }

  /** What an inner statement, or a body, does. */
  absorb(inner: Reach): void {
    for (const table of inner.rowsRead) this.rowsRead.add(table)
    for (const table of inner.rowsWritten) this.rowsWritten.add(table)
    this.read = unite(this.read, toOrigins(inner.columnsRead))
    this.written = unite(this.written, toOrigins(inner.columnsWritten))
    for (const { use, guesses, ...column } of inner.predicates) {
      const made = { origins: toOrigins([column]), proved: true }
      if (use === 'equality') this.guess(made, guesses)
      else this.decide(use, made)
    }
    for (const name of inner.callsWithin) this.callsWithin.add(name)
    this.unbounded ||= inner.unbounded
    this.opaque ||= inner.opaque
    this.understood &&= inner.understood
  }

  finish(): Reach {
    const whole = (tables: Iterable<number>): Origins =>
      [...tables].map((table) => origin(table, 0)).sort((a, b) => a - b)
    const rows = this.doubtful.size === 0 ? NO_ORIGINS : whole(this.rowsRead)
    return {
      rowsRead: [...this.rowsRead],
      rowsWritten: [...this.rowsWritten],
      columnsRead: toColumns(this.doubtful.has('read') ? unite(this.read, rows) : this.read),
      columnsWritten: toColumns(
        this.wholeRows ? unite(this.written, whole(this.rowsWritten)) : this.written,
      ),
      predicates: this.predicates(rows),
      unbounded: this.unbounded,
      opaque: this.opaque,
      understood: this.understood,
      callsWithin: [...this.callsWithin],
    }
  }

  private predicates(rows: Origins): readonly Predicate[] {
    return USES.flatMap((use) => {
      const sure = this.uses.get(use) ?? NO_ORIGINS
      const all = this.doubtful.has(use) ? unite(sure, rows) : sure
      return all.flatMap((key) => {
        const guesses = use === 'equality' ? (this.guesses.get(key) ?? 0) : 0
        return toColumns([key]).map((column) => ({ ...column, use, guesses }))
      })
    })
  }
}

const USES: readonly PredicateUse[] = [
  ...(['equality', 'presence', 'filter', 'join', 'order', 'group', 'compute'] as const),
]
