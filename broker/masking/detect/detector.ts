import type { CatalogueType } from '../../../protocol/pg/catalogue.ts'
import { isIssued } from './card.ts'
import { type Cover, cover, type Shape } from './cover.ts'
import { CARD, Hits, has, KINDS, type Kind } from './kinds.ts'
import { find, mayHold } from './scan.ts'
import { type Look, layoutOf, lookOf } from './types.ts'

/** One line of `detect:` in the policy. */
export interface DetectRule {
  readonly what: Kind
  readonly how: 'redact' | 'partial' | 'hash'
  readonly last?: number
}

type Types = ReadonlyMap<number, CatalogueType>

/** How many of each kind were found in one place. */
export type Counts = Uint32Array<ArrayBuffer>

/** Rows nested deeper than this are looked through as they are. */
const DEEPEST = 16

/** The second net: looks through values that no mask is about, and covers what it finds. */
export class Detector {
  readonly kinds: number
  readonly #covers: readonly (Cover | null)[]
  readonly #hits = new Hits()

  constructor(rules: readonly DetectRule[], key: Buffer) {
    this.#covers = KINDS.map((kind) => {
      const rule = rules.find(({ what }) => what === kind)
      return rule === undefined ? null : { how: rule.how, last: rule.last ?? 0, key }
    })
    this.kinds = this.#covers.reduce((bits, one, at) => (one === null ? bits : bits | (1 << at)), 0)
  }

  get idle(): boolean {
    return this.kinds === 0
  }

  /** How the values of a column are looked through, if they are. */
  look(type: number, format: number, types: Types): Look {
    const look = this.idle ? null : lookOf(type, format, types)
    const isNumber = look === 'number' || look === 'int8' || look === 'numeric'
    return isNumber && !has(this.kinds, CARD) ? null : look
  }

  /** May there be anything in these bytes, framing and all? Never wrongly no. */
  mayHold(bytes: Buffer, start: number, end: number): boolean {
    return mayHold(this.kinds, bytes, start, end)
  }

  find(bytes: Buffer, start: number, end: number): Hits {
    this.#hits.clear()
    find(this.kinds, bytes, start, end, this.#hits)
    return this.#hits
  }

  /** Covers one find of the value. */
  cover(
    bytes: Buffer,
    hits: Hits,
    index: number,
    value: { readonly start: number; readonly end: number },
    shape: Shape,
    counts: Counts,
  ): void {
    const start = hits.starts[index]!
    const end = hits.ends[index]!
    const kind = hits.kinds[index]!
    if (shape === 'number' && !isCardSized(end - start)) return
    cover(bytes, { start, end }, value, kind, shape, this.#covers[kind]!)
    counts[kind]!++
  }

  /** Looks through one whole value, in place. */
  value(
    look: Exclude<Look, null>,
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    types: Types,
    counts: Counts,
  ): void {
    if (look === 'int8') this.#int8(bytes, start, end, counts)
    else if (look === 'numeric') this.#numeric(bytes, start, end, counts)
    else if (look === 'nested') this.#nested(type, bytes, start, end, types, counts, 0)
    else this.text(look, bytes, start, end, counts)
  }

  text(shape: Shape, bytes: Buffer, start: number, end: number, counts: Counts): void {
    const hits = this.find(bytes, start, end)
    for (let i = 0; i < hits.count; i++) this.cover(bytes, hits, i, { start, end }, shape, counts)
  }

  #int8(bytes: Buffer, start: number, end: number, counts: Counts): void {
    if (end - start !== 8) return
    if (!isCardNumber(bytes.readInt32BE(start) * 2 ** 32 + bytes.readUInt32BE(start + 4))) return
    bytes.fill(0, start, end)
    counts[CARD]!++
  }

  /** numeric_send, src/backend/utils/adt/numeric.c: digits, weight, sign, scale, digits of base 10,000. */
  #numeric(bytes: Buffer, start: number, end: number, counts: Counts): void {
    if (end - start < 8) return
    const digits = bytes.readInt16BE(start)
    const weight = bytes.readInt16BE(start + 2)
    if (digits < 1 || digits > 4 || weight !== 3 || end - start !== 8 + 2 * digits) return
    if (bytes.readInt16BE(start + 6) !== 0) return
    let value = 0
    for (let i = 0; i < 4; i++) {
      value = value * 10_000 + (i < digits ? bytes.readInt16BE(start + 8 + 2 * i) : 0)
    }
    if (!isCardNumber(value)) return
    bytes.fill(0, start + 8, end)
    counts[CARD]!++
  }

  #nested(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    types: Types,
    counts: Counts,
    depth: number,
  ): void {
    const leaves = depth < DEEPEST ? leavesOf(type, bytes, start, end, types) : null
    if (leaves === null) return this.text('text', bytes, start, end, counts)
    for (const leaf of leaves) {
      const look = this.look(leaf.type, 1, types)
      if (look === 'nested')
        this.#nested(leaf.type, bytes, leaf.start, leaf.end, types, counts, depth + 1)
      else if (look !== null)
        this.value(look, leaf.type, bytes, leaf.start, leaf.end, types, counts)
    }
  }
}

