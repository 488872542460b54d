/**
 * The tokens of a statement that the parser accepted, to find where a name or a query stands in its
 * bytes (the tree has no place for either). Rules of scan.l, as far as tokens end:
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
import type { Span } from '../statement.ts'

export interface Token extends Span {
  readonly kind: 'word' | 'quoted' | 'string' | 'other'
  /** Of words: folded; of `other` the one character. */
  readonly text: string
}

const NEWLINE = /[\n\r]/
const SPACE = /[ \t\n\r\f\v]/

/** `source` holds one character for each byte (latin1), so that offsets are bytes. */
export function tokens(source: string, offset: number, end: number): Token[] {
  const out: Token[] = []
  let at = offset
  while (at < end) {
    const skipped = skip(source, at, end)
    if (skipped > at) {
      at = skipped
      continue
    }
    const token = next(source, at, end)
    out.push(token)
    at += token.length
  }
  return out
}

/** After white space or one comment; `/*` comments nest. */
function skip(source: string, at: number, end: number): number {
  if (SPACE.test(source[at]!)) return at + 1
  if (source.startsWith('--', at)) {
    let stop = at
    while (stop < end && !NEWLINE.test(source[stop]!)) stop++
    return stop
  }
  return source.startsWith('/*', at) ? skipComment(source, at, end) : at
}

function skipComment(source: string, start: number, end: number): number {
  let depth = 0
  let at = start
  while (at < end) {
    if (source.startsWith('/*', at)) {
      depth++
      at += 2
    } else if (source.startsWith('*/', at)) {
      depth--
      at += 2
      if (depth === 0) return at
    } else at++
  }
  return end
}

function next(source: string, at: number, end: number): Token {
  const rest = source.slice(at, at + 3)
  if (/^[eE]'/.test(rest)) return token('string', source, at, quoted(source, at + 1, "'", true))
  if (/^[bBxXnN]'/.test(rest))
    return token('string', source, at, quoted(source, at + 1, "'", false))
  if (/^[uU]&'/.test(rest)) return token('string', source, at, quoted(source, at + 2, "'", false))
  if (/^[uU]&"/.test(rest)) return token('quoted', source, at, quoted(source, at + 2, '"', false))
  if (rest[0] === "'") return token('string', source, at, quoted(source, at, "'", false))
  if (rest[0] === '"') return token('quoted', source, at, quoted(source, at, '"', false))
  if (rest[0] === '$') return dollar(source, at, end)
  if (/[A-Za-z_\x80-\xff]/.test(rest[0]!)) return word(source, at)
  return token('other', source, at, at + 1)
}

function word(source: string, at: number): Token {
  let stop = at + 1
  while (stop < source.length && /[A-Za-z0-9_$\x80-\xff]/.test(source[stop]!)) stop++
  return token('word', source, at, stop)
}

function dollar(source: string, at: number, end: number): Token {
  const open = /^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/.exec(source.slice(at, at + 260))
  if (open === null) return token('other', source, at, at + 1)
  const close = source.indexOf(open[0], at + open[0].length)
  return token('string', source, at, close < 0 ? end : close + open[0].length)
}

/** The end of a quoted thing; a doubled quote is a quote, a backslash escapes in E'' only. */
function quoted(source: string, start: number, quote: string, escapes: boolean): number {
  let at = start + 1
  while (at < source.length) {
    if (escapes && source[at] === '\\') at += 2
    else if (source[at] !== quote) at++
    else if (source[at + 1] === quote) at += 2
    else return at + 1
  }
  return source.length
}

function token(kind: Token['kind'], source: string, offset: number, end: number): Token {
  const raw = source.slice(offset, end)
  return { kind, text: kind === 'word' ? raw.toLowerCase() : raw, offset, length: end - offset }
}

/** Of a `U&"…"` name with UESCAPE: the span of all of it. */
export function nameSpan(all: readonly Token[], index: number): Span {
  const name = all[index]!
  const keyword = all[index + 1]
  const character = all[index + 2]
  const last =
    name.kind === 'quoted' && keyword?.text === 'uescape' && character?.kind === 'string'
      ? character
      : name
  return { offset: name.offset, length: last.offset + last.length - name.offset }
}

/** Between the first parenthesis and its partner; null if there is none. */
export function parenthesised(all: readonly Token[]): Span | null {
  const open = all.findIndex((one) => one.text === '(')
  if (open < 0) return null
  let depth = 0
  for (const one of all.slice(open)) {
    if (one.text === '(') depth++
    if (one.text === ')') depth--
    if (depth === 0) {
      const offset = all[open]!.offset + 1
      return { offset, length: one.offset - offset }
    }
  }
  return null
}
