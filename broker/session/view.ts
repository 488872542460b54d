import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Inside } from '../../protocol/pg/execution.ts'
import type { ColumnOrigin, StatementFacts } from '../../protocol/pg/statement.ts'
import { insideCatalogue } from '../analysis/inside.ts'
import type { ProtectedColumns } from '../masking/protect.ts'
import type { World } from '../policy/decide.ts'
import { Copies, type IsProtected } from './copies.ts'
import type { Target } from './target.ts'

/**
 * What one session sees of its target: what everybody sees, what its open transaction made besides, and
 * which of its own tables hold copies of what is masked. What everybody sees is shared by all sessions.
 */
export class View {
  private readonly target: Target
  private readonly copies: Copies
  private inside: Inside | null = null
  private looked: { readonly seen: Catalogue; readonly base: Catalogue } | null = null
  private own: Own | null = null
  private last: { readonly protect: ProtectedColumns; readonly world: World } | null = null
  private changed = false

  constructor(target: Target) {
    this.target = target
    this.copies = new Copies(target.analyst.catalogue())
  }

  catalogue(): Catalogue {
    return insideCatalogue(this.target.analyst.catalogue(), this.inside)
  }

  protect(): ProtectedColumns {
    const { inside, copies, target } = this
    const everybodys = target.protect()
    if (inside === null && copies.columns.length === 0) return everybodys
    const catalogue = this.catalogue()
    const { columns } = copies
    const { own } = this
    if (own?.everybodys === everybodys && own.catalogue === catalogue && own.columns === columns)
      return own.protect
    // What the transaction has renamed keeps its masks.
    const more = { columns: everybodys.columns, copies: columns }
    const protect = target.protectMore(catalogue, more)
    this.own = { everybodys, catalogue, columns, protect }
    return protect
  }

  /** The same object as long as nothing of it has changed. */
  world(): World {
    const protect = this.protect()
    const catalogue = this.catalogue()
    const { last } = this
    if (last?.protect === protect && last.world.catalogue === catalogue) return last.world
    const isProtected: IsProtected = (table, column) => protect.wanted(table, column) !== null
    const world = { catalogue, isProtected }
    this.last = { protect, world }
    return world
  }

  /** A text was judged by what is seen now. */
  look(inside: Inside | null, path: readonly string[]): void {
    if (this.inside !== inside) {
      if (this.inside !== null) this.target.analyst.forget(this.inside)
      this.inside = inside
    }
    const base = this.target.analyst.catalogue()
    const seen = this.catalogue()
    // A transaction that could not be looked into: what it made is found when it is over.
    if (inside !== null && seen === base) return
    const { looked } = this
    if (!this.changed && looked?.seen === seen && looked.base === base) return
    this.changed = false
    this.looked = { seen, base }
    this.copies.look({ catalogue: seen, everybodys: base, path })
  }

  /** A statement that changed something is done. */
  done(facts: StatementFacts | null): void {
    // Without a mask nothing that is done unread can copy anything that has one.
    const isMasking = this.target.protect().touches(null)
    if (!isMasking) return
    this.changed = true
    this.copies.done(facts, this.world().isProtected)
  }

  /** The session is over. */
  close(): void {
    if (this.inside !== null) this.target.analyst.forget(this.inside)
  }
}

interface Own {
  readonly everybodys: ProtectedColumns
  readonly catalogue: Catalogue
  readonly columns: readonly ColumnOrigin[]
  readonly protect: ProtectedColumns
}
