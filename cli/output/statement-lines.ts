import type { Request } from '../../protocol/api/requests.ts'
import { type Canvas, exactField, field, roomOf } from './field.ts'
import { diffSpans, paintSpans, type Span, sqlSpans } from './highlight.ts'
import { hasHidden, visible, visibleLine } from './visible.ts'
import { chop } from './width.ts'

/** One line of a request as it is shown; `run` is its paragraph in what will run, null elsewhere. */
export interface ShownLine {
  readonly text: string
  readonly run: number | null
}

/** Columns of the bar before each line. */
const BAR = 4

/** All that will run, or the two ends of it: statement, parameters, copied data. */
export function runLines(request: Request, out: Canvas): ShownLine[] {
  const paragraphs = [
    ...parameterParagraphs(request, out),
    [''],
    ...statementParagraphs(request, out),
    ...spooledParagraphs(request, out),
  ]
  return paragraphs.flatMap((lines, run) => lines.map((text) => ({ text, run })))
}

function parameterParagraphs({ parameters }: Request, out: Canvas): string[][] {
  return parameters.map((value, at) => {
    const text = visibleLine(`$${at + 1} = ${value === null ? 'NULL' : quote(value)}`)
    return exactField(at === 0 ? 'parameters' : '', text, out)
  })
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function statementParagraphs(request: Request, out: Canvas): string[][] {
  const { cut, statement, kind } = request
  const isSql = kind === 'statement' || kind === 'exec'
  const shown = block(isSql ? sqlSpans(statement) : diffSpans(statement), out)
  const hidden = '  Characters that cannot be seen are shown as ⟨U+…⟩.'
  const warning = hasHidden(statement) ? [yellow(hidden, out)] : []
  if (cut === null) return [...shown, ...warning]
  const left = yellow(`  … of ${cut.size} bytes in all, the middle is not shown …`, out)
  const tail = cut.tail === '' ? [] : block([{ text: cut.tail, kind: 'plain' }], out)
  return [...shown, left, ...tail, ...warning]
}

function yellow(text: string, out: Canvas): string[] {
  return chop(text, roomOf(out, 0)).map((piece) => out.style('yellow', piece))
}

function spooledParagraphs({ spooled }: Request, out: Canvas): string[][] {
  if (!spooled) return []
  const rows = spooled.rows === null ? '' : `${spooled.rows} rows, `
  const said = `${rows}${spooled.size} bytes, sha256 ${spooled.digest}`
  const first = spooled.first_rows.flatMap((text) => block([{ text, kind: 'plain' }], out))
  return [[''], field('data', said, out), field('first rows', '', out), ...first]
}

/**
 * A bar before each line, also where the terminal would break it: nothing inside the text can pass
 * for a line of ours. A broken bar goes on with the line above.
 */
function block(spans: readonly Span[], out: Canvas): string[][] {
  return lines(spans).map((line) =>
    chopSpans(line, roomOf(out, BAR)).map(
      (piece, at) => `  ${out.style('dim', at === 0 ? '│' : '┆')} ${paintSpans(piece, out)}`,
    ),
  )
}

/** Made visible, and divided where the text has its line ends. */
function lines(spans: readonly Span[]): Span[][] {
  const all: Span[][] = [[]]
  for (const { text, kind } of spans) {
    const [first = '', ...rest] = visible(text).replaceAll('\t', '    ').split('\n')
    all.at(-1)?.push({ text: first, kind })
    for (const line of rest) all.push([{ text: line, kind }])
  }
  return all
}

function chopSpans(line: readonly Span[], width: number): Span[][] {
  const left = line.map((span) => ({ ...span }))
  return chop(line.map(({ text }) => text).join(''), width).map((piece) => {
    const taken: Span[] = []
    for (let missing = piece.length; missing > 0 && left[0] !== undefined; ) {
      const [{ text, kind }] = left as [Span]
      taken.push({ text: text.slice(0, missing), kind })
      if (text.length > missing) left[0] = { text: text.slice(missing), kind }
      else left.shift()
      missing -= text.length
    }
    return taken
  })
}
