/**
 * Text that came from somebody else, made safe to look at: nothing in it can move the cursor,
 * colour or hide what stands beside it, reverse the reading order, or be there without being seen.
 * The rules: Unicode TR 36 (security considerations), TR 9 (bidi controls), ECMA-48 (controls).
 */

/**
 * - Cc: C0, DEL and C1 controls (escape sequences start here)
 * - Cf: bidi controls, zero-width characters, tags, soft hyphen
 * - Zl, Zp, Zs: line and paragraph separators and every blank that is not the plain space
 * - Cs, Co, Cn: lone surrogates, private use and unassigned code points
 * - Default_Ignorable_Code_Point: fillers, variation selectors, joiners
 * - Me, and marks without a letter before them: they draw over their neighbours
 */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Me}\u2800]|(?! )\p{Zs}|(?<![\p{L}\p{M}\p{N}])\p{M}|(?<=\p{M}{4})\p{M}/gu

/** Cheap test for the common case: printable ASCII and line breaks only. */
const PLAIN = /^[\n\t\x20-\x7e]*$/

/** One text of several lines: line feeds and tabs stay, the rest that cannot be seen is named. */
export function visible(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(HIDDEN, (character) =>
    character === '\n' || character === '\t' ? character : name(character),
  )
}

/** The same for a place that has one line (a table's cell, a name, a reason). */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\n\t]/g, (character) => (character === '\n' ? '⏎' : '⇥'))
}

/** True: `visible` changes the text, so whoever reads it should be told. */
export function hasHidden(text: string): boolean {
  return visible(text) !== text
}

/** `⟨U+202E⟩`: cannot be mistaken for an escape of SQL, JSON or a shell. */
function name(character: string): string {
  const point = character.codePointAt(0) ?? 0
  return `⟨U+${point.toString(16).toUpperCase().padStart(4, '0')}⟩`
}
