import {
  BACKSLASH,
  BASE64,
  BASE64URL,
  beginsWord,
  CLASS,
  DOT,
  holdsWord,
  LETTER,
  runEnd,
  startsWith,
} from './bytes.ts'
import { CLOUD_KEY, type Hits, JWT } from './kinds.ts'
import { type Bounds, isWithin, type Reach, type Span } from './reach.ts'

const EQUALS = 0x3d
const TILDE = 0x7e

/** How many characters of base64url follow at least and at most. */
export interface Prefix {
  readonly text: string
  readonly least: number
  readonly most: number
}

const prefix = (text: string, least: number, most = 255): Prefix => ({ text, least, most })

/** Fixed beginnings of keys that end with `_`: GitHub, npm, Stripe. */
const BEFORE_UNDERSCORE: readonly Prefix[] = [
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((text) => prefix(text, 36)),
  prefix('github_pat_', 60),
  prefix('npm_', 36, 36),
  prefix('sk_live_', 16),
  prefix('rk_live_', 16),
  prefix('whsec_', 24),
]
/** Others, each with the byte by which it is noticed: Slack, AWS access key ids, Google. */
const BEFORE_DASH: readonly Prefix[] = [
  ...['xoxa-', 'xoxb-', 'xoxp-', 'xoxr-', 'xoxs-', 'xapp-'].map((text) => prefix(text, 20)),
]
const AWS_IDS: readonly Prefix[] = ['AKIA', 'ASIA', 'ABIA'].map((text) => prefix(text, 16, 16))
const GOOGLE_KEY = prefix('AIza', 35, 35)
const GOOGLE_SECRET = prefix('GOCSPX-', 28, 28)

/** The token that begins with `ey` before the `J` at `at`. */
export function findJwt(
  bytes: Buffer,
  at: number,
  { start, end, seen }: Bounds,
  hits: Hits | null,
): boolean {
  const over = at - 2 < start ? -1 : jwtEnd(bytes, at - 2, end, seen.jwt)
  if (over !== -1) hits?.add(JWT, at - 2, over)
  return over !== -1
}

/** `{"…` in base64url, a dot, and either a second such part or the five parts of an encrypted one. */
function jwtEnd(bytes: Buffer, at: number, end: number, seen: Reach): number {
  if (!startsWith(bytes, at, end, 'eyJ')) return -1
  if (!isWithin(seen, at)) {
    seen.from = at
    seen.to = runEnd(bytes, at, end, BASE64URL)
    seen.over = partsEnd(bytes, seen.to, end)
  }
  return seen.to - at < 12 ? -1 : seen.over
}

/** Where the token ends whose first part does at `first`, or -1. */
function partsEnd(bytes: Buffer, first: number, end: number): number {
  let over = first
  const isSigned = startsWith(bytes, over + 1, end, 'eyJ')
  let dots = 0
  while (dots < 4 && over < end && bytes[over] === DOT) {
    over = runEnd(bytes, over + 1, end, BASE64URL)
    dots++
    if (isSigned && dots === 2) break
  }
  return dots === (isSigned ? 2 : 4) ? over : -1
}

/** A key by its fixed beginning. `hits` null: whatever stands beside it. True: there is one. */
function findPrefixed(
  bytes: Buffer,
  at: number,
  { text, least, most }: Prefix,
  { start, end }: Span,
  hits: Hits | null,
): boolean {
  if (at < start || !startsWith(bytes, at, end, text)) return false
  const key = at + text.length
  const over = runEnd(bytes, key, Math.min(end, key + most + 1), BASE64URL)
  const length = over - key
  if (length < least) return false
  if (hits === null) return true
  if (length > most || !beginsWord(bytes, at, start)) return false
  hits.add(CLOUD_KEY, at, over)
  return true
}

/** Keys that a byte at `at` gives away: `_` of ghp_, `x` of xoxb-, `I` of AKIA, … */
export function findCloudKey(
  bytes: Buffer,
  at: number,
  bounds: Bounds,
  hits: Hits | null,
): boolean {
  const one = (from: number, wanted: Prefix) => findPrefixed(bytes, from, wanted, bounds, hits)
  switch (bytes[at]) {
    case 0x5f: {
      const isPrefix = BEFORE_UNDERSCORE.some((each) => one(at + 1 - each.text.length, each))
      return isPrefix || findNamedKey(bytes, at + 1, bounds, hits)
    }
    case 0x78:
      return BEFORE_DASH.some((each) => one(at, each))
    case 0x49:
      if (bytes[at + 1] === 0x7a) return one(at - 1, GOOGLE_KEY)
      return (
        AWS_IDS.some((each) => one(at - 2, each)) && (findPaired(bytes, at, bounds, hits) || true)
      )
    case 0x58:
      return one(at - 5, GOOGLE_SECRET)
    case 0x4b:
      return findNamedKey(bytes, at, bounds, hits)
    default:
      return findAzureSecret(bytes, at, bounds, hits)
  }
}

