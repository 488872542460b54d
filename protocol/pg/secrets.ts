/**
 * Passwords that stand in a statement as literals, and the text without them, for whoever reads it
 * later. Found by tokens, so that it holds for what nobody can parse, too.
 *
 * The danger is the other one: an approver reads this text, so nothing but a value may be hidden.
 * A literal is hidden where PostgreSQL takes a password or an option, and within a connection string
 * only if all of it is one: SQL in a string is never `host=… password=…`.
 */
import { type Token, tokens } from './facts/lexer.ts'

export interface Redacted {
  readonly text: Buffer
  /** What was hidden, as it stood there and as it is meant; may hold duplicates. */
  readonly secrets: readonly string[]
}

/** What stands for a secret: equal ones stay recognisable, none can be read. */
export type Marker = (secret: string) => string

/** `understood`: it was parsed. What was not is searched with less care for what is hidden. */
export function redactSecrets(text: Buffer, understood: boolean, marker: Marker): Redacted {
  if (!mayHold(text.toString('latin1', 0, LOOKED_AT), understood)) return { text, secrets: [] }
  const redaction = new Redaction(marker)
  const out = redaction.run(text.toString('latin1'), understood)
  if (redaction.secrets.length === 0) return { text, secrets: [] }
  return { text: Buffer.from(out, 'latin1'), secrets: redaction.secrets }
}

/** Says no at once to nearly all texts. */
function mayHold(source: string, understood: boolean): boolean {
  if (!NAME.test(source) && !CONNECTION.test(source)) return false
  return VERB.test(source) || (!understood && PASSWORD.test(source))
}

/** Names of options whose values are secrets. */
const NAME = /pass(?:word|wd|phrase|code)|secret|token|credential|(?:api|access|private)_?key|u&"/i
const CONNECTION = /postgres(?:ql)?:\/\//i
const VERB = /\b(?:alter|create|import)\b|dblink/i
const PASSWORD = /password/i

/** After ALTER, CREATE, IMPORT: what takes passwords, options or connection strings. */
const OBJECTS: ReadonlySet<string> = new Set([
  ...['role', 'user', 'group', 'server', 'subscription', 'foreign'],
])
const VERBS: ReadonlySet<string> = new Set(['alter', 'create', 'import'])

/** Bytes at the beginning of a text that are looked at: reading tokens takes time from all sessions. */
export const LOOKED_AT = 1 << 18
/** Strings in strings. */
const DEEPEST = 3

class Redaction {
  readonly secrets: string[] = []
  private readonly marker: Marker

  constructor(marker: Marker) {
    this.marker = marker
  }

  run(source: string, understood: boolean, depth = 0): string {
    const all = tokens(source, 0, Math.min(source.length, LOOKED_AT))
    const place = new Place(understood)
    let out = ''
    let at = 0
    for (const [index, token] of all.entries()) {
      const what = place.take(all, index)
      if (token.kind !== 'string') continue
      const raw = source.slice(token.offset, token.offset + token.length)
      const shown = this.literal(raw, what, depth)
      out += source.slice(at, token.offset) + shown
      at = token.offset + token.length
    }
    return out + source.slice(at)
  }

  private literal(raw: string, what: Meaning, depth: number): string {
    if (what === 'secret') return this.hidden(raw)
    const inner = contentOf(raw)
    if (inner === null) return what === 'connection' && NAME.test(raw) ? this.hidden(raw) : raw
    if (what !== 'data') {
      const shown = this.connectionString(inner.text)
      if (shown !== null) return shown === inner.text ? raw : inner.wrap(shown)
      if (what === 'connection' && NAME.test(raw)) return this.hidden(raw)
    }
    if (depth >= DEEPEST || !mayHold(inner.text, true)) return raw
    const shown = this.run(inner.text, true, depth + 1)
    return shown === inner.text ? raw : inner.wrap(shown)
  }

  private hidden(raw: string): string {
    return `'${this.mark(contentOf(raw)?.text ?? raw, raw)}'`
  }

  private mark(secret: string, raw = secret): string {
    const bytes = Buffer.from(secret, 'latin1').toString('utf8')
    this.secrets.push(Buffer.from(raw, 'latin1').toString('utf8'), bytes)
    return this.marker(bytes)
  }

