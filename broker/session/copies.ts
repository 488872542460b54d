import { type Catalogue, type CatalogueRelation, isTemporary } from '../../protocol/pg/catalogue.ts'
import { mayChangeCatalogue } from '../../protocol/pg/inside.ts'
import type { ColumnOrigin, OutputColumn, StatementFacts } from '../../protocol/pg/statement.ts'

export type IsProtected = (table: number, column: number) => boolean

/**
 * Where a session copied protected values among the tables that only it sees: its temporary ones, and
 * those that its open transaction made. They are masked as what they came from. What nobody can follow
 * may have copied anything anywhere.
 */
export class Copies {
  private marked: readonly ColumnOrigin[] = []
  /** Tables that only the session sees: where the path names no temporary schema, those of all sessions. */
  private own: ReadonlyMap<number, CatalogueRelation>
  /** Of what was made since the last look: which columns of it are copies; null = all may be. */
  private made: readonly boolean[] | null = null
  private waits = false

  constructor(everybodys: Catalogue) {
    this.own = ownTables({ catalogue: everybodys, everybodys, path: [] })
  }

  /** Another list whenever something was added. */
  get columns(): readonly ColumnOrigin[] {
    return this.marked
  }

  /** A statement that changed something is done. */
  done(facts: StatementFacts | null, isProtected: IsProtected): void {
    const followed = facts !== null && !facts.opaque && facts.understood ? facts : null
    if (followed?.node === 'AlterTableStmt') return this.mark(this.altered(followed).map(whole))
    if (followed?.columnsRead.some(({ table, column }) => isProtected(table, column)) === false)
      return
    if (followed === null) this.mark([...this.own.keys()].map(whole))
    else this.mark(followed.columnsWritten.filter(({ table }) => this.own.has(table)))
    if (!mayChangeCatalogue(facts)) return
    this.wait(followed, isProtected)
  }

  private wait(followed: StatementFacts | null, isProtected: IsProtected): void {
    const fills = followed?.fills ?? null
    this.made = this.waits ? null : (fills?.map((one) => isCopy(one, isProtected)) ?? null)
    this.waits = true
  }

  /** One column can be made of another one. */
  private altered({ tables, rowsWritten }: StatementFacts): number[] {
    const altered = new Set([...tables, ...rowsWritten])
    return this.marked.flatMap(({ table }) => (altered.has(table) ? [table] : []))
  }

  /** The catalogue as it is after all that was done: what is new in it was made by that. */
  look(sight: Sight): void {
    const tables = ownTables(sight)
    const fresh = [...tables.values()].filter(({ oid }) => !this.own.has(oid))
    if (this.waits)
      this.mark(fresh.length === 1 ? this.partsOf(fresh[0]!) : fresh.map(({ oid }) => whole(oid)))
    this.own = tables
    this.waits = false
  }

  private partsOf({ oid, columns }: CatalogueRelation): ColumnOrigin[] {
    const { made } = this
    if (made?.length !== columns.length) return [whole(oid)]
    return columns.flatMap(({ number }, index) =>
      made[index] ? [{ table: oid, column: number }] : [],
    )
  }

  private mark(columns: readonly ColumnOrigin[]): void {
    const isKnown = ({ table, column }: ColumnOrigin): boolean =>
      this.marked.some((one) => one.table === table && (one.column === column || one.column === 0))
    const added = columns.filter((column) => !isKnown(column))
    if (added.length > 0) this.marked = [...this.marked, ...added]
  }
}

function whole(table: number): ColumnOrigin {
  return { table, column: 0 }
}

function isCopy({ origins, proved }: OutputColumn, isProtected: IsProtected): boolean {
  return !proved || origins.some(({ table, column }) => isProtected(table, column))
}

/** What the session sees, what everybody sees, and where it looks for names. */
export interface Sight {
  readonly catalogue: Catalogue
  readonly everybodys: Catalogue
  readonly path: readonly string[]
}

/** Views are the facts' business: they show what is in other tables. */
const KEEPS: ReadonlySet<string> = new Set(['table', 'partitioned', 'materialized'])

function ownTables({ catalogue, everybodys, path }: Sight): ReadonlyMap<number, CatalogueRelation> {
  const temporary = path.filter(isTemporary)
  const isOwn = ({ oid, kind, schema }: CatalogueRelation): boolean => {
    if (!KEEPS.has(kind)) return false
    if (!isTemporary(schema)) return !everybodys.relations.has(oid)
    return temporary.length === 0 || temporary.includes(schema)
  }
  const found = [...catalogue.relations.values()].filter(isOwn)
  return new Map(found.map((relation) => [relation.oid, relation]))
}
