import { createHash } from 'node:crypto'

/**
 * A reader of logs written from docs/record.md alone: it shares no code with protocol/log. It knows
 * a log by its tables of kinds, as the document has them. Answers the entries, or the number of the
 * first wrong one.
 */

type Field = readonly [name: string, type: string]
export type Kinds = ReadonlyMap<
  number,
  { readonly kind: string; readonly fields: readonly Field[]; readonly payload: string | null }
>

export type Reading =
  | { readonly wrong: number }
  | { readonly wrong: null; readonly entries: readonly Record<string, unknown>[] }

class Wrong extends Error {}

/** The two tables `kind | number | head | payload` of the document. */
export function kindsOf(document: string): Kinds {
  const rows = document.matchAll(/^\| ([a-z-]+) \| (\d+) \| (.+) \| (.+) \|$/gm)
  return new Map(
    [...rows].map(([, kind = '', number, head = '', payload = '']) => {
      const fields = head === '-' ? [] : head.split(', ').map(fieldOf)
      return [Number(number), { kind, fields, payload: payload === '-' ? null : payload }]
    }),
  )
}

function fieldOf(text: string): Field {
  const [name = '', type = ''] = text.split(' ')
  return [name, type]
}

export function read(bytes: Buffer, kinds: Kinds): Reading {
  let number = 0
  try {
    let at = header(bytes)
    const entries: Record<string, unknown>[] = []
    while (at < bytes.length) {
      number++
      const end = entryEnd(bytes, at)
      entries.push(entry(bytes, at, end, number, kinds))
      at = end
    }
    number++
    if (entries.at(-1)?.['kind'] !== 'close') throw new Wrong('no end')
    return { wrong: null, entries }
  } catch (error) {
    if (error instanceof Wrong || error instanceof RangeError) return { wrong: number }
    throw error
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function must(holds: boolean): void {
  if (!holds) throw new Wrong()
}

function header(b: Buffer): number {
  must(b.toString('latin1', 0, 8) === 'hoop.log' && b[8] === 1 && b[9] === 1)
  const end = 20 + b.readUInt16BE(10)
  must(b.length >= end + 32 && sha256(b.subarray(0, end)).equals(b.subarray(end, end + 32)))
  return end + 32
}

function entryEnd(b: Buffer, at: number): number {
  const length = b.readUInt32BE(at)
  must(length >= 52 && length <= 786_484 && at + 4 + length <= b.length)
  return at + 4 + length
}

function entry(b: Buffer, at: number, end: number, number: number, kinds: Kinds) {
  must(sha256(b.subarray(at - 32, end - 32)).equals(b.subarray(end - 32, end)))
  const known = kinds.get(b[at + 4] as number)
  must(b.readUInt32BE(at + 8) === number && b.readUInt16BE(at + 6) === 0 && known !== undefined)
  const headEnd = at + 24 + b.readUInt32BE(at + 20)
  must(headEnd <= end - 32)
  const values: Record<string, unknown> = { kind: known?.kind }
  let next = at + 24
  for (const [name, type] of known?.fields ?? []) {
    const [value, after] = field(b, next, type.replace('?', ''))
    must(after <= headEnd)
    values[name] = value
    next = after
  }
  must(next === headEnd)
  const absent = ((b[at + 5] as number) & 2) !== 0
  if (known?.payload)
    values[known.payload] = absent ? null : Buffer.from(b.subarray(headEnd, end - 32))
  return values
}

function field(b: Buffer, at: number, type: string): [unknown, number] {
  const first = b.readUInt32BE(at)
  const none = first === 0xffffffff
  if (type === 'text') {
    return none ? [null, at + 4] : [b.toString('utf8', at + 4, at + 4 + first), at + 4 + first]
  }
  if (type === 'uint') return [none ? null : Number(b.readBigUInt64BE(at)), at + 8]
  if (type === 'micros') return [Number(b.readBigUInt64BE(at)) / 1000, at + 8]
  if (none) return [null, at + 4]
  const list: unknown[] = []
  let next = at + 4
  for (let i = 0; i < first; i++) {
    const [value, after] = item(b, next, type)
    list.push(value)
    next = after
  }
  return [list, next]
}

function item(b: Buffer, at: number, type: string): [unknown, number] {
  if (type === 'flags') return [b[at] === 1, at + 1]
  return type === 'uints' ? [b.readUInt32BE(at), at + 4] : field(b, at, 'text')
}
