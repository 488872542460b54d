import { MalformedBytes } from '../../../protocol/bytes/cursor.ts'
import type {
  Entry,
  EntryKind,
  ExecuteEntry,
  StatementEntry,
} from '../../../protocol/log/entries.ts'
import { decodeErrorFields } from '../../../protocol/pg/backend.ts'
import { decodeBind } from '../bind.ts'
import type { WholeEntry } from '../parts.ts'

/** Kinds whose payload is looked at; rows are skipped unread. */
export const INDEXED_PAYLOADS: ReadonlySet<EntryKind> = new Set<EntryKind>([
  'statement',
  'part',
  'execute',
  'error',
])

/** One thing that can be found. */
export interface Line {
  readonly entry: number
  readonly micros: number
  readonly kind: string
  readonly text: string
  /** Found as well, not shown: tables. */
  readonly context: string
}

/** What an entry adds to the index. */
export interface Found {
  readonly lines: readonly Line[]
  readonly verdict: string | null
  readonly relations: readonly string[]
}

/** States of a request that was not decided yet. */
const WAITING: ReadonlySet<string> = new Set(['held', 'pending'])

const NOTHING: Found = { lines: [], verdict: null, relations: [] }
/** What is kept of a session's statements stays bounded, however many there are. */
const MOST_SEEN = 10_000
const MOST_CHARACTERS = 4 * 1024 * 1024

/**
 * What can be found of a session: each statement once for each decision and with all its
 * parameters, what people decided and why, errors, the person and where they went.
 */
export class LineMaker {
  readonly #texts = new Map<number, { text: string; context: string }>()
  #characters = 0
  readonly #seen = new Set<string>()

  of({ seq, micros, entry }: WholeEntry): Found {
    const line = (text: string, context = ''): Line[] =>
      text === '' ? [] : [{ entry: seq, micros, kind: entry.kind, text, context }]
    switch (entry.kind) {
      case 'open':
        return { ...NOTHING, lines: line(opening(entry)) }
      case 'statement':
        return { ...NOTHING, relations: this.#remember(entry) }
      case 'execute':
        return { ...NOTHING, verdict: entry.decision, lines: this.#execute(entry, line) }
      case 'request': {
        const by = entry.by === null ? '' : ` by ${entry.by}`
        const comment = entry.comment === null ? '' : `: ${entry.comment}`
        const verdict = WAITING.has(entry.state) ? 'hold' : entry.state
        return {
          ...NOTHING,
          verdict,
          lines: line(`${entry.request} ${entry.state}${by}${comment}`),
        }
      }
      case 'error':
        return { ...NOTHING, lines: line(`${entry.sqlstate} ${messageOf(entry.bytes)}`) }
      case 'other':
        return { ...NOTHING, lines: line(`${entry.name} ${entry.detail}`) }
      case 'found': {
        const found = entry.where.map((place, at) => `${place} ${entry.what[at] ?? ''}`)
        return { ...NOTHING, lines: line(`found ${found.join(', ')}`) }
      }
      case 'close':
        return { ...NOTHING, lines: line(entry.why) }
      default:
        return NOTHING
    }
  }

  #remember({ ref, text, reads, writes }: StatementEntry): readonly string[] {
    const relations = [...new Set([...reads, ...writes])]
    const kept = { text: text.toString('utf8'), context: relations.join(' ') }
    this.#texts.set(ref, kept)
    this.#characters += kept.text.length
    for (const [oldest, { text: old }] of this.#texts) {
      if (this.#characters <= MOST_CHARACTERS || oldest === ref) break
      this.#texts.delete(oldest)
      this.#characters -= old.length
    }
    return relations
  }

  #execute(entry: ExecuteEntry, line: (text: string, context?: string) => Line[]): Line[] {
    const { ref, decision, reason, request } = entry
    const known = this.#texts.get(ref)
    const values = parametersOf(entry)
    const rest = [values, reason, request].filter((part) => part !== null && part !== '')
    const key = `${ref} ${decision}`
    if (this.#seen.has(key)) return line(rest.join('\n'), known?.context)
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear()
    this.#seen.add(key)
    return line([known?.text ?? '', ...rest].join('\n'), known?.context)
  }
}

function opening(entry: Extract<Entry, { kind: 'open' }>): string {
  const { session, email, subject, issuer, groups, connection, database, remote, client } = entry
  const person = [email ?? '', subject, ...groups, issuer]
  return [...person, connection, database, session, remote, ...client, entry.reason ?? '']
    .filter((part) => part !== '')
    .join(' ')
}

function parametersOf({ parameters }: ExecuteEntry): string {
  if (parameters === null) return ''
  try {
    const values = decodeBind(parameters).parameters
    return values.map((value, at) => `$${at + 1} = ${value ?? 'NULL'}`).join(', ')
  } catch (error) {
    if (error instanceof MalformedBytes) return ''
    throw error
  }
}

function messageOf(bytes: Buffer): string {
  try {
    const fields = decodeErrorFields(bytes)
    return [fields.get('M'), fields.get('D')].filter((part) => part !== undefined).join('\n')
  } catch (error) {
    if (error instanceof MalformedBytes) return ''
    throw error
  }
}
