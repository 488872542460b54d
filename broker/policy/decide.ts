import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { StatementFacts } from '../../protocol/pg/statement.ts'
import { matches } from './match.ts'
import type { Asked, ConnectionPolicy, Rule } from './policy.ts'
import { type ColumnUse, describeUse, type IsProtected, usesOf } from './predicates.ts'
import { together } from './ways.ts'

export type Verdict =
  /** `guesses`: with how many values protected columns are compared. */
  | { readonly decision: 'allow'; readonly rule: string; readonly guesses: number }
  | ({ readonly decision: 'hold'; readonly rule: string; readonly guesses: number } & Asked)
  | {
      readonly decision: 'deny'
      readonly rule: string
      readonly reason: string
      readonly hint?: string
    }

/** What the target says of itself, and of its columns the policy. */
export interface World {
  readonly catalogue: Catalogue
  readonly isProtected: IsProtected
}

export interface Question {
  /** Null: the text could not be parsed. Empty: it holds no statement. */
  readonly statements: readonly StatementFacts[] | null
  /** Of the person who asks. */
  readonly groups: readonly string[]
  readonly world: World
  /** With how many values the session has compared protected columns before. */
  readonly guessed: number
}

type Deny = Extract<Verdict, { decision: 'deny' }>

/**
 * May this run? The only place where "allow" is made. The strictest of the statements wins: deny
 * before hold before allow; what several holds need is needed together.
 */
export function decide(question: Question, policy: ConnectionPolicy): Verdict {
  const outsider = membership(question.groups, policy)
  if (outsider) return outsider
  if (question.statements === null) return judge(null, question.world, policy)
  const verdicts: Verdict[] = []
  let guessed = question.guessed
  for (const facts of question.statements.flatMap(parts)) {
    const verdict = judgeStatement(facts, { ...question, guessed }, policy)
    if (verdict.decision !== 'deny') guessed += verdict.guesses
    verdicts.push(verdict)
  }
  return strictest(verdicts, policy)
}

function membership(groups: readonly string[], policy: ConnectionPolicy): Deny | null {
  if (policy.request.some((group) => groups.includes(group))) return null
  return {
    decision: 'deny',
    rule: `${policy.connection}.request`,
    reason: `${policy.connection} may be used by ${policy.request.join(', ') || 'nobody'} only`,
  }
}

/** A cursor's query runs when the cursor is declared; a prepared one is judged when it runs. */
function parts(facts: StatementFacts): readonly StatementFacts[] {
  if (facts.command.type !== 'declare') return [facts]
  // Its predicates are those of the query: they are counted once.
  return [{ ...facts, predicates: [] }, facts.command.inner]
}

function judgeStatement(
  facts: StatementFacts,
  { world, guessed }: Question,
  policy: ConnectionPolicy,
): Verdict {
  if (facts.refusal !== null)
    return { decision: 'deny', rule: 'hoop', reason: facts.refusal.message }
  const verdict = judge(facts, world, policy)
  if (verdict.decision === 'deny') return verdict
  const uses = usesOf(facts, world.isProtected, world.catalogue)
  return uses.length === 0 ? verdict : withPredicates(verdict, uses, guessed, policy)
}

/** Its class, and each line of `statements` that speaks of it. Null: nobody could parse it. */
function judge(facts: StatementFacts | null, world: World, policy: ConnectionPolicy): Verdict {
  const own = judgeClass(facts?.class ?? 'unknown', policy)
  // A write that passes does not take along what nobody understands.
  const strange = facts?.understood === false ? [judgeClass('unknown', policy)] : []
  const more = policy.statements.filter((one) => matches(facts, one.when, world.catalogue))
  if (more.length === 0 && strange.length === 0) return own
  const verdicts = more.map(({ label, rule }) => ruled(label, rule, unreadable(facts, policy)))
  return strictest([own, ...strange, ...verdicts], policy)
}

