import { hash } from 'node:crypto'
import type { Output } from './output.ts'
import { neutral, shapeOf } from './types.ts'

/** What a policy says of a column: `people.card_number: {partial: {last: 4}}`. */
export type How = 'redact' | 'partial' | 'hash' | 'null'

/** How the values of one output column are masked, settled before the first row. */
export interface CellMask {
  readonly how: How
  /** The neutral value; what a value becomes that is too large or malformed for its own rule. */
  readonly fixed: Buffer
  /** partial: how many code points stay. */
  readonly last: number
  /** hash: the broker's key. */
  readonly key: Buffer
  /** NULL looks like any other value: of what is computed it would say what was computed with. */
  readonly hidesNull: boolean
}

/** A value above this is redacted whole: nothing that large is a card number, and memory is bounded. */
export const LARGEST_DERIVED = 1 << 20

const STAR = 0x2a
const NOTHING = Buffer.alloc(0)
const NULL_MASK: CellMask = { how: 'null', fixed: NOTHING, last: 0, key: NOTHING, hidesNull: false }

export interface Wanted {
  readonly how: How
  readonly last: number
  readonly key: Buffer
}

/** The mask that does what is wanted as far as the type and format allow, else NULL. */
export function cellMask(
  wanted: Wanted,
  field: { readonly type: number; readonly format: number },
  textTypes: ReadonlySet<number>,
  hidesNull = false,
): CellMask {
  if (wanted.how === 'null') return NULL_MASK
  const shape = shapeOf(field.type, textTypes)
  const fixed = neutral(shape, field.type, field.format)
  if (fixed === null) return NULL_MASK
  const how = shape === 'text' ? wanted.how : 'redact'
  return { how, fixed, last: wanted.last, key: wanted.key, hidesNull }
}

/** Writes the masked form of a value. False: it is NULL now, nothing was written. */
export function writeMasked(
  mask: CellMask,
  source: Buffer,
  start: number,
  end: number,
  out: Output,
): boolean {
  if (mask.how === 'null') return false
  if (mask.how === 'redact' || end - start > LARGEST_DERIVED) writeFixed(mask, out)
  else if (mask.how === 'partial') writePartial(mask, source, start, end, out)
  else writeHash(mask, source, start, end, out)
  return true
}

function writeFixed(mask: CellMask, out: Output): void {
  out.copy(mask.fixed, 0, mask.fixed.length)
}

/**
 * Stars, and the last code points as they are: never more than half of the value, so that a short
 * one is not shown whole.
 */
function writePartial(
  mask: CellMask,
  source: Buffer,
  start: number,
  end: number,
  out: Output,
): void {
  let points = 0
  let trail = 0
  const last = beforeBlanks(source, start, end)
  for (let at = start; at < last; at++) {
    if ((source[at]! & 0xc0) !== 0x80) {
      points++
      trail = 0
    } else if (++trail > 3 || points === 0) {
      writeFixed(mask, out)
      return
    }
  }
  const shown = Math.min(mask.last, points >> 1)
  let from = last
  for (let left = shown; left > 0; left--) {
    do from--
    while ((source[from]! & 0xc0) === 0x80)
  }
  out.fill(STAR, points - shown)
  out.copy(source, from, last)
}

/** The blanks that char(n) appends are not what `last` is about. */
function beforeBlanks(source: Buffer, start: number, end: number): number {
  let last = end
  while (last > start && source[last - 1] === 0x20) last--
  return last
}

/** Equal values have equal hashes, so joins and counts work; without the key nothing comes back. */
function writeHash(mask: CellMask, source: Buffer, start: number, end: number, out: Output): void {
  const digest = hmacSha256(mask.key, source.subarray(start, end))
  for (let at = 0; at < HASH_DIGITS; at++) out.byte(digest.charCodeAt(at))
}

const HASH_DIGITS = 16
const BLOCK = 64
const DIGEST = 32

/** HMAC (RFC 2104) of two one-shot hashes: a tenth of the time of node's Hmac object. */
export function hmacSha256(key: Buffer, value: Buffer): string {
  const inner = Buffer.allocUnsafe(BLOCK + value.length)
  const outer = Buffer.allocUnsafe(BLOCK + DIGEST)
  const padded = key.length > BLOCK ? hash('sha256', key, 'buffer') : key
  for (let at = 0; at < BLOCK; at++) {
    const byte = at < padded.length ? padded[at]! : 0
    inner[at] = byte ^ 0x36
    outer[at] = byte ^ 0x5c
  }
  inner.set(value, BLOCK)
  // Strings, because `hash` makes them several times faster than buffers.
  outer.write(hash('sha256', inner, 'binary'), BLOCK, DIGEST, 'binary')
  return hash('sha256', outer, 'hex')
}
