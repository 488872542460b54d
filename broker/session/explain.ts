import type { ExplainFacts, Explanation } from '../../protocol/api/explain.ts'
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { ColumnOrigin, OutputColumn, StatementFacts } from '../../protocol/pg/statement.ts'
import { policyOf } from '../changes/in-force.ts'
import type { Principal } from '../identity/principal.ts'
import type { ProtectedColumns } from '../masking/protect.ts'
import { decide, type Verdict } from '../policy/decide.ts'
import type { ConnectionPolicy } from '../policy/policy.ts'
import { nameOf, usesOf } from '../policy/predicates.ts'
import { chooseDatabase, mayConnect, type SessionDeps } from './open.ts'
import { strictestClass } from './snapshot.ts'

/** What would happen to a text, without anything happening: `hoop policy explain`. */
export function createExplainService(deps: SessionDeps) {
  return {
    async explain(caller: Principal, name: string, sql: string): Promise<Explanation> {
      const connection = mayConnect(deps.inForce, caller, name)
      const target = await deps.targets.get(connection, chooseDatabase(connection, null))
      const analysis = await target.analyst.analyse(Buffer.from(sql), target.searchPath)
      const statements = analysis.ok ? analysis.statements : null
      const world = target.world()
      const question = { statements, groups: caller.groups, world, guessed: 0 }
      const rules = deps.inForce.rules()
      const policy = policyOf(rules, name)
      const verdict = decide(question, policy)
      const protect = target.protect()
      const all = (statements ?? []).map((facts) => shown(facts, world.catalogue, protect))
      return {
        class: statements === null ? 'unknown' : strictestClass(statements),
        facts: all,
        decision: verdict.decision,
        rule: verdict.rule,
        policy_version: rules.version,
        places: placesOf(verdict, policy),
        reason: reasonOf(verdict, analysis.ok ? null : analysis.message),
        approvers: verdict.decision === 'hold' ? [...verdict.needs] : [],
        alternatives:
          verdict.decision === 'hold' ? verdict.alternatives.map((way) => [...way]) : [],
        masked: all.flatMap(({ output }) =>
          (output ?? []).flatMap(({ name, mask }) => (mask === null ? [] : [name])),
        ),
      }
    },
  }
}

function placesOf({ rule }: Verdict, { places }: ConnectionPolicy): string[] {
  return rule.split(', ').flatMap((label) => places.get(label) ?? [])
}

function reasonOf(verdict: Verdict, unparsed: string | null): string | null {
  if (verdict.decision === 'deny') return verdict.reason
  return unparsed === null ? null : `it cannot be parsed: ${unparsed}`
}

function shown(
  facts: StatementFacts,
  catalogue: Catalogue,
  protect: ProtectedColumns,
): ExplainFacts {
  const columns = (list: readonly ColumnOrigin[]): string[] => [
    ...new Set(list.map((one) => nameOf(one, catalogue))),
  ]
  const isMasked = (table: number, column: number): boolean =>
    protect.wanted(table, column) !== null
  const masked = usesOf(facts, isMasked, catalogue)
  const others = usesOf(facts, (table, column) => !isMasked(table, column), catalogue)
  return {
    class: facts.class,
    verb: facts.verb,
    ddl: facts.ddl,
    reads: [...facts.reads],
    writes: [...facts.writes],
    tables_read: tableNames(facts.rowsRead, catalogue),
    tables_written: tableNames(facts.rowsWritten, catalogue),
    columns_read: columns(facts.columnsRead),
    columns_written: columns(facts.columnsWritten),
    functions: facts.functions.map(({ name, volatility, harmless }) => ({
      ...{ name, volatility, harmless },
    })),
    unbounded: facts.unbounded,
    opaque: facts.opaque,
    predicates: [
      ...masked.map((one) => ({ ...one, columns: [...one.columns], masked: true })),
      ...others.map((one) => ({ ...one, columns: [...one.columns], masked: false })),
    ],
    output: facts.output?.map((one) => outputOf(one, facts, catalogue, protect)) ?? null,
    why: facts.why,
  }
}

function tableNames(oids: readonly number[], { relations }: Catalogue): string[] {
  return oids.flatMap((oid) => {
    const found = relations.get(oid)
    return found === undefined || found.kind === 'toast' ? [] : [`${found.schema}.${found.name}`]
  })
}

export function outputOf(
  { name, origins, proved }: OutputColumn,
  facts: StatementFacts,
  catalogue: Catalogue,
  protect: ProtectedColumns,
): NonNullable<ExplainFacts['output']>[number] {
  const hows = origins.flatMap(({ table, column }) => protect.wanted(table, column)?.how ?? [])
  const doubt = !proved && protect.touches(facts)
  return {
    name,
    origins: [...new Set(origins.map((one) => nameOf(one, catalogue)))],
    mask: doubt ? 'redact' : (hows[0] ?? null),
  }
}
