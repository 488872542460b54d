import { tokens } from '../../protocol/pg/facts/lexer.ts'
import type { Output } from './output.ts'

/** A piece of a text and what it is; the pieces together are the text, to the last character. */
export interface Span {
  readonly text: string
  readonly kind: Kind
}

type Kind = 'plain' | 'keyword' | 'string' | 'number' | 'comment' | 'added' | 'removed' | 'place'
type Style = Parameters<Output['style']>[0]

const STYLES: Readonly<Record<Exclude<Kind, 'plain'>, Style>> = {
  keyword: 'cyan',
  string: 'green',
  number: 'magenta',
  comment: 'dim',
  added: 'green',
  removed: 'red',
  place: 'cyan',
}

/** Words that say what a statement does. Only for the eye: nothing is decided by it. */
const KEYWORDS = new Set(
  `all alter analyze and any as asc begin between both by cascade case cast check cluster collate
  column comment commit concurrently conflict constraint copy create cross current cursor database
  deallocate declare default delete desc distinct do drop else end except exclude execute exists
  explain extension fetch filter following for foreign from full function grant group grouping
  having if ilike in index inner insert instead intersect into is isnull join key language lateral
  leading left like limit listen lock materialized matched merge move natural not nothing notify
  notnull null nulls offset on only or order outer over overriding owner partition policy preceding
  prepare primary procedure raise recursive references refresh reindex release rename replace reset
  restrict returning revoke right role rollback rollup row rows rule savepoint schema security
  select sequence session set show similar skip some start table tablespace temp temporary then to
  trailing transaction trigger truncate type unbounded union unique unlogged update user using
  vacuum values view when where window with without work`.split(/\s+/),
)

/** As PostgreSQL's scanner divides it. */
export function sqlSpans(sql: string): Span[] {
  if (!sql.isWellFormed()) return [{ text: sql, kind: 'plain' }]
  const source = Buffer.from(sql).toString('latin1')
  const piece = (from: number, to: number, kind: Kind): Span => ({
    text: Buffer.from(source.slice(from, to), 'latin1').toString('utf8'),
    kind,
  })
  const spans: Span[] = []
  let at = 0
  for (const token of tokens(source, 0, source.length)) {
    const end = token.offset + token.length
    if (token.offset > at) spans.push(piece(at, token.offset, 'comment'))
    spans.push(piece(token.offset, end, kindOf(token)))
    at = end
  }
  if (at < source.length) spans.push(piece(at, source.length, 'comment'))
  return spans
}

function kindOf({ kind, text }: ReturnType<typeof tokens>[number]): Kind {
  if (kind === 'string') return 'string'
  if (kind === 'word') return KEYWORDS.has(text) ? 'keyword' : 'plain'
  return /^\d$/.test(text) ? 'number' : 'plain'
}

/** Of a unified diff: what comes and what goes. */
export function diffSpans(text: string): Span[] {
  return text.split(/(?<=\n)/).map((line) => ({ text: line, kind: diffKind(line) }))
}

function diffKind(line: string): Kind {
  if (line.startsWith('+')) return 'added'
  if (line.startsWith('-')) return 'removed'
  return line.startsWith('@@') ? 'place' : 'plain'
}

export function paintSpans(spans: readonly Span[], out: Pick<Output, 'style'>): string {
  return spans
    .map(({ text, kind }) =>
      kind === 'plain' || text === '' ? text : out.style(STYLES[kind], text),
    )
    .join('')
}
