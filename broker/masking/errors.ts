/**
 * A result that cannot be masked with certainty. Whoever catches it drops the rows that it was
 * about and ends the statement: what was not masked is never sent (invariant 8).
 */
export class MaskingError extends Error {
  override readonly name = 'MaskingError'
}
