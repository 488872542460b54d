import type { Explanation } from '../../protocol/api/explain.ts'
import type { OutputColumn, StatementFacts } from '../../protocol/pg/statement.ts'
import type { Principal } from '../identity/principal.ts'
import type { ProtectedColumns } from '../masking/protect.ts'
import { decide } from '../policy/decide.ts'
import { chooseDatabase, mayConnect, type SessionDeps } from './open.ts'
import { strictestClass } from './snapshot.ts'

/** What would happen to a text, without anything happening: `hoop policy explain`. */
export function createExplainService(deps: SessionDeps) {
  return {
    async explain(caller: Principal, name: string, sql: string): Promise<Explanation> {
      const connection = mayConnect(deps.config, caller, name)
      const target = await deps.targets.get(connection, chooseDatabase(connection, null))
      const analysis = await target.analyst.analyse(Buffer.from(sql), target.searchPath)
      const statements = analysis.ok ? analysis.statements : null
      const verdict = decide({ statements, groups: caller.groups }, connection.policy)
      const protect = target.protect()
      return {
        class: statements === null ? 'unknown' : strictestClass(statements),
        facts: (statements ?? []).map(shown),
        decision: verdict.decision,
        rule: verdict.rule,
        reason: reasonOf(verdict, analysis.ok ? null : analysis.message),
        approvers: verdict.decision === 'hold' ? [...verdict.needs] : [],
        masked: (statements ?? []).flatMap((facts) => maskedColumns(facts, protect)),
      }
    },
  }
}

function reasonOf(verdict: ReturnType<typeof decide>, unparsed: string | null): string | null {
  if (verdict.decision === 'deny') return verdict.reason
  return unparsed === null ? null : `it cannot be parsed: ${unparsed}`
}

function shown(facts: StatementFacts): Explanation['facts'][number] {
  return {
    class: facts.class,
    verb: facts.verb,
    reads: [...facts.reads],
    writes: [...facts.writes],
    functions: facts.functions.map((each) => each.name),
    unbounded: facts.unbounded,
    why: facts.why,
  }
}

function maskedColumns(facts: StatementFacts, protect: ProtectedColumns): string[] {
  const doubt = protect.touches(facts)
  const isMasked = (column: OutputColumn): boolean =>
    (!column.proved && doubt) ||
    column.origins.some((origin) => protect.wanted(origin.table, origin.column) !== null)
  return (facts.output ?? []).filter(isMasked).map((column) => column.name)
}
