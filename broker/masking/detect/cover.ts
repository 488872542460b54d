import { hmacSha256 } from '../cell.ts'
import { CLASS, DIGIT, isDigit } from './bytes.ts'
import { CARD } from './kinds.ts'

/** How what was found is covered: by as many bytes as it has, so that nothing around it moves. */
export interface Cover {
  readonly how: 'redact' | 'partial' | 'hash'
  readonly last: number
  readonly key: Buffer
}

/** What a run of digits may stand for in a value of this type, besides text. */
export type Shape = 'text' | 'json' | 'number' | 'mixed'

const STAR = 0x2a
const ZERO = 0x30
const HASH_DIGITS = 16
const NULL = Buffer.from('null')

/**
 * Overwrites a find. Digits that are a number by themselves become `null` in JSON and 0 elsewhere, so
 * that whoever reads the value by its type still can.
 */
export function cover(
  bytes: Buffer,
  place: { readonly start: number; readonly end: number },
  value: { readonly start: number; readonly end: number },
  kind: number,
  shape: Shape,
  wanted: Cover,
): void {
  const { start, end } = place
  const bare = kind === CARD && shape !== 'text' ? bareAs(bytes, place, value, shape) : null
  if (bare === 'zero') bytes.fill(ZERO, start, end)
  else if (bare === 'null') coverByNull(bytes, place, value)
  else if (wanted.how === 'hash') coverByHash(bytes, start, end, wanted.key)
  else
    bytes.fill(STAR, start, wanted.how === 'partial' ? lastOf(bytes, start, end, wanted.last) : end)
}

/** Where the last code points begin, never more than half of them. */
function lastOf(bytes: Buffer, start: number, end: number, last: number): number {
  let points = 0
  for (let at = start; at < end; at++) if ((bytes[at]! & 0xc0) !== 0x80) points++
  let from = end
  for (let left = Math.min(last, points >> 1); left > 0; left--) {
    do from--
    while (from > start && (bytes[from]! & 0xc0) === 0x80)
  }
  return from
}

/** As many digits of a keyed hash as there is place for. */
function coverByHash(bytes: Buffer, start: number, end: number, key: Buffer): void {
  const digest = hmacSha256(key, bytes.subarray(start, end))
  const digits = Math.min(HASH_DIGITS, end - start)
  bytes.write(digest.slice(0, digits), start, 'latin1')
  bytes.fill(STAR, start + digits, end)
}

/** JSON's own `null`, and blanks for the rest of the number: sign, fraction and exponent too. */
function coverByNull(
  bytes: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
  value: { readonly start: number; readonly end: number },
): void {
  let from = start
  while (from > value.start && isOfNumber(bytes[from - 1]!)) from--
  let over = end
  while (over < value.end && isOfNumber(bytes[over]!)) over++
  bytes.fill(0x20, from, over)
  NULL.copy(bytes, from)
}

function isOfNumber(byte: number): boolean {
  return (
    (CLASS[byte]! & DIGIT) !== 0 ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    (byte | 0x20) === 0x65
  )
}

/** By what stands before and behind it, blanks left out. */
function bareAs(
  bytes: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
  value: { readonly start: number; readonly end: number },
  shape: Shape,
): 'zero' | 'null' | null {
  if (shape === 'number') return 'zero'
  for (let at = start; at < end; at++) if (!isDigit(bytes[at])) return null
  let before = start - 1
  while (before >= value.start && (bytes[before]! <= 0x20 || bytes[before] === 0x2d)) before--
  let behind = end
  while (behind < value.end && bytes[behind]! <= 0x20) behind++
  const opener = before < value.start ? '' : String.fromCharCode(bytes[before]!)
  const closer = behind >= value.end ? '' : String.fromCharCode(bytes[behind]!)
  if (!',}])eE.'.includes(closer)) return null
  if (shape === 'json') return ':,[{('.includes(opener) ? 'null' : null
  if (opener === ':' || opener === '[') return 'null'
  return ',({'.includes(opener) ? 'zero' : null
}
