import type { StatementFacts } from './statement.ts'

/**
 * What the session's open transaction has made or changed, nobody else sees before it is committed.
 * So the target is asked over the session's own connection: between two messages of the client, in a
 * savepoint of the broker's own that is rolled back, locks and settings with it. Temporary relations
 * come last in the path there: none of the client's can pose as one of the catalogue.
 */
export function lookingInside(query: string): string {
  return `${ENTER}; ${query}; ${LEAVE_INSIDE}`
}

const ENTER = [
  'SAVEPOINT hoop_look',
  'SET LOCAL search_path TO pg_catalog, pg_temp',
  'SET LOCAL quote_all_identifiers TO off',
  // Less than deadlock_timeout is by default: others must not fail because of a look.
  "SET LOCAL lock_timeout TO '500ms'",
  "SET LOCAL statement_timeout TO '10s'",
].join('; ')

/** Also after the look has failed. */
export const LEAVE_INSIDE = 'ROLLBACK TO SAVEPOINT hoop_look; RELEASE SAVEPOINT hoop_look'

/** Everything but plain reading and writing of rows may. */
export function mayChangeCatalogue(facts: StatementFacts | null): boolean {
  if (facts === null) return true
  if (facts.class === 'read' || facts.class === 'transaction' || facts.class === 'session')
    return false
  return !PLAIN.has(facts.node)
}

const PLAIN: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])