/** How far behind a name, or behind the id that it belongs to, a secret may begin. */
const NEAR = 32
const LENGTH_AWS = 40

/** The secret of an AWS key stands behind its id in files of credentials. */
function findPaired(bytes: Buffer, at: number, { start, end }: Span, hits: Hits | null): boolean {
  const from = secretStart(bytes, at + 18, Math.min(end, at + 18 + NEAR), end)
  return from !== -1 && takeSecret(bytes, from, { start, end }, LENGTH_AWS, 0, hits)
}

/** Secrets without a form of their own, known by the name before them, whose `Key` is at `at`. */
function findNamedKey(bytes: Buffer, at: number, { start, end }: Span, hits: Hits | null): boolean {
  if (!holdsWord(bytes, at, Math.min(end, at + 3), 'key')) return false
  const names = Math.max(start, at - NEAR)
  const isAccess = holdsWord(bytes, names, at, 'access')
  if (!isAccess && !holdsWord(bytes, names, at, 'account')) return false
  const from = secretStart(bytes, at + 3, Math.min(end, at + 3 + NEAR), end)
  if (from === -1) return false
  const take = (length: number, padding: number): boolean =>
    takeSecret(bytes, from, { start, end }, length, padding, hits)
  if (isAccess && holdsWord(bytes, names, at, 'secret') && take(LENGTH_AWS, 0)) return true
  return take(86, 2) || take(43, 1)
}

/** Where the first long run of base64 begins. */
function secretStart(bytes: Buffer, start: number, limit: number, end: number): number {
  let at = start
  while (at < limit) {
    const over = runEnd(bytes, at, Math.min(end, at + LENGTH_AWS), BASE64)
    if (over - at >= LENGTH_AWS) return at
    at = over + 1
  }
  return -1
}

function takeSecret(
  bytes: Buffer,
  from: number,
  { end }: Span,
  length: number,
  padding: number,
  hits: Hits | null,
): boolean {
  const over = runEnd(bytes, from, Math.min(end, from + length + 1), BASE64)
  // The byte behind a value that is not known to end may look like one of its own.
  if (hits === null) return over - from >= length
  if (over - from !== length || runOf(bytes, over, end, EQUALS) < padding) return false
  if (!isMixed(bytes, from, over)) return false
  if (!hits.knows(CLOUD_KEY, from)) hits.add(CLOUD_KEY, from, over + padding)
  return true
}

function runOf(bytes: Buffer, at: number, end: number, byte: number): number {
  let over = at
  while (over < end && bytes[over] === byte) over++
  return over - at
}

/** No word, no number and no hash in hex has small and capital letters and digits. */
function isMixed(bytes: Buffer, start: number, end: number): boolean {
  let seen = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if ((CLASS[byte]! & LETTER) !== 0) seen |= (byte & 0x20) !== 0 ? 1 : 2
    else if (byte < 0x3a && byte >= 0x30) seen |= 4
  }
  return seen === 7
}

/** Azure's client secrets: three characters, a digit, `Q~`, 31 or more. `at` is that of the `~`. */
function findAzureSecret(
  bytes: Buffer,
  at: number,
  { start, end, seen }: Bounds,
  hits: Hits | null,
): boolean {
  const from = at - 5
  if (
    from < start ||
    bytes[at - 1] !== 0x51 ||
    !(bytes[at - 2]! >= 0x30 && bytes[at - 2]! <= 0x39)
  ) {
    return false
  }
  const reach = seen.azure
  if (!isWithin(reach, at + 1)) {
    reach.from = at + 1
    reach.to = reach.over = azureEnd(bytes, at + 1, end)
  }
  const { over } = reach
  if (over - at - 1 < 31) return false
  if (hits === null) return true
  if (bytes[from] === BACKSLASH || !beginsWord(bytes, from, start)) return false
  hits.add(CLOUD_KEY, from, over)
  return true
}

function azureEnd(bytes: Buffer, at: number, end: number): number {
  let over = at
  while (
    over < end &&
    ((CLASS[bytes[over]!]! & BASE64URL) !== 0 || bytes[over] === DOT || bytes[over] === TILDE)
  )
    over++
  return over
}
