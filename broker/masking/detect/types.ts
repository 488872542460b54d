import type { CatalogueType } from '../../../protocol/pg/catalogue.ts'
import type { Shape } from './cover.ts'

/** How the values of a column are looked through; null = they cannot hold what is looked for. */
export type Look = Shape | 'int8' | 'numeric' | 'nested' | null

type Types = ReadonlyMap<number, CatalogueType>

const oids = (text: string): readonly number[] => text.trim().split(/\s+/).map(Number)

/**
 * Types whose values are too short or say something else: numbers of four bytes, floats, dates,
 * uuids, addresses, geometry, bits, bytea (whose text is hex), and their arrays and ranges.
 * OIDs: src/include/catalog/pg_type.dat.
 */
const NEVER: ReadonlySet<number> = new Set(
  oids(`16 17 18 21 22 23 24 26 27 28 29 30 600 601 602 603 604 628 650 700 701 718 774 790 829 869
    1082 1083 1114 1184 1186 1266 1560 1562 2202 2205 2206 2278 2950 3220 3904 3908 3910 3912 4096
    5069 1000 1001 1002 1005 1006 1007 1013 1028 1010 1011 1012 1017 1018 1019 1020 1021 1022 1027
    629 651 719 775 791 1040 1041 1115 1182 1183 1185 1187 1270 1561 1563 2951 3221 3905 3909 3911
    3913 4451 4533 4534 4535`),
)

const FIXED: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  ...oids('19 25 142 705 1042 1043 1790 2275 1003 1009 1014 1015').map(
    (oid) => [oid, 'text'] as const,
  ),
  ...oids('114 199 3802 3807').map((oid) => [oid, 'json'] as const),
  ...oids('20 1700 1016 1231 3906 3926 4532 4536').map((oid) => [oid, 'number'] as const),
])

const INT8 = 20
const NUMERIC = 1700
/** In binary they are text (jsonb behind a version, which is no part of any word). */
const PLAIN_BINARY: ReadonlySet<number> = new Set(
  oids('19 25 114 142 705 1042 1043 1790 2275 3802'),
)
const ARRAYS: ReadonlySet<number> = new Set(oids('1003 1009 1014 1015 199 3807 1016 1231'))
const RANGES: ReadonlyMap<number, number> = new Map([
  [3906, NUMERIC],
  [3926, INT8],
])
const MULTIRANGES: ReadonlyMap<number, number> = new Map([
  [4532, 3906],
  [4536, 3926],
])

export function lookOf(type: number, format: number, types: Types): Look {
  if (NEVER.has(type)) return null
  if (format !== 0) return binaryLook(type, types)
  return FIXED.get(type) ?? (isScalar(types.get(type)) ? 'text' : 'mixed')
}

function binaryLook(type: number, types: Types): Look {
  if (type === INT8) return 'int8'
  if (type === NUMERIC) return 'numeric'
  if (PLAIN_BINARY.has(type)) return type === 114 || type === 3802 ? 'json' : 'text'
  return layoutOf(type, types) === 'scalar' ? 'text' : 'nested'
}

function isScalar(type: CatalogueType | undefined): boolean {
  return (
    type !== undefined && (type.kind === 'enum' || (type.kind === 'base' && type.element === 0))
  )
}

/** How a value that holds others is laid out in binary. `other`: tried as an array, then a row. */
export function layoutOf(
  type: number,
  types: Types,
): 'scalar' | 'array' | 'row' | 'other' | { readonly range: number } | { readonly ranges: number } {
  if (ARRAYS.has(type)) return 'array'
  const range = RANGES.get(type)
  if (range !== undefined) return { range }
  const ranges = MULTIRANGES.get(type)
  if (ranges !== undefined) return { ranges }
  const known = types.get(type)
  if (isScalar(known)) return 'scalar'
  switch (known?.kind) {
    case 'range':
      return { range: known.element }
    case 'multirange':
      return { ranges: known.element }
    case 'base':
      return 'array'
    case 'composite':
      return 'row'
    default:
      return 'other'
  }
}
