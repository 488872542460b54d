import { createHmac, timingSafeEqual } from 'node:crypto'

/** How long one nonce is handed out. It is accepted during its own and the next period. */
export const NONCE_PERIOD_MS = 60_000

const NONCE_LENGTH = 32

export interface Nonces {
  /** The nonce to hand out now. */
  current(now: number): string
  accepts(nonce: string, now: number): boolean
}

/**
 * Nonces that need no memory (RFC 9449 section 8): a keyed hash of the period, so every broker that has the
 * secret accepts them, and each dies one to two minutes after it was handed out.
 */
export function createNonces(secret: Buffer): Nonces {
  if (secret.length < 32) throw new RangeError('a nonce secret has at least 32 bytes')
  const at = (period: number): string =>
    createHmac('sha256', secret)
      .update(`hoop dpop nonce ${period}`)
      .digest('base64url')
      .slice(0, NONCE_LENGTH)
  const periodOf = (now: number): number => Math.floor(now / NONCE_PERIOD_MS)
  return {
    current: (now) => at(periodOf(now)),
    accepts: (nonce, now) => same(nonce, at(periodOf(now))) || same(nonce, at(periodOf(now) - 1)),
  }
}

function same(given: string, expected: string): boolean {
  const bytes = Buffer.from(given)
  return bytes.length === NONCE_LENGTH && timingSafeEqual(bytes, Buffer.from(expected))
}
