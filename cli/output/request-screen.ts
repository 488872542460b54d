import type { Request, RequestState } from '../../protocol/api/requests.ts'
import type { Output } from './output.ts'
import type { Column } from './table.ts'
import { describeDuration, describeTime, since } from './time.ts'
import { hasHidden, visible, visibleLine } from './visible.ts'
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
  out: Output,
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
export function requestScreen(request: Request, out: Output, now: number): string {
  const state = out.style(COLOURS[request.state], request.state)
  const lines = [`${out.bold(request.id)}  ${state}${deadline(request, now)}`, '']
  for (const [name, text] of fields(request, now)) lines.push(...field(name, text, out))
  lines.push(...parameterLines(request, out), '', ...statementLines(request, out))
  lines.push(...spooledLines(request, out), ...questionLines(request, out))
  lines.push(...decisionLines(request, out))
  return lines.join('\n')
}

function fields(request: Request, now: number): [string, string][] {
  const { connection, database, session, kind } = request
  const held = session === null ? kind : `${kind}, session ${session}`
  const list: [string, string | null][] = [
    ['who', request.requester],
    ['where', `${connection}, database ${database} (${held})`],
    ['what', `${request.class}: ${request.effect}`],
    ['reason', request.reason],
    ['transaction', request.in_transaction ? 'open; it holds its locks while it waits' : null],
    ['asked', describeNeeds(request)],
    ['before', describeRejections(request, now)],
    ['created', describeTime(request.created_at)],
    ['outcome', describeOutcome(request)],
    ['sha256', request.digest],
  ]
  return list.filter((item): item is [string, string] => item[1] !== null && item[1] !== '')
}

export function describeNeeds(request: Pick<Request, 'needs'>): string {
  return request.needs
    .map(({ group, count, have }) => {
      const who = count === 1 ? `one of ${group}` : `${count} of ${group}`
      return have > 0 ? `${who} (${have} of ${count} so far)` : who
    })
    .join(' and ')
}

/** People tire of what comes again and again: it is said. */
function describeRejections({ rejected_before: before }: Request, now: number): string | null {
  if (before === null || before.last === null) return null
  const { count, last } = before
  const times = count === 1 ? 'once' : `${count} times`
  const why = last.reason === null ? '' : `: ${last.reason}`
  return `the same was rejected ${times}, last by ${last.by} ${since(last.at, now)} ago${why}`
}

function describeOutcome(request: Request): string | null {
  const { outcome } = request
  if (!outcome) return null
  const rows =
    outcome.rows === null ? '' : `, ${outcome.rows} ${outcome.rows === 1 ? 'row' : 'rows'}`
  const state = outcome.sqlstate === null ? '' : `, SQLSTATE ${outcome.sqlstate}`
  const status = outcome.status === 'unknown' ? 'unknown: the answer never came' : outcome.status
  return `${status}${rows}${state}`
}

function deadline(request: Request, now: number): string {
  if (request.state !== 'pending' || request.expires_at === null) return ''
  return `, ${describeDuration(Date.parse(request.expires_at) - now)} left`
}

const LABEL = 13

/** `  name         text`, the text wrapped beside the name. */
function field(name: string, text: string, out: Output): string[] {
  const room = Math.max(20, out.width - LABEL - 2)
  return labelled(name, wrap(visibleLine(text), room), out)
}

function labelled(name: string, lines: readonly string[], out: Output): string[] {
  return lines.map((line, at) => `  ${out.style('dim', (at ? '' : name).padEnd(LABEL))}${line}`)
}

function parameterLines(request: Request, out: Output): string[] {
  const room = out.onTerminal ? Math.max(20, out.width - LABEL - 2) : Number.POSITIVE_INFINITY
  return request.parameters.flatMap((value, at) => {
    const text = visibleLine(`$${at + 1} = ${value === null ? 'NULL' : quote(value)}`)
    return labelled(at ? '' : 'parameters', chop(text, room), out)
  })
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/**
 * A bar before each line, also where the terminal would break it: nothing inside the text can pass
 * for a line of ours. A broken bar goes on with the line above.
 */
function block(text: string, out: Output): string[] {
  const room = out.onTerminal ? Math.max(20, out.width - 4) : Number.POSITIVE_INFINITY
  return visible(text)
    .replaceAll('\t', '    ')
    .split('\n')
    .flatMap((line) =>
      chop(line, room).map((piece, at) => `  ${out.style('dim', at === 0 ? '│' : '┆')} ${piece}`),
    )
}

function statementLines(request: Request, out: Output): string[] {
  const { cut, statement } = request
  const warning = hasHidden(statement)
    ? [out.style('yellow', '  Characters that cannot be seen are shown as ⟨U+…⟩.')]
    : []
  if (cut === null) return [...block(statement, out), ...warning]
  const left = out.style('yellow', `  … of ${cut.size} bytes in all, the middle is not shown …`)
  const rest = cut.tail === '' ? [] : block(cut.tail, out)
  return [...block(statement, out), left, ...rest, ...warning]
}

function spooledLines(request: Request, out: Output): string[] {
  const { spooled } = request
  if (!spooled) return []
  const rows = spooled.rows === null ? '' : `${spooled.rows} rows, `
  return [
    '',
    ...field('data', `${rows}${spooled.size} bytes, sha256 ${spooled.digest}`, out),
    ...field('first rows', '', out),
    ...spooled.first_rows.flatMap((row) => block(row, out)),
  ]
}

function questionLines(request: Request, out: Output): string[] {
  const lines = request.questions.flatMap(({ part, by, text, at }) => {
    const verb = part === 'question' ? 'asks' : 'answers'
    return talk(at, `${by} ${verb}: ${text}`, out)
  })
  return lines.length === 0 ? [] : ['', ...lines]
}

/** `  2026-11-22 07:03:09  text`, wrapped beside the time. */
function talk(at: string, text: string, out: Output): string[] {
  const time = describeTime(at)
  const room = out.onTerminal ? Math.max(20, out.width - time.length - 4) : Number.POSITIVE_INFINITY
  return wrap(visibleLine(text), room).map((line, index) => {
    const left = index === 0 ? time : ' '.repeat(time.length)
    return `  ${out.style('dim', left)}  ${line}`
  })
}

function decisionLines(request: Request, out: Output): string[] {
  if (request.decisions.length === 0) return []
  const lines = request.decisions.map(({ by, verdict, comment, at }) => {
    const said = comment ? `: ${comment}` : ''
    return `${describeTime(at)}  ${visibleLine(`${verdict} by ${by}${said}`)}`
  })
  return ['', ...lines.map((line) => `  ${line}`)].map((line) => out.style('dim', line))
}

/** For a list: white space is one blank. */
function oneLine(text: string): string {
  return visibleLine(text.slice(0, 500).replace(/\s+/g, ' ').trim())
}
