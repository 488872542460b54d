import type { ShownLine } from '../output/statement-lines.ts'

/**
 * How much of what will run was on the screen: so many of its lines, from the first on, without a
 * gap. It is counted in lines of one width; a window that changes its width breaks lines elsewhere,
 * and then only whole paragraphs stay seen.
 */
export interface Reading {
  readonly width: number
  readonly seen: number
}

export interface Window {
  readonly width: number
  readonly top: number
  readonly rows: number
}

export const NOTHING_READ: Reading = { width: 0, seen: 0 }

/** After these lines were shown in this window. */
export function read(
  before: Reading,
  lines: readonly ShownLine[],
  shown: readonly ShownLine[],
  { width, top, rows }: Window,
): Reading {
  const places = runPlaces(lines)
  let seen = before.width === width ? before.seen : kept(before.seen, shown, lines)
  for (let at = places[seen]; at !== undefined && at >= top && at < top + rows; ) {
    seen++
    at = places[seen]
  }
  return before.width === width && before.seen === seen ? before : { width, seen }
}

export function isAllRead({ seen }: Reading, lines: readonly ShownLine[]): boolean {
  return seen >= runPlaces(lines).length
}

/** Where the lines of what will run stand. */
function runPlaces(lines: readonly ShownLine[]): number[] {
  return lines.flatMap(({ run }, at) => (run === null ? [] : [at]))
}

/** Lines of the paragraphs that were wholly seen at the former width. */
function kept(seen: number, former: readonly ShownLine[], lines: readonly ShownLine[]): number {
  const runs = (list: readonly ShownLine[]) => list.filter(({ run }) => run !== null)
  const next = runs(former)[seen]?.run ?? Number.POSITIVE_INFINITY
  return seen === 0 ? 0 : runs(lines).filter(({ run }) => run !== null && run < next).length
}
