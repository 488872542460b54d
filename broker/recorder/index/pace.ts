/** Appends a second above which sessions count as busy. */
const BUSY = 400
/** The share of a processor that reading takes then: sessions come first. */
const SHARE = 0.03

/** How long the index leaves the processor to others between two steps. */
export class Pace {
  private readonly appends: () => number
  private seen: number
  private at = 0

  constructor(appends: () => number) {
    this.appends = appends
    this.seen = appends()
  }

  /** Milliseconds, after a step that took `took` and ended at `now`. */
  pause(took: number, now: number): number {
    const appends = this.appends()
    const perSecond = ((appends - this.seen) / Math.max(now - this.at, 1)) * 1000
    this.seen = appends
    this.at = now
    return perSecond > BUSY ? took * (1 / SHARE - 1) : 0
  }
}
