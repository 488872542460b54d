/**
 * What a log can say. One table gives each kind its number and its fields in their order; encoder,
 * decoder and docs/record.md follow it. Numbers are for ever. A kind may grow by fields at its end,
 * which read as null in older files; nothing else about a kind ever changes.
 */

export type Decision = 'allow' | 'hold' | 'deny'

/** Who: identity key is (issuer, subject); e-mail is for people. */
export interface LoggedPerson {
  readonly issuer: string
  readonly subject: string
  readonly email: string | null
  readonly groups: readonly string[]
}

export interface OpenEntry extends LoggedPerson {
  readonly kind: 'open'
  readonly session: string
  readonly remote: string
  readonly connection: string
  readonly database: string
  readonly target: string
  /** What the client says of itself, `key=value` each. */
  readonly client: readonly string[]
  readonly reason: string | null
  readonly policy: string | null
}

/** A text, once for each session; `ref` is its number from then on. */
export interface StatementEntry {
  readonly kind: 'statement'
  readonly ref: number
  readonly text: Buffer
  readonly class: string
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  readonly verbs?: readonly string[]
  readonly why?: string | null
}

export interface ExecuteEntry {
  readonly kind: 'execute'
  readonly ref: number
  /** The Bind message after its two names: formats, values, result formats. Null = no parameters. */
  readonly parameters: Buffer | null
  /** Result formats, when they are not in `parameters`. */
  readonly formats?: readonly number[] | null
  readonly decision: Decision
  readonly rule: string
  readonly request: string | null
  readonly reason: string | null
  /** The version of the policy that decided; null: written before there were versions. */
  readonly policy?: number | null
}

export interface RequestEntry {
  readonly kind: 'request'
  readonly request: string
  readonly state: string
  readonly by: string | null
  readonly comment: string | null
  /** The version of the policy that it was made under. */
  readonly policy?: number | null
}

/** RowDescription (or CopyOutResponse) as the client saw it. */
export interface ShapeEntry {
  readonly kind: 'shape'
  readonly ref: number
  readonly bytes: Buffer
  readonly masked: readonly boolean[]
}

/** DataRow and CopyData messages exactly as the client got them; may be cut anywhere. */
export interface RowsEntry {
  readonly kind: 'rows'
  readonly ref: number
  readonly bytes: Buffer
  readonly count: number
}

export interface CompleteEntry {
  readonly kind: 'complete'
  readonly ref: number
  readonly tag: string
  readonly rows: number | null
  readonly ms: number
}

/** `rows` and `complete` in one, where the last rows come together with the outcome. */
export interface ResultEntry {
  readonly kind: 'result'
  readonly ref: number
  readonly bytes: Buffer
  readonly count: number
  readonly tag: string
  readonly rows: number | null
  readonly ms: number
}

/** ErrorResponse as the client got it. */
export interface ErrorEntry {
  readonly kind: 'error'
  readonly bytes: Buffer
  readonly sqlstate: string
}

/** NoticeResponse as the client got it. */
export interface NoticeEntry {
  readonly kind: 'notice'
  readonly bytes: Buffer
}

export interface ParameterEntry {
  readonly kind: 'parameter'
  readonly name: string
  readonly value: string
}

/** What a COPY FROM STDIN sends: its digest; the bytes are the request's spool. */
export interface CopyInEntry {
  readonly kind: 'copy-in'
  readonly ref: number
  readonly rows: number | null
  readonly size: number
  readonly digest: string
}

/** Bytes that a COPY FROM STDIN carries, where they are kept. */
export interface CopyDataEntry {
  readonly kind: 'copy-data'
  readonly ref: number
  readonly bytes: Buffer
}

/** Whatever has no kind of its own: `cancel`, `notify`, … */
export interface OtherEntry {
  readonly kind: 'other'
  readonly name: string
  readonly detail: string
}

