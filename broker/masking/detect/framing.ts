import { BACKSLASH, GROUPED, LETTER, runEnd, runStart } from './bytes.ts'

/** Bytes of the framing that may look like first digits of a value: its length, but for the highest. */
export const FRAMING = 3
/** The highest byte of a length is 0. */
const LENGTH = FRAMING + 1
/** So far behind a first group of digits the number ends that begins with it, or sooner. */
const LONGEST = 32

/** May a value begin among the digits at `at`, their first ones being of its length? */
export function mayBegin(bytes: Buffer, at: number): boolean {
  return at >= LENGTH && bytes[at - LENGTH] === 0
}

/**
 * May a value begin at `at`, or so near that what stands before it may be framing? A backslash may
 * be what delimits values.
 */
export function mayBeFramed(bytes: Buffer, at: number, start: number): boolean {
  const low = Math.max(start, runStart(bytes, at, start, LETTER) - LENGTH - 1)
  for (let before = at - 1; before >= low; before--) {
    if (bytes[before] === 0 || bytes[before] === BACKSLASH) return true
  }
  return false
}

/**
 * The first place where a value may end in which a number begins at `at`: before a letter behind its
 * digits, blanks and dashes that may be that of the next message.
 */
export function edgeOf(bytes: Buffer, at: number, end: number): number {
  const limit = Math.min(end, at + LONGEST)
  const to = runEnd(bytes, at, limit, GROUPED)
  const word = runEnd(bytes, to, limit, LETTER)
  return word > to && word < end && bytes[word] === 0 ? word - 1 : end
}
