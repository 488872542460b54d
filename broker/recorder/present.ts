import type { SessionEntry } from '../../protocol/api/sessions.ts'
import { MalformedBytes } from '../../protocol/bytes/cursor.ts'
import type { ShapeEntry } from '../../protocol/log/entries.ts'
import type { Frame } from '../../protocol/log/reader.ts'
import { BACKEND, decodeErrorFields, decodeRowDescription } from '../../protocol/pg/backend.ts'
import { decodeBind, formatOf } from './bind.ts'
import { apart, PartJoiner, type WholeEntry } from './parts.ts'
import { type DecodedRows, RowDecoder, type RowFormat } from './rows.ts'
import { typeName } from './values.ts'

/** What a person is called in lists. */
export function userOf(person: { email: string | null; subject: string }): string {
  return person.email ?? person.subject
}

interface Common {
  readonly entry: number
  readonly at: string
  readonly ms: number
}

/** Reads a session's entries, in their order, as people and scripts see them. */
export class EntryPresenter {
  readonly #startedAt: number
  readonly #joiner = new PartJoiner()
  readonly #shapes = new Map<number, RowFormat>()
  readonly #binds = new Map<number, readonly number[] | null>()
  readonly #rows = new Map<number, RowDecoder>()

  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  /** What this frame completes: nothing (its parts are still to come), or what people see of its entry. */
  present(frame: Frame): SessionEntry[] {
    return this.#joiner
      .push(frame)
      .flatMap(apart)
      .map((whole) => this.#entry(whole))
  }

  /** The damage that ended the reading. */
  damage(entry: number, reason: string, micros: number): SessionEntry {
    return { ...this.#common(entry, micros), kind: 'damage', reason }
  }

  #common(entry: number, micros: number): Common {
    const at = new Date(this.#startedAt + micros / 1000).toISOString()
    return { entry, at, ms: micros / 1000 }
  }

  #entry({ seq, micros, entry, size }: WholeEntry): SessionEntry {
    const common = this.#common(seq, micros)
    switch (entry.kind) {
      case 'open':
        return {
          ...common,
          ...entry,
          user: userOf(entry),
          groups: [...entry.groups],
          client: [...entry.client],
        }
      case 'statement': {
        const { ref, class: className, verbs = [], reads, writes, why = null } = entry
        const text = entry.text.toString('utf8')
        const facts = {
          class: className,
          verbs: [...verbs],
          reads: [...reads],
          writes: [...writes],
        }
        return { ...common, kind: 'statement', ref, text, size, ...facts, why }
      }
      case 'execute': {
        const { kind, ref, decision, rule, request, reason, policy = null } = entry
        const { parameters, resultFormats } = bindOf(entry.parameters, size)
        this.#binds.set(ref, entry.formats ?? resultFormats)
        this.#rows.delete(ref)
        return {
          ...common,
          kind,
          ref,
          parameters: [...parameters],
          decision,
          rule,
          request,
          reason,
          policy,
        }
      }
      case 'shape':
        return { ...common, kind: 'shape', ref: entry.ref, fields: this.#shape(entry) }
      case 'rows': {
        const { kind, ref, count } = entry
        return { ...common, kind, ref, count, ...this.#decodeRows(ref, entry.bytes) }
      }
      case 'complete': {
        const { kind, ref, tag, rows, ms } = entry
        this.#rows.delete(ref)
        return { ...common, kind, ref, command: tag, rows, took_ms: ms }
      }
      case 'error':
        return { ...common, kind: 'error', ...reportOf(entry.bytes, entry.sqlstate) }
      case 'notice':
        return { ...common, kind: 'notice', ...reportOf(entry.bytes, '') }
      case 'copy-data': {
        const { kind, ref, bytes } = entry
        return { ...common, kind, ref, size, copy: bytes.toString('utf8') }
      }
      case 'found': {
        const { kind, ref, where, what, counts } = entry
        const found = where.map((place, at) => {
          return { where: place, what: what[at] ?? '', count: counts?.[at] ?? 0 }
        })
        return { ...common, kind, ref, found }
      }
      case 'request':
        return { ...common, ...entry, policy: entry.policy ?? null }
      case 'parameter':
      case 'copy-in':
      case 'other':
      case 'torn':
      case 'close':
        return { ...common, ...entry }
      default:
        return { ...common, kind: 'other', name: entry.kind, detail: '' }
    }
  }

  #shape({ ref, bytes, masked }: ShapeEntry) {
    this.#rows.delete(ref)
    if (bytes[0] !== BACKEND.rowDescription) return []
    try {
      const fields = decodeRowDescription(bytes)
      const types = fields.map((field) => field.type)
      this.#shapes.set(ref, { types, formats: fields.map((field) => field.format) })
      return fields.map(({ name, type }, at) => {
        return { name, type: typeName(type), masked: masked[at] === true }
      })
    } catch (error) {
      if (error instanceof MalformedBytes) return []
      throw error
    }
  }

  /**
   * RowDescription of a described statement says text for every column: what Bind asked for counts,
   * where there was a Bind.
   */
  #decodeRows(ref: number, bytes: Buffer): DecodedRows {
    const shape = this.#shapes.get(ref) ?? { types: [], formats: [] }
    const asked = this.#binds.get(ref) ?? null
    const formats = asked === null ? shape.formats : shape.types.map((_, at) => formatOf(asked, at))
    const decoder = this.#rows.get(ref) ?? new RowDecoder()
    this.#rows.set(ref, decoder)
    try {
      return decoder.push(bytes, { types: shape.types, formats })
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error
      this.#rows.delete(ref)
      return { rows: [], copy: null, large: 1 }
    }
  }
}

function bindOf(
  parameters: Buffer | null,
  size: number,
): {
  parameters: readonly (string | null)[]
  resultFormats: readonly number[] | null
} {
  if (parameters === null) return { parameters: [], resultFormats: null }
  try {
    return decodeBind(parameters)
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    return { parameters: [`${size} bytes, in the raw file`], resultFormats: null }
  }
}

function reportOf(bytes: Buffer, sqlstate: string) {
  const fields = errorFields(bytes)
  return {
    severity: fields.get('V') ?? fields.get('S') ?? '',
    sqlstate: fields.get('C') ?? sqlstate,
    message: fields.get('M') ?? '',
    detail: fields.get('D') ?? null,
    hint: fields.get('H') ?? null,
  }
}

function errorFields(bytes: Buffer): ReadonlyMap<string, string> {
  try {
    return decodeErrorFields(bytes)
  } catch (error) {
    if (error instanceof MalformedBytes) return new Map()
    throw error
  }
}
