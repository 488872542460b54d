/** A name as it may stand in SQL, whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as a literal, where standard_conforming_strings is on: as it always is at the target. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
