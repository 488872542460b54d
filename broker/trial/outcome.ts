/** What a policy makes of a statement: the decision, whose approval, and what comes back masked. */
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { StatementFacts } from '../../protocol/pg/statement.ts'
import { type ProtectedColumns, protectColumns } from '../masking/protect.ts'
import { decide, type Verdict } from '../policy/decide.ts'
import type { Asked, ConnectionPolicy, Need } from '../policy/policy.ts'
import { outputOf } from '../session/explain.ts'

/** A policy before one state of a catalogue. */
export interface Sight {
  readonly policy: ConnectionPolicy
  readonly catalogue: Catalogue
  readonly protect: ProtectedColumns
}

export interface Outcome {
  readonly decision: Verdict['decision']
  readonly rule: string
  /** Where these rules stand: `policy.yaml:5`. */
  readonly places: readonly string[]
  readonly reason: string | null
  readonly needs: readonly Need[]
  /** All ways to approve it, each enough by itself. */
  readonly ways: readonly (readonly Need[])[]
  /** Names of output columns that come back masked; of what is denied none. */
  readonly masked: readonly string[]
  /** With how many values it compares protected columns. */
  readonly guesses: number
}

/** Hashes that stand for values are not made here, so they need no key. */
const NO_KEY = Buffer.alloc(32)

export function sightOf(policy: ConnectionPolicy, catalogue: Catalogue): Sight {
  return { policy, catalogue, protect: protectColumns(policy.mask, catalogue, NO_KEY) }
}

/** `statements`: null where the text has no parse. */
export function outcomeOf(
  statements: readonly StatementFacts[] | null,
  groups: readonly string[],
  sight: Sight,
  guessed = 0,
): Outcome {
  const { policy, catalogue, protect } = sight
  const isProtected = (table: number, column: number): boolean =>
    protect.wanted(table, column) !== null
  const world = { catalogue, isProtected }
  const verdict = decide({ statements, groups, world, guessed }, policy)
  const { decision, rule } = verdict
  return {
    decision,
    rule,
    places: rule.split(', ').flatMap((label) => policy.places.get(label) ?? []),
    reason: verdict.decision === 'deny' ? verdict.reason : null,
    needs: verdict.decision === 'hold' ? verdict.needs : [],
    ways: verdict.decision === 'hold' ? waysOf(verdict) : [],
    masked: verdict.decision === 'deny' ? [] : maskedOf(statements ?? [], sight),
    guesses: verdict.decision === 'deny' ? 0 : verdict.guesses,
  }
}

export function waysOf({ needs, alternatives }: Asked): readonly (readonly Need[])[] {
  return alternatives.length > 0 ? alternatives : [needs]
}

function maskedOf(statements: readonly StatementFacts[], { catalogue, protect }: Sight): string[] {
  return statements.flatMap((facts) =>
    (facts.output ?? []).flatMap((column) => {
      const { name, mask } = outputOf(column, facts, catalogue, protect)
      return mask === null ? [] : [name]
    }),
  )
}
