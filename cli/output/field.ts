import type { Output } from './output.ts'
import { visibleLine } from './visible.ts'
import { chop, wrap } from './width.ts'

/** Where lines are painted: a terminal of this width, or something that has none. */
export type Canvas = Pick<Output, 'onTerminal' | 'width' | 'style'>

/** No narrower than this can a terminal show a request. */
export const LEAST_WIDTH = 24

/** Columns of a name and what is before it. */
const LABEL = 15
/** Below this a name stands above its text. */
const NARROW = 50
const INDENT = 4

/** Columns that are left beside what is taken; nothing is broken where there is no terminal. */
export function roomOf(out: Canvas, taken: number): number {
  if (!out.onTerminal) return Number.POSITIVE_INFINITY
  return Math.max(LEAST_WIDTH, out.width) - taken
}

/** `  name         text`, the text wrapped beside the name. */
export function field(name: string, text: string, out: Canvas): string[] {
  const width = out.onTerminal ? Math.max(LEAST_WIDTH, out.width) : out.width
  const room = width - taken(out)
  const fits = out.onTerminal ? room : Number.POSITIVE_INFINITY
  return labelled(
    name,
    wrap(visibleLine(text), room).flatMap((line) => chop(line, fits)),
    out,
  )
}

/** The same for lines that must keep every character where it is. */
export function exactField(name: string, line: string, out: Canvas): string[] {
  return labelled(name, chop(line, roomOf(out, taken(out))), out)
}

function taken(out: Canvas): number {
  return isNarrow(out) ? INDENT : LABEL
}

function labelled(name: string, lines: readonly string[], out: Canvas): string[] {
  const dim = (text: string) => (text.trim() === '' ? text : out.style('dim', text))
  if (!isNarrow(out)) {
    return lines.map((line, at) => `  ${dim((at ? '' : name).padEnd(LABEL - 2))}${line}`)
  }
  const title = name === '' ? [] : [`  ${dim(name)}`]
  return [...title, ...lines.map((line) => ' '.repeat(INDENT) + line)]
}

function isNarrow(out: Canvas): boolean {
  return out.onTerminal && out.width < NARROW
}
