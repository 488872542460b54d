/** From where to where every beginning of a secret has the same end, and this end. */
export interface Reach {
  from: number
  to: number
  over: number
}

/** What was looked at last: a text full of marks is not read to its end for each of them. */
export interface Seen {
  readonly jwt: Reach
  readonly pem: Reach
  readonly azure: Reach
}

export function nothingSeen(): Seen {
  const reach = (): Reach => ({ from: 0, to: -1, over: -1 })
  return { jwt: reach(), pem: reach(), azure: reach() }
}

export function isWithin({ from, to }: Reach, at: number): boolean {
  return at >= from && at < to
}

export interface Span {
  readonly start: number
  readonly end: number
}

export interface Bounds extends Span {
  readonly seen: Seen
}