  /** Without its passwords; null: it is none, or not wholly. */
  private connectionString(text: string): string | null {
    if (URI.test(text)) {
      return text
        .replace(URI_PASSWORD, (_all, before: string, secret: string) => before + this.mark(secret))
        .replace(URI_OPTION, (_all, before: string, secret: string) => before + this.mark(secret))
    }
    if (!CONNINFO.test(text)) return null
    return text.replace(PAIR, (all, name: string, equals: string, value: string) =>
      NAME.test(name) && name.toLowerCase() !== 'passfile' ? name + equals + this.mark(value) : all,
    )
  }
}

/** What a literal is: a secret, a connection string, perhaps one, or neither. */
type Meaning = 'secret' | 'connection' | 'maybe' | 'data'

/** Where in a statement a token stands, as far as it tells what a literal means. */
class Place {
  private readonly understood: boolean
  private first: string | null = null
  /** In a statement whose options are secrets. */
  private options = false
  /** dblink is called, whose first argument may be a connection string or SQL. */
  private dblink = false
  private passwordSaid = false
  /** What a string that stands here is; strings that follow one another are one literal. */
  private next: Meaning = 'data'

  constructor(understood: boolean) {
    this.understood = understood
  }

  take(all: readonly Token[], index: number): Meaning {
    const token = all[index]!
    if (token.kind === 'string') return this.string(all[index - 1])
    const name = token.kind === 'other' ? null : nameOf(token)
    if (token.kind === 'other' && token.text === ';') this.end()
    else this.first ??= name ?? token.text
    this.next = 'data'
    if (name !== null) this.name(name, token, all[index + 1])
    return 'data'
  }

  private string(before: Token | undefined): Meaning {
    if (this.next !== 'data') return this.next
    const isCode = this.first === 'do' || (before?.kind === 'word' && before.text === 'as')
    if (!this.understood && this.passwordSaid && !isCode) return 'secret'
    return this.options || this.dblink ? 'maybe' : 'data'
  }

  private end(): void {
    this.first = null
    this.options = false
    this.dblink = false
    this.passwordSaid = false
  }

  private name(name: string, token: Token, after: Token | undefined): void {
    if (PASSWORD.test(name)) this.passwordSaid = true
    if (token.kind === 'word' && VERBS.has(name) && OBJECTS.has(after?.text ?? ''))
      this.options = true
    if (name.startsWith('dblink')) this.dblink = true
    if (!this.options || name === 'passfile') return
    if (NAME.test(name)) this.next = 'secret'
    else if (name === 'connection') this.next = 'connection'
  }
}

/** An escaped name may be any; then it counts as one that is secret. */
function nameOf({ kind, text }: Token): string {
  return kind === 'quoted' && text.startsWith('"') ? text.slice(1, -1).toLowerCase() : text
}

interface Content {
  readonly text: string
  /** Another content in the same quotes. */
  readonly wrap: (text: string) => string
}

/** Null: it has escapes, which nobody undoes here. */
function contentOf(raw: string): Content | null {
  if (raw.startsWith("'")) {
    const text = raw.slice(1, -1).replaceAll("''", "'")
    return { text, wrap: (other) => `'${other.replaceAll("'", "''")}'` }
  }
  const tag = /^\$[^$]*\$/.exec(raw)?.[0]
  if (tag !== undefined) {
    const text = raw.slice(tag.length, Math.max(tag.length, raw.length - tag.length))
    return { text, wrap: (other) => tag + other + tag }
  }
  if (!/^e'/i.test(raw) || raw.includes('\\')) return null
  return contentOf(raw.slice(1))
}

const VALUE = String.raw`'(?:[^'\\]|\\[^])*'|[^\s'\\](?:[^\s\\]|\\[^])*|`
/** Nothing but `name = value` pairs; read as libpq does. */
const CONNINFO = new RegExp(String.raw`^\s*(?:[a-z_]+\s*=\s*(?:${VALUE})(?:\s+|$))+$`, 'i')
const PAIR = new RegExp(String.raw`([a-z_]+)(\s*=\s*)(${VALUE})(?=\s|$)`, 'gi')
const URI = /^\s*postgres(?:ql)?:\/\/\S*\s*$/i
const URI_PASSWORD = /(:\/\/[^:@/?#\s]*:)([^@/\s]*)(?=@)/g
const URI_OPTION = /([?&](?:ssl)?password=)([^&\s]*)/gi
