const SHORT = 128

/** Is the chunk from `start` to `end` this? Without a view of it, and by hand where it is short. */
export function sameBytes(known: Buffer, chunk: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  if (known.length > SHORT) return known.equals(chunk.subarray(start, end))
  for (let i = 0; i < known.length; i++) if (known[i] !== chunk[start + i]) return false
  return true
}
