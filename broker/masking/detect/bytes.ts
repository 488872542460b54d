/** What a byte may be part of. */
export const DIGIT = 1
export const LETTER = 2
/** Digits, blanks and dashes: how numbers are written in groups. */
export const GROUPED = 4
/** What keys are made of: base64, base64url, and `_` and `-` of their prefixes. */
export const TOKEN = 8
export const BASE64 = 16
export const BASE64URL = 32
/** Of an e-mail address before and behind its `@`. */
export const LOCAL = 64
export const DOMAIN = 128

export const CLASS = new Uint8Array(256)

function mark(characters: string, bits: number): void {
  for (const character of characters) CLASS[character.charCodeAt(0)]! |= bits
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const DIGITS = '0123456789'
mark(LETTERS, LETTER)
mark(DIGITS, DIGIT)
mark(`${DIGITS} -`, GROUPED)
mark(`${LETTERS}${DIGITS}+/=_-`, TOKEN)
mark(`${LETTERS}${DIGITS}+/`, BASE64)
mark(`${LETTERS}${DIGITS}_-`, BASE64URL)
mark(`${LETTERS}${DIGITS}._%+-`, LOCAL)
mark(`${LETTERS}${DIGITS}.-`, DOMAIN)
// Characters beyond ASCII are never cut: all their bytes are of one class.
for (let byte = 0x80; byte < 256; byte++) CLASS[byte]! |= LOCAL | DOMAIN

export const BACKSLASH = 0x5c
export const DASH = 0x2d
export const DOT = 0x2e
export const BLANK = 0x20
export const UNDERSCORE = 0x5f

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && (CLASS[byte]! & DIGIT) !== 0
}

export function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (CLASS[byte]! & LETTER) !== 0
}

/** Letters, digits and `_`: what a key or a number does not begin or end beside. */
export function isWord(byte: number | undefined): boolean {
  return byte !== undefined && ((CLASS[byte]! & (LETTER | DIGIT)) !== 0 || byte === UNDERSCORE)
}

/** Nothing is cut out of the middle of a word; the letter of an escape (`\n`) belongs to no word. */
export function beginsWord(bytes: Buffer, at: number, start: number): boolean {
  if (at === start || !isWord(bytes[at - 1])) return true
  return at - 2 >= start && bytes[at - 2] === BACKSLASH
}

export function endsWord(bytes: Buffer, at: number, end: number): boolean {
  return at >= end || !isWord(bytes[at])
}

/** Where the bytes of this class end that go on from `at`. */
export function runEnd(bytes: Buffer, at: number, end: number, bits: number): number {
  let over = at
  while (over < end && (CLASS[bytes[over]!]! & bits) !== 0) over++
  return over
}

/** Where the bytes of this class begin that end before `at`. */
export function runStart(bytes: Buffer, at: number, start: number, bits: number): number {
  let from = at
  while (from > start && (CLASS[bytes[from - 1]!]! & bits) !== 0) from--
  return from
}

export function startsWith(bytes: Buffer, at: number, end: number, text: string): boolean {
  if (at < 0 || at + text.length > end) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Does the word, in lower case, stand in these bytes, in whatever case? */
export function holdsWord(bytes: Buffer, start: number, end: number, word: string): boolean {
  for (let at = start; at + word.length <= end; at++) {
    let i = 0
    while (i < word.length && (bytes[at + i]! | 0x20) === word.charCodeAt(i)) i++
    if (i === word.length) return true
  }
  return false
}
