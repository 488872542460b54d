/** Where cases are judged: databases with a catalogue, a policy, and what it says of them. */
import type { Analyst } from '../analysis/analyst.ts'
import type { ConnectionPolicy, Policy } from '../policy/policy.ts'
import type { Case } from './cases.ts'
import { type Outcome, outcomeOf, type Sight, sightOf } from './outcome.ts'

/** One database. */
export interface Ground {
  readonly analyst: Pick<Analyst, 'analyse' | 'catalogue'>
  readonly searchPath: readonly string[]
}

export type Question = Pick<Case, 'groups' | 'connection' | 'database' | 'sql'>

/** Judges one after the other, by a policy that need not be in force. */
export class Trial {
  readonly #policy: Policy
  readonly #groundOf: (connection: string, database: string | null) => Promise<Ground>
  readonly #sights = new Map<string, Sight>()

  constructor(
    policy: Policy,
    groundOf: (connection: string, database: string | null) => Promise<Ground>,
  ) {
    this.#policy = policy
    this.#groundOf = groundOf
  }

  async judge({ groups, connection, database, sql }: Question): Promise<Outcome> {
    const { analyst, searchPath } = await this.#groundOf(connection, database)
    const analysis = await analyst.analyse(Buffer.from(sql), searchPath)
    const policy = this.#policy.connections.get(connection)
    if (policy === undefined) throw new Error(`the policy says nothing of ${connection}`)
    const sight = this.#sight(`${connection}/${database ?? ''}`, policy, analyst)
    const outcome = outcomeOf(analysis.ok ? analysis.statements : null, groups, sight)
    if (analysis.ok || outcome.reason !== null) return outcome
    return { ...outcome, reason: `it cannot be parsed: ${analysis.message}` }
  }

  #sight(key: string, policy: ConnectionPolicy, analyst: Ground['analyst']): Sight {
    const known = this.#sights.get(key)
    const catalogue = analyst.catalogue()
    if (known?.catalogue === catalogue) return known
    const sight = sightOf(policy, catalogue)
    this.#sights.set(key, sight)
    return sight
  }
}
