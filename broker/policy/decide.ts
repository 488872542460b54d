import type { StatementFacts } from '../../protocol/pg/statement.ts'
import type { ConnectionPolicy, Need } from './policy.ts'

export type Verdict =
  | { readonly decision: 'allow'; readonly rule: string }
  | { readonly decision: 'hold'; readonly rule: string; readonly needs: readonly Need[] }
  | { readonly decision: 'deny'; readonly rule: string; readonly reason: string }

export interface Question {
  /** Null: the text could not be parsed. Empty: it holds no statement. */
  readonly statements: readonly StatementFacts[] | null
  /** Of the person who asks. */
  readonly groups: readonly string[]
}

/**
 * May this run? The only place where "allow" is made. The strictest of the statements wins: deny
 * before hold before allow; what several holds need is needed together.
 */
export function decide(question: Question, policy: ConnectionPolicy): Verdict {
  const outsider = membership(question.groups, policy)
  if (outsider) return outsider
  if (question.statements === null) return judge('unknown', policy)
  const verdicts = question.statements.flatMap(parts).map((facts) => judgeStatement(facts, policy))
  return strictest(verdicts, policy)
}

function membership(groups: readonly string[], policy: ConnectionPolicy): Verdict | null {
  if (policy.request.some((group) => groups.includes(group))) return null
  return {
    decision: 'deny',
    rule: `${policy.connection}.request`,
    reason: `${policy.connection} may be used by ${policy.request.join(', ') || 'nobody'} only`,
  }
}

/** A cursor's query runs when the cursor is declared; a prepared one is judged when it runs. */
function parts(facts: StatementFacts): readonly StatementFacts[] {
  return facts.command.type === 'declare' ? [facts, facts.command.inner] : [facts]
}

function judgeStatement(facts: StatementFacts, policy: ConnectionPolicy): Verdict {
  if (facts.refusal === null) return judge(facts.class, policy)
  return { decision: 'deny', rule: 'hoop', reason: facts.refusal.message }
}

function judge(name: StatementFacts['class'], policy: ConnectionPolicy): Verdict {
  const rule = policy.rules[name]
  const label = `${policy.connection}.rules.${name}`
  switch (rule.decision) {
    case 'allow':
      // A policy's text cannot say this; a policy that was made in code must not, either.
      if (name === 'unknown') return denied(policy, name)
      return { decision: 'allow', rule: label }
    case 'hold':
      return rule.needs.length
        ? { decision: 'hold', rule: label, needs: rule.needs }
        : denied(policy, name)
    case 'deny':
      return { ...denied(policy, name), ...(rule.reason === null ? {} : { reason: rule.reason }) }
  }
}

function denied(policy: ConnectionPolicy, name: StatementFacts['class']): Verdict {
  const { connection } = policy
  const what = name === 'unknown' ? 'statements that are not understood' : `${name} statements`
  const rule = `${connection}.rules.${name}`
  return { decision: 'deny', rule, reason: `${what} are not allowed on ${connection}` }
}

function strictest(verdicts: readonly Verdict[], policy: ConnectionPolicy): Verdict {
  const deny = verdicts.find((verdict) => verdict.decision === 'deny')
  if (deny) return deny
  const holds = verdicts.filter((verdict) => verdict.decision === 'hold')
  if (holds.length) return { decision: 'hold', rule: rulesOf(holds), needs: together(holds) }
  return { decision: 'allow', rule: rulesOf(verdicts) || `${policy.connection}.request` }
}

/** Each group as often as the one that wants it most. */
function together(holds: readonly { needs: readonly Need[] }[]): readonly Need[] {
  const counts = new Map<string, number>()
  for (const { group, count } of holds.flatMap((hold) => hold.needs)) {
    counts.set(group, Math.max(count, counts.get(group) ?? 0))
  }
  return [...counts].map(([group, count]) => ({ group, count }))
}

function rulesOf(verdicts: readonly Verdict[]): string {
  return [...new Set(verdicts.map((verdict) => verdict.rule))].join(', ')
}