/** What detectors found and covered in the answers of a text: the values themselves never. */
export interface FoundEntry {
  readonly kind: 'found'
  /** Null: beside all statements, in a notification for example. */
  readonly ref: number | null
  /** Columns, or `error`, `notice`, `notification`; for each of them what was found, and how often. */
  readonly where: readonly string[]
  readonly what: readonly string[]
  readonly counts: readonly number[] | null
}

/** Written at start-up over a log that a crash left open: what was cut away, with its digest. */
export interface TornEntry {
  readonly kind: 'torn'
  readonly size: number
  readonly digest: string
}

/** The last entry of each log. */
export interface CloseEntry {
  readonly kind: 'close'
  readonly why: string
}

/** More of the payload of the entry before. Made by the writer, joined by the reader. */
export interface PartEntry {
  readonly kind: 'part'
  readonly bytes: Buffer
}

/** In the broker's log: a session's log begins; `genesis` is its first hash. */
export interface SessionOpenEntry {
  readonly kind: 'session-open'
  readonly session: string
  readonly path: string
  readonly genesis: string
}

/** In the broker's log: a session's log is complete; `hash` is its last hash. */
export interface SessionCloseEntry {
  readonly kind: 'session-close'
  readonly session: string
  readonly entries: number
  readonly size: number
  readonly hash: string
  readonly why: string
}

/** In the broker's log: somebody looked at the record. */
export interface LookEntry {
  readonly kind: 'look'
  readonly issuer: string
  readonly subject: string
  readonly email: string | null
  readonly action: string
  readonly session: string | null
  readonly detail: string | null
}

/** In the broker's log: something that hoop goes by has come into force. */
export interface ChangeEntry {
  readonly kind: 'change'
  /** `policy`, `connection` or `secret`. */
  readonly what: string
  readonly name: string
  readonly version: number
  readonly digest: string
  /** Null: the first policy, that of the configuration file. */
  readonly request: string | null
  /** Who wanted it so, and who agreed: `email` or `subject` each. */
  readonly authors: readonly string[]
  readonly deciders: readonly string[]
}

/** What the pump and the recorder hand to a session's log. */
export type NewEntry =
  | OpenEntry
  | StatementEntry
  | ExecuteEntry
  | RequestEntry
  | ShapeEntry
  | RowsEntry
  | CompleteEntry
  | ResultEntry
  | ErrorEntry
  | NoticeEntry
  | ParameterEntry
  | CopyInEntry
  | CopyDataEntry
  | OtherEntry
  | FoundEntry
  | TornEntry
  | CloseEntry
  | SessionOpenEntry
  | SessionCloseEntry
  | LookEntry
  | ChangeEntry

export type Entry = NewEntry | PartEntry
export type EntryKind = Entry['kind']

/**
 * How a field is written in the head. `micros` is a number of milliseconds, kept in whole µs.
 * The `?` kinds may be null.
 */
export type FieldType =
  | 'text'
  | 'text?'
  | 'uint'
  | 'uint?'
  | 'micros'
  | 'texts'
  | 'flags'
  | 'uints?'

export interface EntrySpec {
  readonly code: number
  readonly head: readonly (readonly [name: string, type: FieldType])[]
  /** The field that is the payload, raw; null = none. `nullable`: a missing one is flagged. */
  readonly payload: string | null
}

