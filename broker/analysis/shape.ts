/**
 * Texts that differ only in whole numbers that something is compared with have the same facts:
 * `… WHERE aid = 12345` and `… WHERE aid = 67890` are judged once. Such a number (1 to 9 digits, no
 * leading zero) is a constant of type integer whatever its digits are, and it stands where no
 * ordinal, type modifier or option can stand. A number keeps its length, so offsets keep theirs.
 *
 * Null: something is in the text in which a digit could be anything else (strings, quoted names,
 * comments, parameters, escapes, casts, other alphabets), so it is its own key.
 */
export function shapeOfText(latin1: string): string | null {
  if (latin1.length > LONGEST || OTHER.test(latin1)) return null
  return latin1.replace(COMPARED, (_all, before: string, digits: string) => {
    return before + NINES.slice(0, digits.length)
  })
}

const LONGEST = 2_048
const NINES = '999999999'

/** Anything besides words, spaces and the marks of a plain statement; `--` begins a comment. */
const OTHER = /[^\w\s.,;()=<>*+!-]|--/

/** A comparison that is an operator of its own, then an integer that ends there. */
const COMPARED = /((?<=[\w)\s])(?:=|<>|<=|>=|<|>)\s*)([1-9]\d{0,8})(?=[\s;)]|$)/g
