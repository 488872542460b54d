/**
 * Where the bytes of a log stand (docs/record.md).
 *
 *   file    "hoop.log" | version u8 | type u8 | id length u16 | created u64 µs | id | genesis hash 32
 *           then entries until the end
 *   entry   length u32 | kind u8 | flags u8 | zero u16 | seq u32 | time u64 µs | head length u32
 *           | head | payload | hash 32
 *
 * Numbers are big-endian. `length` counts what follows it. The hash of an entry is SHA-256 over the
 * 32 bytes that stand before the entry (the hash before) and the entry without its own hash: one
 * contiguous run of the file. The genesis hash is SHA-256 over the file's header.
 */

export const MAGIC = 'hoop.log'
export const VERSION = 1

export const LOG_TYPE = { session: 1, broker: 2 } as const
export type LogType = keyof typeof LOG_TYPE

export const HASH_SIZE = 32

/** File header without the id. */
export const FILE_HEADER_SIZE = 20
export const MAX_ID = 64

export const ENTRY_HEADER_SIZE = 24
export const AT = { kind: 4, flags: 5, zero: 6, seq: 8, time: 12, headLength: 20 } as const

/** Bits of `flags`. All others are zero; a reader refuses what it does not know. */
export const FLAG = {
  /** The payload goes on in the entry that follows, of kind `part`. */
  more: 1,
  /** The payload is null, not empty. */
  absent: 2,
} as const
export const KNOWN_FLAGS = FLAG.more | FLAG.absent

/** A larger payload is written in parts, so that a reader needs no more memory than this. */
export const MAX_PART = 256 * 1024
export const MAX_HEAD = 512 * 1024

/** The largest value of `length`; checked before anything is allocated. */
export const MAX_LENGTH = ENTRY_HEADER_SIZE - 4 + MAX_HEAD + MAX_PART + HASH_SIZE
export const MIN_LENGTH = ENTRY_HEADER_SIZE - 4 + HASH_SIZE

/** What the head of a file says. */
export interface LogHeader {
  readonly type: LogType
  readonly id: string
  /** Epoch milliseconds; entries of a session count their µs from here. */
  readonly created: number
}

/** u32 into room that is there: no check of value or place. */
export function writeU32(buffer: Buffer, value: number, at: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

/** u64 from a whole number below 2^53. */
export function writeU64(buffer: Buffer, value: number, at: number): void {
  writeU32(buffer, Math.floor(value / 0x1_0000_0000), at)
  writeU32(buffer, value % 0x1_0000_0000, at + 4)
}

export function readU64(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4)
}
