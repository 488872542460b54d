/** What a person looks for: words and "phrases in quotes"; a * at the end of a word is a prefix. */
export interface Term {
  readonly text: string
  readonly prefix: boolean
}

const MOST_TERMS = 32
const HAS_WORD = /[\p{L}\p{N}_]/u

/** Anything may be typed; what has no letter and no digit says nothing and is left out. */
export function termsOf(query: string): Term[] {
  const parts = query.match(/"[^"]*"|[^\s"]+/g) ?? []
  return parts
    .map((part) => {
      if (part.startsWith('"')) return { text: part.replaceAll('"', ''), prefix: false }
      return { text: part.replace(/\*+$/, ''), prefix: part.endsWith('*') }
    })
    .filter(({ text }) => HAS_WORD.test(text))
    .slice(0, MOST_TERMS)
}

/**
 * FTS5's language of one term: a string in double quotes, so that nothing in it is an operator,
 * a column or a wildcard (https://sqlite.org/fts5.html, 3.1).
 */
export function matchOf({ text, prefix }: Term): string {
  const quoted = `"${text.replaceAll('\0', ' ').replaceAll('"', '""')}"`
  return prefix ? `${quoted}*` : quoted
}

const WIDTH = 240

/** The line of a text in which a term stands, cut around it. */
export function matchingLine(text: string, terms: readonly Term[]): string {
  const lines = text.split('\n')
  const needles = terms.map((term) => firstWord(term.text))
  const place = (line: string) => {
    const folded = fold(line)
    return needles.map((needle) => folded.indexOf(needle)).find((at) => at >= 0) ?? -1
  }
  const line = lines.find((candidate) => place(candidate) >= 0) ?? lines[0] ?? ''
  if (line.length <= WIDTH) return line.trim()
  const start = Math.max(0, Math.min(place(line) - WIDTH / 3, line.length - WIDTH))
  const cut = line.slice(start, start + WIDTH)
  return `${start > 0 ? '…' : ''}${cut.trim()}${start + WIDTH < line.length ? '…' : ''}`
}

function firstWord(text: string): string {
  return fold(text.match(/[\p{L}\p{N}_]+/u)?.[0] ?? text)
}

/** As unicode61 does: without case and accents. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
