import { Packr, Unpackr } from 'msgpackr'
import { Cursor, decodeUtf8, MalformedBytes } from '../bytes/cursor.ts'

/** What a control message is made of. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | Buffer
  | readonly Plain[]
  | { readonly [key: string]: Plain }

const MAX_DEPTH = 6

const packr = new Packr({ useRecords: false, variableMapSize: true })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })

export function pack(value: Plain): Buffer {
  return packr.pack(value)
}

/** Throws {@link MalformedBytes} for everything that {@link pack} does not make. */
export function unpack(bytes: Buffer): Plain {
  const cursor = new Cursor(bytes)
  inspect(cursor, MAX_DEPTH)
  cursor.end()
  return unpackr.unpack(bytes) as Plain
}

/**
 * Walks over MessagePack before a decoder sees it, because a decoder believes lengths: an array
 * header of five bytes makes it allocate hundreds of megabytes, and extension types build regular
 * expressions, records and back references. Here every length is held against what is there, text
 * must be UTF-8, keys must be text and unique, and a type that no message needs is refused
 * (https://github.com/msgpack/msgpack/blob/master/spec.md, "Formats").
 */
function inspect(cursor: Cursor, depth: number): void {
  if (depth === 0) throw new MalformedBytes('control message is nested too deep')
  const tag = cursor.uint8()
  if (tag <= 0x7f || tag >= 0xe0) return
  if (tag <= 0x8f) inspectMap(cursor, tag & 0x0f, depth)
  else if (tag <= 0x9f) inspectArray(cursor, tag & 0x0f, depth)
  else if (tag <= 0xbf) inspectText(cursor, tag & 0x1f)
  else inspectTagged(cursor, tag, depth)
}

function inspectTagged(cursor: Cursor, tag: number, depth: number): void {
  const fixed = FIXED.get(tag)
  if (fixed !== undefined) cursor.slice(fixed)
  else if (tag === 0xc4) cursor.slice(cursor.uint8())
  else if (tag === 0xc5) cursor.slice(cursor.uint16())
  else if (tag === 0xc6) cursor.slice(cursor.uint32())
  else if (tag === 0xd9) inspectText(cursor, cursor.uint8())
  else if (tag === 0xda) inspectText(cursor, cursor.uint16())
  else if (tag === 0xdb) inspectText(cursor, cursor.uint32())
  else if (tag === 0xdc) inspectArray(cursor, cursor.uint16(), depth)
  else if (tag === 0xde) inspectMap(cursor, cursor.uint16(), depth)
  else throw new MalformedBytes(`control message holds the type 0x${tag.toString(16)}`)
}

/** Bytes that follow the tag: nil, false, true; float 64; uint and int of 8, 16 and 32 bits. */
const FIXED = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
])

function inspectText(cursor: Cursor, length: number): void {
  decodeUtf8(cursor.slice(length))
}

function inspectArray(cursor: Cursor, count: number, depth: number): void {
  if (count > cursor.left) throw new MalformedBytes('array is longer than its message')
  for (let i = 0; i < count; i++) inspect(cursor, depth - 1)
}

function inspectMap(cursor: Cursor, count: number, depth: number): void {
  if (count > cursor.left / 2) throw new MalformedBytes('map is longer than its message')
  const keys = new Set<string>()
  for (let i = 0; i < count; i++) {
    const key = inspectKey(cursor)
    if (keys.has(key)) throw new MalformedBytes('control message says the same key twice')
    keys.add(key)
    inspect(cursor, depth - 1)
  }
}

function inspectKey(cursor: Cursor): string {
  const tag = cursor.uint8()
  if (tag >= 0xa0 && tag <= 0xbf) return decodeUtf8(cursor.slice(tag & 0x1f))
  if (tag === 0xd9) return decodeUtf8(cursor.slice(cursor.uint8()))
  throw new MalformedBytes('control message has a key that is not a short text')
}
