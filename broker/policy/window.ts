/**
 * A time-boxed window: an approved rule. What it covers runs without being held one by one; what it
 * does not cover is held as ever. Deny stays deny.
 */
import type { WindowTerms } from '../../protocol/api/windows.ts'
import { contains, endsAt, parseSpan } from '../../protocol/calendar.ts'
import type { StatementFacts } from '../../protocol/pg/statement.ts'
import { parseTable, type TableName } from './columns.ts'
import { decide, type Question, type World } from './decide.ts'
import { writesWithin } from './match.ts'
import type { ConnectionPolicy } from './policy.ts'

/** Is it open at `now`, if it was approved at `approvedAt`? */
export function isOpenAt(terms: WindowTerms, approvedAt: number, now: number): boolean {
  const end = approvedAt + terms.for_ms
  if (terms.every === null || now < approvedAt || now >= end) return now < end
  const span = parseSpan(terms.every.span, terms.every.zone)
  return span !== null && contains(span, now)
}

/** When a window that is open at `now` closes; not behind `now` where it is closed. */
export function closesAt(terms: WindowTerms, approvedAt: number, now: number): number {
  const end = approvedAt + terms.for_ms
  if (terms.every === null || now < approvedAt || now >= end) return end
  const span = parseSpan(terms.every.span, terms.every.zone)
  return span === null ? now : Math.min(end, endsAt(span, now))
}

/**
 * Why these statements, which policy holds, are not covered; null: they are. Each of them that
 * would be held alone must be of a class, and write to tables, that the terms name. `mayCopy`: it may
 * write what it read from masked columns, which an approver else has to see.
 */
export function uncovered(
  terms: WindowTerms,
  question: Question,
  policy: ConnectionPolicy,
  mayCopy = false,
): string | null {
  if (question.statements === null) return 'it is not understood'
  const tables = terms.tables?.map(parseTable) ?? null
  if (tables?.includes(null)) return 'its tables are not understood'
  for (const facts of question.statements) {
    const alone = decide({ ...question, statements: [facts] }, policy)
    if (alone.decision === 'allow') continue
    const why = uncoveredOne(terms.classes, tables as readonly TableName[] | null, facts, question)
    if (why !== null) return why
    if (!mayCopy && facts.class !== 'read' && readsMasked(facts, question.world))
      return 'it reads masked columns'
  }
  return null
}

function uncoveredOne(
  classes: WindowTerms['classes'],
  tables: readonly TableName[] | null,
  facts: StatementFacts,
  { world }: Question,
): string | null {
  if (facts.opaque || !facts.understood) return 'hoop cannot read all that it would do'
  if (!classes.some((one) => one === facts.class)) return `its class is ${facts.class}`
  if (tables === null || facts.class === 'read') return null
  return writesWithin(facts, tables, world.catalogue) ? null : 'it writes to other tables'
}

/** Column 0 is any column of its table. */
function readsMasked({ columnsRead }: StatementFacts, { isProtected, catalogue }: World): boolean {
  return columnsRead.some(({ table, column }) =>
    column === 0
      ? (catalogue.relations.get(table)?.columns ?? []).some((one) =>
          isProtected(table, one.number),
        )
      : isProtected(table, column),
  )
}
