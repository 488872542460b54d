import type { Conversation, Step } from './conversation.ts'
import type { Prepared } from './names.ts'
import type { Analysis, StatementFacts } from './statement.ts'

/**
 * The statement as it is to be understood now. Between Parse and Bind search_path may have moved,
 * or somebody may have replaced a function: the target then looks all names up again, and so do we.
 */
export function* refreshed(c: Conversation, prepared: Prepared): Step<Prepared> {
  if (isFresh(c, prepared)) return prepared
  const { knowledge } = c
  const facts = factsNow(yield* c.analyse(prepared.text), prepared)
  // What was learned while the answer was on its way is not in it.
  const knownAt = c.knowledge === knowledge ? knowledge : prepared.knownAt
  if (facts !== prepared.facts) return { ...prepared, facts, knownAt }
  prepared.knownAt = knownAt
  return prepared
}

export function isFresh(c: Conversation, { kind, knownAt }: Prepared): boolean {
  if (kind !== 'statement') return true
  return knownAt === c.knowledge && !c.searchPathStale && !c.insideStale
}

/** The same for the statement that EXECUTE names. */
export function* refreshNamed(c: Conversation, { command }: StatementFacts): Step {
  if (command.type !== 'execute') return
  const prepared = c.names.statements.get(command.name)
  if (prepared === undefined) return
  const fresh = yield* refreshed(c, prepared)
  if (fresh !== prepared) c.names.statements.set(command.name, fresh)
}

/** Null: nobody can tell any more. */
function factsNow(analysis: Analysis, { origin }: Prepared): StatementFacts | null {
  if (!analysis.ok || analysis.statements.length !== 1) return null
  const facts = analysis.statements[0] as StatementFacts
  if (origin === 'protocol') return facts
  return facts.command.type === 'prepare' ? facts.command.inner : null
}
