/** What of a statement may leave for a chat: without its constants, unless the operator wants all of it. */
import { tokens } from '../../protocol/pg/facts/lexer.ts'
import { visible } from '../../protocol/visible.ts'
import type { RequestRecord } from '../store/store.ts'

export type Shown = 'whole' | 'without_values' | 'none'

export interface Fits {
  readonly characters: number
  readonly lines: number
}

/** `text` is null where it is not told; `why` then, in words of hoop's own. */
export interface ShownStatement {
  readonly text: string | null
  readonly why: string | null
}

const SQL: ReadonlySet<RequestRecord['kind']> = new Set(['statement', 'exec'] as const)
/** What windows and emergencies are for is said in hoop's own lines; other kinds hold what people wrote. */
const TOLD: ReadonlySet<RequestRecord['kind']> = new Set([
  ...SQL,
  ...(['window', 'break_glass'] as const),
])

/** Between a text and what a prepared statement or cursor in it stands for (session/snapshot.ts). */
const RUNS = '\n-- which runs:\n'

export function shownStatement(request: RequestRecord, how: Shown, fits: Fits): ShownStatement {
  const { kind, statement, size, tail } = request
  if (!TOLD.has(kind)) return no('What is asked for is not repeated here.')
  if (how === 'none') return no('Statements are not told here.')
  if (tail !== null) return tooLarge(size)
  if (!SQL.has(kind)) return fitting(visible(statement), null, size, fits)
  const isUnread = how === 'without_values' && request.class === 'unknown'
  if (isUnread) return no('It could not be parsed, so nobody can tell its constants from the rest.')
  const parts = statement.split(RUNS)
  const text = visible((how === 'whole' ? parts : parts.map(withoutConstants)).join(RUNS))
  return fitting(text, how === 'whole' ? null : 'Its constants stand as … here.', size, fits)
}

function fitting(text: string, why: string | null, size: number, fits: Fits): ShownStatement {
  const even = text.replaceAll('\t', '  ')
  if (even.length > fits.characters || even.split('\n').length > fits.lines) return tooLarge(size)
  return { text: even, why }
}

function no(why: string): ShownStatement {
  return { text: null, why }
}

function tooLarge(size: number): ShownStatement {
  return no(`It does not fit here (${size} bytes).`)
}

const DOTS = Buffer.from('…').toString('latin1')
const STRING = Buffer.from('‘…’').toString('latin1')
const NUMBER = /\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?/y

/** Strings, numbers and comments are taken out; names, words and marks stay. */
export function withoutConstants(statement: string): string {
  const source = Buffer.from(statement).toString('latin1')
  let out = ''
  let at = 0
  for (const token of tokens(source, 0, source.length)) {
    if (token.offset < at) continue
    out += gap(source.slice(at, token.offset))
    const end = numberEnd(source, token.offset)
    if (end !== null) out += DOTS
    else out += token.kind === 'string' ? STRING : source.slice(token.offset, endOf(token))
    at = end ?? endOf(token)
  }
  return Buffer.from(out, 'latin1').toString('utf8').trim()
}

function endOf({ offset, length }: { readonly offset: number; readonly length: number }): number {
  return offset + length
}

/** A comment is not told. */
function gap(text: string): string {
  return /^\s*$/.test(text) ? text : ' '
}

/** `$1` is no number. Null: no number begins here. */
function numberEnd(source: string, offset: number): number | null {
  if (source[offset - 1] === '$') return null
  NUMBER.lastIndex = offset
  return NUMBER.test(source) ? NUMBER.lastIndex : null
}
