/** Lines around a change that stay in a hunk. */
const CONTEXT = 3
/** Above this many comparisons the whole middle is shown as replaced: true, and still whole. */
const MOST_COMPARISONS = 4_000_000

type Op = ' ' | '-' | '+'
type Line = readonly [op: Op, text: string]

/** A unified diff, all of it; empty where both texts are the same. */
export function unifiedDiff(
  before: string,
  after: string,
  names: readonly [before: string, after: string],
): string {
  if (before === after) return ''
  const lines = compare(linesOf(before), linesOf(after))
  return [`--- ${names[0]}`, `+++ ${names[1]}`, ...hunks(lines)].join('\n')
}

/** A last line without its end is another line than one with it. */
function linesOf(text: string): readonly string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') return lines.slice(0, -1)
  return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`]
}

function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  let head = 0
  while (head < before.length && head < after.length && before[head] === after[head]) head++
  let tail = 0
  const most = Math.min(before.length, after.length) - head
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  const same = (text: string): Line => [' ', text]
  return [
    ...before.slice(0, head).map(same),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ]
}

/** The longest common subsequence stays, the rest goes or comes. */
function middle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const replaced = (): readonly Line[] => [
    ...before.map((text): Line => ['-', text]),
    ...after.map((text): Line => ['+', text]),
  ]
  if (before.length * after.length > MOST_COMPARISONS) return replaced()
  const width = after.length + 1
  const longest = new Uint32Array((before.length + 1) * width)
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        before[i] === after[j]
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!)
    }
  }
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    const isSame = i < before.length && j < after.length && before[i] === after[j]
    const goes = longest[(i + 1) * width + j] ?? 0
    if (isSame) {
      lines.push([' ', before[i++]!])
      j++
    } else if (j >= after.length || (i < before.length && goes >= longest[i * width + j + 1]!)) {
      lines.push(['-', before[i++]!])
    } else lines.push(['+', after[j++]!])
  }
  return lines
}

function hunks(lines: readonly Line[]): readonly string[] {
  const out: string[] = []
  const changed = lines.flatMap(([op], at) => (op === ' ' ? [] : [at]))
  let start = 0
  while (start < changed.length) {
    let end = start
    while (end + 1 < changed.length && changed[end + 1]! - changed[end]! <= 2 * CONTEXT) end++
    const from = Math.max(0, changed[start]! - CONTEXT)
    const to = Math.min(lines.length, changed[end]! + CONTEXT + 1)
    out.push(header(lines, from, to), ...lines.slice(from, to).map(([op, text]) => op + text))
    start = end + 1
  }
  return out
}

function header(lines: readonly Line[], from: number, to: number): string {
  const range = (other: Op): string => {
    const count = (part: readonly Line[]) => part.filter(([op]) => op !== other).length
    const length = count(lines.slice(from, to))
    const before = count(lines.slice(0, from))
    return `${length === 0 ? before : before + 1},${length}`
  }
  return `@@ -${range('+')} +${range('-')} @@`
}
