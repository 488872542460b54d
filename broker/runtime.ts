import { randomBytes } from 'node:crypto'

/** Clock, randomness and timers: everything that a test wants to hold still. */
export interface Runtime {
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds since some moment; never goes back. */
  monotonic(): number
  /** Milliseconds of processor time that this process has had, in all its threads together. */
  processorTime(): number
  random(bytes: number): Buffer
  /** r: request, s: session, j: job. `r-` and ten characters. */
  id(prefix: 'r' | 's' | 'j'): string
  setTimer(ms: number, run: () => void): Timer
}

export interface Timer {
  cancel(): void
}

/** Crockford's base 32 in lower case: no i, l, o, u, so that an id can be read out. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** Node's timers fire at once when the delay does not fit in 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Ten characters, 50 bits, from ten random bytes (256 is a multiple of 32: no bias). */
export function idFrom(prefix: string, random: Uint8Array): string {
  let id = `${prefix}-`
  for (const byte of random.subarray(0, 10)) id += ALPHABET[byte % 32]
  return id
}

/** A timer of any length. The process stays alive for it: whoever sets one cancels it. */
function startTimer(ms: number, run: () => void): Timer {
  let left = Math.max(0, ms)
  let handle: NodeJS.Timeout
  const arm = () => {
    const step = Math.min(left, LONGEST_TIMER)
    left -= step
    handle = setTimeout(() => (left > 0 ? arm() : run()), step)
  }
  arm()
  return { cancel: () => clearTimeout(handle) }
}

export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  processorTime: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },
  random: (bytes) => randomBytes(bytes),
  id: (prefix) => idFrom(prefix, randomBytes(10)),
  setTimer: startTimer,
}