export const ENTRIES: Readonly<Record<EntryKind, EntrySpec>> = {
  open: {
    code: 1,
    head: [
      ['session', 'text'],
      ['issuer', 'text'],
      ['subject', 'text'],
      ['email', 'text?'],
      ['groups', 'texts'],
      ['remote', 'text'],
      ['connection', 'text'],
      ['database', 'text'],
      ['target', 'text'],
      ['client', 'texts'],
      ['reason', 'text?'],
      ['policy', 'text?'],
    ],
    payload: null,
  },
  close: { code: 2, head: [['why', 'text']], payload: null },
  torn: {
    code: 3,
    head: [
      ['size', 'uint'],
      ['digest', 'text'],
    ],
    payload: null,
  },
  part: { code: 4, head: [], payload: 'bytes' },
  statement: {
    code: 16,
    head: [
      ['ref', 'uint'],
      ['class', 'text'],
      ['reads', 'texts'],
      ['writes', 'texts'],
      ['verbs', 'texts'],
      ['why', 'text?'],
    ],
    payload: 'text',
  },
  execute: {
    code: 17,
    head: [
      ['ref', 'uint'],
      ['decision', 'text'],
      ['rule', 'text'],
      ['request', 'text?'],
      ['reason', 'text?'],
      ['formats', 'uints?'],
      ['policy', 'uint?'],
    ],
    payload: 'parameters',
  },
  request: {
    code: 18,
    head: [
      ['request', 'text'],
      ['state', 'text'],
      ['by', 'text?'],
      ['comment', 'text?'],
      ['policy', 'uint?'],
    ],
    payload: null,
  },
  shape: {
    code: 19,
    head: [
      ['ref', 'uint'],
      ['masked', 'flags'],
    ],
    payload: 'bytes',
  },
  rows: {
    code: 20,
    head: [
      ['ref', 'uint'],
      ['count', 'uint'],
    ],
    payload: 'bytes',
  },
  complete: {
    code: 21,
    head: [
      ['ref', 'uint'],
      ['tag', 'text'],
      ['rows', 'uint?'],
      ['ms', 'micros'],
    ],
    payload: null,
  },
  error: { code: 22, head: [['sqlstate', 'text']], payload: 'bytes' },
  notice: { code: 23, head: [], payload: 'bytes' },
  parameter: {
    code: 24,
    head: [
      ['name', 'text'],
      ['value', 'text'],
    ],
    payload: null,
  },
  'copy-in': {
    code: 25,
    head: [
      ['ref', 'uint'],
      ['rows', 'uint?'],
      ['size', 'uint'],
      ['digest', 'text'],
    ],
    payload: null,
  },
  'copy-data': { code: 26, head: [['ref', 'uint']], payload: 'bytes' },
  other: {
    code: 27,
    head: [
      ['name', 'text'],
      ['detail', 'text'],
    ],
    payload: null,
  },
  found: {
    code: 28,
    head: [
      ['ref', 'uint?'],
      ['where', 'texts'],
      ['what', 'texts'],
      ['counts', 'uints?'],
    ],
    payload: null,
  },
  result: {
    code: 29,
    head: [
      ['ref', 'uint'],
      ['count', 'uint'],
      ['tag', 'text'],
      ['rows', 'uint?'],
      ['ms', 'micros'],
    ],
    payload: 'bytes',
  },
  'session-open': {
    code: 64,
    head: [
      ['session', 'text'],
      ['path', 'text'],
      ['genesis', 'text'],
    ],
    payload: null,
  },
  'session-close': {
    code: 65,
    head: [
      ['session', 'text'],
      ['entries', 'uint'],
      ['size', 'uint'],
      ['hash', 'text'],
      ['why', 'text'],
    ],
    payload: null,
  },
  look: {
    code: 66,
    head: [
      ['issuer', 'text'],
      ['subject', 'text'],
      ['email', 'text?'],
      ['action', 'text'],
      ['session', 'text?'],
      ['detail', 'text?'],
    ],
    payload: null,
  },
  change: {
    code: 67,
    head: [
      ['what', 'text'],
      ['name', 'text'],
      ['version', 'uint'],
      ['digest', 'text'],
      ['request', 'text?'],
      ['authors', 'texts'],
      ['deciders', 'texts'],
    ],
    payload: null,
  },
}

const byCode = new Map<number, EntryKind>(
  Object.entries(ENTRIES).map(([kind, spec]) => [spec.code, kind as EntryKind]),
)

/** The kind that a number stands for, or null: written by a newer hoop, or no log at all. */
export function kindOf(code: number): EntryKind | null {
  return byCode.get(code) ?? null
}
