/**
 * Values of rows as text. Text format is shown as it is; binary is decoded for the common types
 * (src/backend/utils/adt, the *_send functions), and is hex for all others.
 */

const NAMES: ReadonlyMap<number, string> = new Map([
  [16, 'bool'],
  [17, 'bytea'],
  [18, 'char'],
  [19, 'name'],
  [20, 'int8'],
  [21, 'int2'],
  [23, 'int4'],
  [25, 'text'],
  [26, 'oid'],
  [114, 'json'],
  [142, 'xml'],
  [700, 'float4'],
  [701, 'float8'],
  [705, 'unknown'],
  [790, 'money'],
  [869, 'inet'],
  [1007, 'int4[]'],
  [1009, 'text[]'],
  [1015, 'varchar[]'],
  [1016, 'int8[]'],
  [1042, 'bpchar'],
  [1043, 'varchar'],
  [1082, 'date'],
  [1083, 'time'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
  [1186, 'interval'],
  [1266, 'timetz'],
  [1700, 'numeric'],
  [2249, 'record'],
  [2278, 'void'],
  [2950, 'uuid'],
  [3802, 'jsonb'],
])

export function typeName(oid: number): string {
  return NAMES.get(oid) ?? `oid ${oid}`
}

/** 2000-01-01 in epoch milliseconds: where PostgreSQL counts from. */
const EPOCH = 946_684_800_000
const DAY = 86_400_000

const textOf = (b: Buffer): string => b.toString('utf8')
const sized =
  (size: number, read: (b: Buffer) => string) =>
  (b: Buffer): string =>
    b.length === size ? read(b) : hex(b)

const BINARY: ReadonlyMap<number, (bytes: Buffer) => string> = new Map([
  [16, sized(1, (b) => (b[0] === 0 ? 'f' : 't'))],
  [18, textOf],
  [19, textOf],
  [20, sized(8, (b) => b.readBigInt64BE(0).toString())],
  [21, sized(2, (b) => String(b.readInt16BE(0)))],
  [23, sized(4, (b) => String(b.readInt32BE(0)))],
  [25, textOf],
  [26, sized(4, (b) => String(b.readUInt32BE(0)))],
  [114, textOf],
  [142, textOf],
  [700, sized(4, (b) => String(Math.fround(b.readFloatBE(0))))],
  [701, sized(8, (b) => String(b.readDoubleBE(0)))],
  [705, textOf],
  [1042, textOf],
  [1043, textOf],
  [1082, sized(4, (b) => date(b.readInt32BE(0)))],
  [1083, sized(8, (b) => time(b.readBigInt64BE(0)))],
  [1114, sized(8, (b) => timestamp(b.readBigInt64BE(0)))],
  [1184, sized(8, (b) => `${timestamp(b.readBigInt64BE(0))}+00`)],
  [1700, numeric],
  [2950, sized(16, uuid)],
  [3802, (b) => (b[0] === 1 ? textOf(b.subarray(1)) : hex(b))],
])

/** A value as text: never fails, whatever the bytes are. */
export function valueText(bytes: Buffer, type: number, format: number): string {
  if (format === 0) return textOf(bytes)
  return (BINARY.get(type) ?? hex)(bytes)
}

export function hex(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`
}

function uuid(b: Buffer): string {
  return b.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function date(days: number): string {
  if (days === 0x7fffffff) return 'infinity'
  if (days === -0x80000000) return '-infinity'
  return isoOf(EPOCH + days * DAY)?.slice(0, 10) ?? `${days} days from 2000-01-01`
}

function time(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}`
  return `${clock}:${two(seconds % 60)}${fraction(Number(micros % 1_000_000n))}`
}

function timestamp(micros: bigint): string {
  if (micros === 0x7fffffffffffffffn) return 'infinity'
  if (micros === -0x8000000000000000n) return '-infinity'
  const rest = Number(((micros % 1_000_000n) + 1_000_000n) % 1_000_000n)
  const ms = EPOCH + Number((micros - BigInt(rest)) / 1000n)
  const iso = isoOf(ms)
  if (iso === null) return `${micros} µs from 2000-01-01`
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction(rest)}`
}

function isoOf(ms: number): string | null {
  const at = new Date(ms)
  const year = at.getUTCFullYear()
  return Number.isNaN(year) || year < 1 || year > 9999 ? null : at.toISOString()
}

function fraction(micros: number): string {
  return micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/, '')}`
}

/** numeric_send: count, weight, sign, scale, then digits of base 10000. */
function numeric(b: Buffer): string {
  if (b.length < 8) return hex(b)
  const count = b.readUInt16BE(0)
  const weight = b.readInt16BE(2)
  const sign = b.readUInt16BE(4)
  const scale = b.readUInt16BE(6)
  if (sign === 0xc000) return 'NaN'
  if (sign === 0xd000) return 'Infinity'
  if (sign === 0xf000) return '-Infinity'
  if (b.length !== 8 + count * 2) return hex(b)
  const digit = (at: number): string =>
    at < 0 || at >= count ? '0000' : String(b.readUInt16BE(8 + at * 2)).padStart(4, '0')
  let whole = ''
  for (let at = 0; at <= weight; at++) whole += digit(at)
  let rest = ''
  for (let at = weight + 1; rest.length < scale; at++) rest += digit(at)
  const shown = whole.replace(/^0+(?=\d)/, '') || '0'
  return `${sign === 0x4000 ? '-' : ''}${shown}${scale > 0 ? `.${rest.slice(0, scale)}` : ''}`
}
