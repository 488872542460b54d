import type { Conversation } from './conversation.ts'
import type { StatementFacts } from './statement.ts'

/**
 * `SELECT pg_export_snapshot()` names what this transaction sees, so that others may look at the same
 * (`pg_dump -j`). It keeps others from cleaning up as long as the transaction is open, and needs
 * people; but for a block that the client made READ ONLY, which has no guard: there it is a read.
 */
export function asReadOnly({ status, block }: Conversation, facts: StatementFacts): StatementFacts {
  if (status !== 'T' || !block.openedReadOnly || !exportsAlone(facts)) return facts
  return { ...facts, class: 'read' }
}

/** Nothing else in it needs anybody: no other function, no table, no cursor. */
function exportsAlone(facts: StatementFacts): boolean {
  const { node, command, functions, reads, writes, ddl, opaque, understood } = facts
  const [only, ...others] = functions
  if (only?.name !== 'pg_catalog.pg_export_snapshot' || others.length > 0) return false
  if (node !== 'SelectStmt' || command.type !== 'query' || ddl !== null) return false
  return reads.length === 0 && writes.length === 0 && understood && !opaque
}
