/** Predicates over protected columns: they tell what the masks hide, so they have rules of their own. */
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { ColumnOrigin, PredicateUse, StatementFacts } from '../../protocol/pg/statement.ts'
import { showColumn } from './columns.ts'
import { USES } from './policy.ts'

/** What a statement lets columns decide. */
export interface ColumnUse {
  readonly use: PredicateUse
  /** For people: `people.ssn`. */
  readonly columns: readonly string[]
  /** Of equality: with how many values they are compared. */
  readonly guesses: number
}

export type IsProtected = (table: number, column: number) => boolean

/** The uses of those columns of which `isMeant` is true: for decisions, of the protected ones. */
export function usesOf(
  { predicates }: StatementFacts,
  isMeant: IsProtected,
  catalogue: Catalogue,
): readonly ColumnUse[] {
  const hit = predicates.filter(({ table, column }) => isMeant(table, column))
  if (hit.length === 0) return NONE
  return USES.flatMap((use) => {
    const own = hit.filter((one) => one.use === use)
    if (own.length === 0) return []
    const columns = [...new Set(own.map((one) => nameOf(one, catalogue)))]
    return { use, columns, guesses: own.reduce((sum, { guesses }) => sum + guesses, 0) }
  })
}

const NONE: readonly ColumnUse[] = []

/** `people.ssn`, `people.*`; `*` = it may be any value of the database. */
export function nameOf({ table, column }: ColumnOrigin, { relations }: Catalogue): string {
  const relation = relations.get(table)
  if (relation === undefined) return '*'
  const found = relation.columns.find((one) => one.number === column)
  if (found === undefined) return `${relation.name}.*`
  return showColumn({ schema: null, table: relation.name, column: found.name })
}

/** `sorts by people.ssn`, for sentences. */
export function describeUse({ use, columns, guesses }: ColumnUse): string {
  const named =
    columns.length > 3 ? `${columns.slice(0, 3).join(', ')} and more` : columns.join(', ')
  const often = use === 'equality' && guesses > 1 ? ` with ${guesses} values` : ''
  return `${VERBS[use]} ${named}${often}`
}

const VERBS: Readonly<Record<PredicateUse, string>> = {
  equality: 'compares for equality',
  presence: 'asks for the presence of',
  filter: 'selects rows by',
  join: 'joins by',
  order: 'sorts by',
  group: 'groups by',
  compute: 'computes with',
}
