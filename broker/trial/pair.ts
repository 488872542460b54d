/** Two policies before one database: each distinct unit of texts is judged once by both. */
import { createHash } from 'node:crypto'
import type { StatementFacts } from '../../protocol/pg/statement.ts'
import type { ConnectionPolicy } from '../policy/policy.ts'
import { type ChangedColumn, type ChangedColumns, changedColumns, returned } from './columns.ts'
import type { Ground } from './ground.ts'
import type { RecordedText, RecordedUnit } from './history.ts'
import { type Outcome, outcomeOf, type Sight, sightOf } from './outcome.ts'

/** With how many values a session compared protected columns, by each policy. */
export interface Guessed {
  before: number
  after: number
}

export interface Judged {
  readonly before: Outcome
  readonly after: Outcome
  readonly columns: readonly ChangedColumn[]
}

const MOST_KNOWN = 50_000

export class Pair {
  readonly #ground: Ground
  readonly #before: Sight
  readonly #after: Sight
  readonly #known = new Map<string, Judged>()
  readonly changed: ChangedColumns

  constructor(ground: Ground, before: ConnectionPolicy, after: ConnectionPolicy) {
    const catalogue = ground.analyst.catalogue()
    this.#ground = ground
    this.#before = sightOf(before, catalogue)
    this.#after = sightOf(after, catalogue)
    // What nobody may use any more shows nothing.
    this.changed = after.request.length > 0 ? changedColumns(this.#before, this.#after) : new Map()
  }

  async judge(unit: RecordedUnit, groups: readonly string[], guessed: Guessed): Promise<Judged> {
    const key = keyOf(unit, groups)
    const known = this.#known.get(key)
    if (known !== undefined && !this.#isLimited(known)) return note(known, guessed)
    const statements = await this.#statements(unit)
    const judged = {
      before: outcomeOf(statements, groups, this.#before, guessed.before),
      after: outcomeOf(statements, groups, this.#after, guessed.after),
      columns: returned(statements ?? [], this.changed),
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(key, judged)
    return note(judged, guessed)
  }

  /** What was allowed before may be one too many in this session. */
  #isLimited({ before, after }: Judged): boolean {
    const counts = (sight: Sight) => {
      const { equality } = sight.policy.predicates
      return equality.decision === 'allow' && equality.perSession !== null
    }
    const guesses = before.guesses + after.guesses > 0 || hasLimit(before) || hasLimit(after)
    return guesses && (counts(this.#before) || counts(this.#after))
  }

  async #statements({ texts }: RecordedUnit): Promise<readonly StatementFacts[] | null> {
    const all: StatementFacts[] = []
    for (const one of texts) {
      const found = one === null ? null : await this.#read(one)
      if (found === null) return null
      all.push(...found)
    }
    return all
  }

  async #read({ text, underlying }: RecordedText): Promise<readonly StatementFacts[] | null> {
    const { analyst, searchPath } = this.#ground
    const analysis = await analyst.analyse(text, searchPath)
    if (!analysis.ok) return null
    if (!underlying) return analysis.statements
    return analysis.statements.map(({ command, ...facts }) =>
      command.type === 'prepare' || command.type === 'declare'
        ? command.inner
        : { command, ...facts },
    )
  }
}

/** A limit denied it: in another session it may not. */
function hasLimit({ decision, rule }: Outcome): boolean {
  return decision === 'deny' && rule.includes('.predicates.equality')
}

function note(judged: Judged, guessed: Guessed): Judged {
  guessed.before += judged.before.guesses
  guessed.after += judged.after.guesses
  return judged
}

/** Lengths come first, so that no two units have the same bytes. */
function keyOf({ texts }: RecordedUnit, groups: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(groups))
  for (const one of texts) {
    hash.update(one === null ? 'null ' : `${one.text.length} ${one.underlying} `)
    if (one !== null) hash.update(one.text)
  }
  return hash.digest('base64')
}
