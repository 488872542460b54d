/**
 * What a masked value may look like, so that a driver that decodes by type never trips.
 * OIDs: src/include/catalog/pg_type.dat, fixed for every PostgreSQL server.
 */

/** How a type is masked: as text, as one of three other neutral forms, or by NULL alone. */
export type Shape = 'text' | 'char' | 'bytea' | 'json' | 'jsonb' | 'array' | 'jsonArray' | 'opaque'

const SHAPES: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [17, 'bytea'],
  [18, 'char'],
  [19, 'text'], // name
  [25, 'text'],
  [114, 'json'],
  [142, 'text'], // xml: character data is well-formed content
  [199, 'jsonArray'], // json[]
  [705, 'text'], // unknown
  [1003, 'array'], // name[]
  [1009, 'array'], // text[]
  [1014, 'array'], // bpchar[]
  [1015, 'array'], // varchar[]
  [1042, 'text'], // bpchar
  [1043, 'text'], // varchar
  [1790, 'text'], // refcursor
  [2275, 'text'], // cstring
  [3802, 'jsonb'],
])

/** Numbers, dates, uuids, enums, composites, … have no neutral value: they become NULL. */
export function shapeOf(type: number, textTypes: ReadonlySet<number>): Shape {
  return SHAPES.get(type) ?? (textTypes.has(type) ? 'text' : 'opaque')
}

const STARS = '***'

/** The neutral value of a shape on the wire; null = NULL. */
export function neutral(shape: Shape, type: number, format: number): Buffer | null {
  switch (shape) {
    case 'text':
      return Buffer.from(STARS)
    case 'char':
      return Buffer.from('*')
    case 'bytea':
      return Buffer.from(format === 1 ? STARS : `\\x${Buffer.from(STARS).toString('hex')}`)
    case 'json':
      return Buffer.from(`"${STARS}"`)
    case 'jsonb':
      return format === 1
        ? Buffer.concat([Buffer.of(JSONB_VERSION), Buffer.from(`"${STARS}"`)])
        : Buffer.from(`"${STARS}"`)
    case 'array':
      return format === 1 ? oneElement(ELEMENT.get(type) ?? 25, STARS) : Buffer.from(`{${STARS}}`)
    case 'jsonArray':
      return format === 1 ? oneElement(114, `"${STARS}"`) : Buffer.from(`{"\\"${STARS}\\""}`)
    case 'opaque':
      return null
  }
}

/** jsonb_send, src/backend/utils/adt/jsonb.c */
const JSONB_VERSION = 1

const ELEMENT: ReadonlyMap<number, number> = new Map([
  [1003, 19],
  [1009, 25],
  [1014, 1042],
  [1015, 1043],
])

/** array_send, src/backend/utils/adt/arrayfuncs.c: dimensions, nulls, element type, size, bound. */
function oneElement(element: number, value: string): Buffer {
  const bytes = Buffer.from(value)
  const head = Buffer.alloc(24)
  for (const [at, number] of [1, 0, element, 1, 1, bytes.length].entries()) {
    head.writeInt32BE(number, at * 4)
  }
  return Buffer.concat([head, bytes])
}
