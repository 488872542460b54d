/** Remembers which proofs were seen. Shared by all brokers of one installation. */
export interface ReplayStore {
  /** True when `jti` was not known. It then stays known at least until `until` (epoch milliseconds). */
  remember(jti: string, until: number): boolean
}

const SWEEP_EVERY = 1_024

/** For one process. Entries leave when their time is over, so its size follows the rate of calls. */
export function createMemoryReplayStore(
  now: () => number,
): ReplayStore & { readonly size: number } {
  const seen = new Map<string, number>()
  let untilSweep = SWEEP_EVERY
  const sweep = (): void => {
    untilSweep = SWEEP_EVERY
    const time = now()
    for (const [jti, until] of seen) if (until < time) seen.delete(jti)
  }
  return {
    remember(jti, until) {
      if (--untilSweep === 0) sweep()
      const known = seen.get(jti)
      if (known !== undefined && known >= now()) return false
      seen.set(jti, until)
      return true
    },
    get size() {
      return seen.size
    },
  }
}
