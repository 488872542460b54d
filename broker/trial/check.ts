/** A case held against what came of it. */
import type { Need } from '../policy/policy.ts'
import type { Case } from './cases.ts'
import type { Outcome } from './outcome.ts'

export type Got = Pick<Outcome, 'decision' | 'rule' | 'places' | 'reason' | 'ways' | 'masked'>

interface Difference {
  readonly what: 'decision' | 'approvers' | 'masked'
  readonly expected: string
  readonly got: string
}

export interface Checked {
  readonly case: Case
  readonly got: Got
  /** Empty: it is as expected. */
  readonly differences: readonly Difference[]
}

export function check(one: Case, got: Got): Checked {
  const compared: readonly (Difference | null)[] = [
    compare('decision', one.expect, got.decision),
    one.approvers && compare('approvers', showWays(one.approvers), showWays(got.ways)),
    one.masked && compare('masked', showNames(one.masked), showNames(got.masked)),
  ]
  return { case: one, got, differences: compared.filter((each) => each !== null) }
}

function compare(what: Difference['what'], expected: string, got: string): Difference | null {
  return expected === got ? null : { what, expected, got }
}

function showWays(ways: Outcome['ways']): string {
  return ways.map(showNeeds).toSorted().join(' or ') || 'nobody'
}

function showNeeds(needs: readonly Need[]): string {
  const sorted = needs.toSorted((a, b) => (a.group < b.group ? -1 : 1))
  return sorted.map(({ group, count }) => `${count} of ${group}`).join(' and ')
}

function showNames(names: readonly string[]): string {
  return names.toSorted().join(', ') || 'nothing'
}
