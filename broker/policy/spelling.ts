/** `; did you mean "request"?`, or nothing when no word is near. */
export function didYouMean(word: string, words: readonly string[]): string {
  const near = nearest(word, words)
  return near === null ? '' : `; did you mean "${near}"?`
}

/** The known word within two edits (one, for short words), if any. */
export function nearest(word: string, words: readonly string[]): string | null {
  const bound = word.length < 5 ? 1 : 2
  const ranked = words
    .map((known) => ({ known, distance: edits(word, known) }))
    .filter(({ distance }) => distance <= bound)
    .toSorted((a, b) => a.distance - b.distance)
  return ranked[0]?.known ?? null
}

/** Damerau-Levenshtein distance (optimal string alignment): two swapped letters are one edit. */
export function edits(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) row.push(cell(rows, row, a, b, i, j))
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

function cell(rows: number[][], row: number[], a: string, b: string, i: number, j: number): number {
  const above = rows[i - 1]!
  const same = a[i - 1] === b[j - 1]
  const best = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1))
  const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
  return swapped ? Math.min(best, rows[i - 2]![j - 2]! + 1) : best
}
