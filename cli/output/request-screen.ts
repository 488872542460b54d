import type { Request, RequestState } from '../../protocol/api/requests.ts'
import { type Canvas, field, roomOf } from './field.ts'
import type { Output } from './output.ts'
import { fields, lastWord } from './request-fields.ts'
import { runLines, type ShownLine } from './statement-lines.ts'
import type { Column } from './table.ts'
import { describeDuration, describeTime, since } from './time.ts'
import { visibleLine } from './visible.ts'
import { chop, wrap } from './width.ts'

type Style = Parameters<Output['style']>[0]

const COLOURS: Readonly<Record<RequestState, Style>> = {
  pending: 'yellow',
  approved: 'green',
  executed: 'green',
  rejected: 'red',
  expired: 'dim',
  cancelled: 'dim',
  revoked: 'red',
}

/** The list's columns; `STATE` only where it is not the same for all. */
export function requestColumns(
  out: Pick<Output, 'style' | 'bold'>,
  now: number,
  options: { readonly states: boolean },
): Column<Request>[] {
  const state: Column<Request> = {
    title: 'STATE',
    of: (request) => request.state,
    paint: (cell, request) => out.style(COLOURS[request.state], cell),
  }
  return [
    { title: 'ID', of: (request) => request.id, paint: (cell) => out.bold(cell) },
    ...(options.states ? [state] : []),
    { title: 'WHO', of: (request) => request.requester },
    { title: 'CONNECTION', of: (request) => request.connection },
    { title: 'CLASS', of: (request) => request.class },
    { title: 'AGE', of: (request) => since(request.created_at, now), align: 'right' },
    { title: 'STATEMENT', of: (request) => oneLine(request.statement), flexible: true },
  ]
}

/** A request in full: what an approver must see, and all of it. */
export function requestScreen(request: Request, out: Canvas, now: number): string {
  const lines = requestLines(request, out, now).map(({ text }) => text)
  return [...titleLines(request, out, now), '', ...lines].join('\n')
}

/** Which one, how it stands, how long it is still there. */
export function titleLines(request: Request, out: Canvas, now: number): string[] {
  const { id, state } = request
  const rest = [deadline(request, now), ...lastWord(request)].filter((word) => word !== '')
  const painted = [out.style(COLOURS[state], state), ...rest].join(', ')
  const room = roomOf(out, id.length + 2)
  const isOne = [state, ...rest].join(', ').length <= room
  const name = out.style('bold', id)
  return isOne ? [`${name}  ${painted}`] : [name, `  ${painted}`]
}

/** The rest of it, as lines that say which of them are what will run. */
export function requestLines(request: Request, out: Canvas, now: number): ShownLine[] {
  const above = fields(request, now).flatMap(([name, text]) => field(name, text, out))
  const below = [...questionLines(request, out), ...decisionLines(request, out)]
  const plain = (text: string): ShownLine => ({ text, run: null })
  return [...above.map(plain), ...runLines(request, out), ...below.map(plain)]
}

function deadline(request: Request, now: number): string {
  if (request.state !== 'pending' || request.expires_at === null) return ''
  return `${describeDuration(Date.parse(request.expires_at) - now)} left`
}

function questionLines(request: Request, out: Canvas): string[] {
  const lines = request.questions.flatMap(({ part, by, text, at }) =>
    said(at, `${by} ${part === 'question' ? 'asks' : 'answers'}: ${text}`, out),
  )
  return lines.length === 0 ? [] : ['', ...lines]
}

function decisionLines(request: Request, out: Canvas): string[] {
  const lines = request.decisions.flatMap(({ by, verdict, comment, at }) =>
    said(at, `${verdict} by ${by}${comment ? `: ${comment}` : ''}`, out),
  )
  return lines.length === 0 ? [] : ['', ...lines]
}

/** `  2026-11-22 07:03:09  text`, wrapped beside the time, or below it. */
function said(at: string, text: string, out: Canvas): string[] {
  const time = describeTime(at)
  const beside = roomOf(out, time.length + 4)
  const isNarrow = beside < time.length + 4
  const room = isNarrow ? roomOf(out, 4) : beside
  const indent = ' '.repeat(isNarrow ? 4 : time.length + 4)
  const lines = wrap(visibleLine(text), room).flatMap((line) => chop(line, room))
  const painted = `  ${out.style('dim', time)}`
  if (isNarrow) return [painted, ...lines.map((line) => indent + line)]
  return lines.map((line, index) => (index === 0 ? `${painted}  ${line}` : indent + line))
}

/** For a list: white space is one blank. */
function oneLine(text: string): string {
  return visibleLine(text.slice(0, 500).replace(/\s+/g, ' ').trim())
}