/** Numbers of other lengths are ids and times much more often than cards. */
function isCardSized(digits: number): boolean {
  return digits >= 14 && digits <= 16
}

function isCardNumber(value: number): boolean {
  const magnitude = Math.abs(value)
  if (!(magnitude >= 3e13 && magnitude < 7e15)) return false
  const text = Buffer.from(String(magnitude))
  if (!isIssued(Number(text.toString('latin1', 0, 6)), text.length)) return false
  const hits = new Hits()
  find(1 << CARD, text, 0, text.length, hits)
  return hits.count > 0
}

interface Leaf {
  readonly type: number
  readonly start: number
  readonly end: number
}

/** The values within one in binary; null = it is not laid out as its type should be. */
function leavesOf(
  type: number,
  bytes: Buffer,
  start: number,
  end: number,
  types: Types,
): readonly Leaf[] | null {
  const layout = layoutOf(type, types)
  if (layout === 'array') return elements(bytes, start, end)
  if (layout === 'row') return fields(bytes, start, end)
  if (layout === 'other') return elements(bytes, start, end) ?? fields(bytes, start, end)
  if (layout === 'scalar') return null
  if ('range' in layout) return bounds(bytes, start, end, layout.range)
  if (end - start < 4) return null
  return sized(bytes, start + 4, end, bytes.readInt32BE(start), () => layout.ranges)
}

/** array_send, src/backend/utils/adt/arrayfuncs.c */
function elements(bytes: Buffer, start: number, end: number): readonly Leaf[] | null {
  if (end - start < 12) return null
  const dimensions = bytes.readInt32BE(start)
  const flags = bytes.readInt32BE(start + 4)
  const type = bytes.readInt32BE(start + 8)
  if (dimensions < 0 || dimensions > 6 || flags < 0 || flags > 1) return null
  const first = start + 12 + dimensions * 8
  if (first > end) return null
  let count = dimensions === 0 ? 0 : 1
  for (let i = 0; i < dimensions; i++) count *= bytes.readInt32BE(start + 12 + i * 8)
  return sized(bytes, first, end, count, () => type)
}

/** record_send, src/backend/utils/adt/rowtypes.c: each field says its type. */
function fields(bytes: Buffer, start: number, end: number): readonly Leaf[] | null {
  if (end - start < 4) return null
  const count = bytes.readInt32BE(start)
  return sized(bytes, start + 4, end, count, (at) => (at + 4 > end ? null : bytes.readInt32BE(at)))
}

const LOWER_UNBOUNDED = 0x08
const UPPER_UNBOUNDED = 0x10
const EMPTY = 0x01

/** range_send, src/backend/utils/adt/rangetypes.c */
function bounds(bytes: Buffer, start: number, end: number, type: number): readonly Leaf[] | null {
  if (start >= end) return null
  const flags = bytes[start]!
  if ((flags & EMPTY) !== 0) return []
  const count =
    ((flags & LOWER_UNBOUNDED) === 0 ? 1 : 0) + ((flags & UPPER_UNBOUNDED) === 0 ? 1 : 0)
  return sized(bytes, start + 1, end, count, () => type)
}

/** Values behind their lengths; each may say its type before (then `typeAt` reads it). */
function sized(
  bytes: Buffer,
  start: number,
  end: number,
  count: number,
  typeAt: (at: number) => number | null,
): readonly Leaf[] | null {
  const found: Leaf[] = []
  const saysType = typeAt.length > 0
  let at = start
  for (let i = 0; i < count; i++) {
    const type = typeAt(at)
    if (saysType) at += 4
    if (type === null || at + 4 > end) return null
    const length = bytes.readInt32BE(at)
    at += 4
    if (length === -1) continue
    if (length < 0 || at + length > end) return null
    found.push({ type, start: at, end: at + length })
    at += length
  }
  return at === end ? found : null
}
