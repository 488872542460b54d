/** What two policies show otherwise: columns, and what detectors find. */
import type { Shown } from '../../protocol/api/trial.ts'
import type { CatalogueRelation } from '../../protocol/pg/catalogue.ts'
import type { StatementFacts } from '../../protocol/pg/statement.ts'
import { showColumn } from '../policy/columns.ts'
import { type ConnectionPolicy, DETECTORS } from '../policy/policy.ts'
import { showMask, showsMore } from './looser.ts'
import type { Sight } from './outcome.ts'

/** A column whose mask changes; counted as it is met in the record. */
export interface ChangedColumn {
  readonly shown: Omit<Shown, 'count'>
  count: number
}

/** `table number` → the change. */
export type ChangedColumns = ReadonlyMap<string, ChangedColumn>

const KEEPS: ReadonlySet<CatalogueRelation['kind']> = new Set([
  ...(['table', 'partitioned', 'materialized', 'foreign'] as const),
])

export function changedColumns(before: Sight, after: Sight): ChangedColumns {
  const changed = new Map<string, ChangedColumn>()
  for (const relation of before.catalogue.relations.values()) {
    // Those of the system follow the others by themselves.
    if (!KEEPS.has(relation.kind) || relation.builtin) continue
    for (const { number, name } of relation.columns) {
      const from = before.protect.wanted(relation.oid, number)
      const to = after.protect.wanted(relation.oid, number)
      if (showMask(from) === showMask(to)) continue
      const column = showColumn({ schema: relation.schema, table: relation.name, column: name })
      const { connection } = before.policy
      const looser = showsMore(from, to)
      const shown = { connection, column, from: showMask(from), to: showMask(to), looser }
      changed.set(`${relation.oid} ${number}`, { shown, count: 0 })
    }
  }
  return changed
}

/** Those that these statements return. */
export function returned(
  statements: readonly StatementFacts[],
  changed: ChangedColumns,
): readonly ChangedColumn[] {
  if (changed.size === 0) return []
  const found = statements.flatMap((facts) =>
    (facts.output ?? []).flatMap(({ origins }) =>
      origins.flatMap(({ table, column }) => changed.get(`${table} ${column}`) ?? []),
    ),
  )
  return [...new Set(found)]
}

export function changedDetectors(before: ConnectionPolicy, after: ConnectionPolicy): Shown[] {
  const { connection } = before
  if (after.request.length === 0) return []
  return DETECTORS.flatMap((what) => {
    const from = before.detect.find((rule) => rule.what === what) ?? null
    const to = after.detect.find((rule) => rule.what === what) ?? null
    if (showMask(from) === showMask(to)) return []
    const shown = { from: showMask(from), to: showMask(to), looser: showsMore(from, to) }
    return [{ connection, column: `what looks like ${what}`, ...shown, count: null }]
  })
}