function unreadable(facts: StatementFacts | null, { connection }: ConnectionPolicy): string {
  return facts === null || facts.opaque
    ? `hoop cannot read all that this would do, and ${connection} denies a part of what it may`
    : `statements like this are not allowed on ${connection}`
}

function judgeClass(name: StatementFacts['class'], policy: ConnectionPolicy): Verdict {
  const { connection } = policy
  const what = name === 'unknown' ? 'statements that are not understood' : `${name} statements`
  const rule = policy.rules[name]
  // A policy's text cannot allow the unknown; a policy that was made in code must not, either.
  const allowed = rule.decision === 'allow' && name === 'unknown' ? NEVER : rule
  return ruled(`${connection}.rules.${name}`, allowed, `${what} are not allowed on ${connection}`)
}

const NEVER: Rule = { decision: 'deny', reason: null }

function ruled(label: string, rule: Rule, unsaid: string): Verdict {
  if (rule.decision === 'allow') return { decision: 'allow', rule: label, guesses: 0 }
  if (rule.decision === 'hold' && rule.needs.length > 0) {
    const { needs, alternatives } = rule
    return { decision: 'hold', rule: label, needs, alternatives, guesses: 0 }
  }
  const reason = rule.decision === 'deny' ? rule.reason : null
  return { decision: 'deny', rule: label, reason: reason ?? unsaid }
}

/**
 * What would run unread is judged by what it lets protected columns decide. What people read
 * anyway stays with them: they are told of it.
 */
function withPredicates(
  verdict: Exclude<Verdict, Deny>,
  uses: readonly ColumnUse[],
  guessed: number,
  policy: ConnectionPolicy,
): Verdict {
  const guesses = uses.reduce((sum, use) => sum + use.guesses, 0)
  const judged = uses.map((use) => judgeUse(use, guessed, policy))
  const milder =
    verdict.decision === 'hold' ? judged.filter((one) => one.decision !== 'deny') : judged
  const made = strictest([verdict, ...milder.filter((one) => one.decision !== 'allow')], policy)
  return made.decision === 'deny' ? made : { ...made, guesses }
}

function judgeUse(use: ColumnUse, guessed: number, policy: ConnectionPolicy): Verdict {
  const rule = policy.predicates[use.use]
  const label = `${policy.connection}.predicates.${use.use}`
  const what = `this statement ${describeUse(use)}, which tells what is masked`
  if (rule.decision !== 'allow') {
    const made = ruled(label, rule, what)
    return made.decision === 'deny' ? { ...made, hint: HINT } : made
  }
  if (rule.perSession === null || guessed + use.guesses <= rule.perSession) {
    return { decision: 'allow', rule: label, guesses: 0 }
  }
  const limit = `${rule.perSession} comparisons with masked columns are allowed in one session`
  return { decision: 'deny', rule: label, reason: `only ${limit}: ${guessed} are used up` }
}

const HINT = 'compare a masked column with = and a constant or a parameter, nothing else'

function strictest(verdicts: readonly Verdict[], policy: ConnectionPolicy): Verdict {
  const deny = verdicts.find((verdict) => verdict.decision === 'deny')
  if (deny) return deny
  const guesses = verdicts.reduce(
    (sum, one) => sum + (one.decision === 'deny' ? 0 : one.guesses),
    0,
  )
  const holds = verdicts.filter((verdict) => verdict.decision === 'hold')
  if (holds.length > 0) {
    const asked = together(holds)
    if (asked !== null) return { decision: 'hold', rule: rulesOf(holds), ...asked, guesses }
    const reason = 'it could be approved in more ways than hoop looks at'
    return { decision: 'deny', rule: rulesOf(holds), reason }
  }
  return { decision: 'allow', rule: rulesOf(verdicts) || `${policy.connection}.request`, guesses }
}

function rulesOf(verdicts: readonly Verdict[]): string {
  return [...new Set(verdicts.map((verdict) => verdict.rule))].join(', ')
}
