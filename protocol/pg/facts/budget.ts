/** How much work one text may make: each node that is looked at is a step, each column of a row too. */

export interface Budget {
  left: number
}

/** A text whose meaning cannot be followed within its budget: it has no facts, so it is unknown. */
export class TooManySteps extends Error {
  override readonly name = 'TooManySteps'
}

const STEPS = 100_000
/** A long text is walked over twice: each node needs some bytes. */
const STEPS_PER_BYTE = 10

export function budgetFor(bytes: number): Budget {
  return { left: STEPS + bytes * STEPS_PER_BYTE }
}

export function spend(budget: Budget, steps: number): void {
  budget.left -= steps
  if (budget.left < 0) throw new TooManySteps('there is too much to follow in this text')
}
