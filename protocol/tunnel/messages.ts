import { MalformedBytes } from '../bytes/cursor.ts'
import { EXIT, type ExitCode } from '../errors.ts'
import { Fields, type TextPlain } from './fields.ts'
import { MAX_FRAME } from './frames.ts'
import { type Plain, pack, unpack } from './msgpack.ts'

/** First word of both ends. */
export interface HelloMessage {
  readonly t: 'hello'
  readonly version: number
}

/** A person wants a session on a connection. The broker checks `startup` again by its own rules. */
export interface OpenMessage {
  readonly t: 'open'
  readonly connection: string
  /**
   * The process at the person's machine; `program` is what the client calls itself, `minor` that of
   * its protocol where that is not 3.0.
   */
  readonly client: { readonly pid: number; readonly program?: string; readonly minor?: number }
  readonly reason: string | null
  /** In an emergency: without waiting for anybody, and to be reviewed. */
  readonly breakGlass?: true
  readonly startup: Readonly<Record<string, string>>
}

/** PostgreSQL's CancelRequest, on a WebSocket of its own. It has no answer: the socket closes. */
export interface CancelMessage {
  readonly t: 'cancel'
  readonly connection: string
  readonly pid: number
  readonly key: Buffer
}

/** A fresh access token with a proof for it, while the tunnel is open. */
export interface TokenMessage {
  readonly t: 'token'
  readonly token: string
  readonly proof: string
}

export type ClientMessage = HelloMessage | OpenMessage | CancelMessage | TokenMessage

export interface ServerHelloMessage {
  readonly t: 'hello'
  readonly version: number
  /** No frame may be longer. */
  readonly limits: { readonly frame: number }
}

export interface OpenedMessage {
  readonly t: 'opened'
  readonly session: string
}

export interface RefusedMessage {
  readonly t: 'refused'
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly exit: ExitCode
  readonly sqlstate: string
}

const EVENTS = [
  'held',
  'question',
  'answer',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'executed',
  'closed',
] as const

export type EventValue = TextPlain

/** What happened in the session, for the person at `hoop connect`. More fields may stand in it. */
export interface SessionEvent {
  readonly event: (typeof EVENTS)[number]
  readonly request?: string
  readonly message: string
  /** RFC 3339, UTC. */
  readonly at: string
  readonly [field: string]: EventValue | undefined
}

export interface EventMessage {
  readonly t: 'event'
  readonly event: SessionEvent
}

/** The broker wants to see a token and a proof with this nonce again; `token` answers it. */
export interface ProveMessage {
  readonly t: 'prove'
  readonly nonce: string
  /** A token that was issued just now is wanted: something waits for people, or is about to run. */
  readonly fresh: boolean
}

export type ServerMessage =
  | ServerHelloMessage
  | OpenedMessage
  | RefusedMessage
  | EventMessage
  | ProveMessage

/** Longest of each, in UTF-16 units. */
const MAX = {
  name: 255,
  id: 64,
  reason: 4_000,
  key: 64,
  value: 8_000,
  program: 1_000,
  message: 8_000,
  token: 16_384,
} as const

/** More than any real start-up has. */
const MAX_STARTUP_KEYS = 32

/** PostgreSQL's own limit of a start-up packet (MAX_STARTUP_PACKET_LENGTH). */
const MAX_STARTUP_SIZE = 10_000

/** Throws when a text of ours is too long for a frame; such texts are cut before they come here. */
export function encodeMessage(message: ClientMessage | ServerMessage): Buffer {
  const bytes = pack(withoutUndefined(message))
  if (bytes.length > MAX_FRAME) throw new MalformedBytes('control message is too long to send')
  return bytes
}

function withoutUndefined(value: object): Plain {
  const present = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(
    present.map(([key, field]) => [key, isPlainMap(field) ? withoutUndefined(field) : field]),
  )
}

function isPlainMap(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}

/** What a client may say. Throws {@link MalformedBytes}. */
export function decodeClientMessage(bytes: Buffer): ClientMessage {
  const fields = read(bytes)
  const t = fields.text('t', MAX.key)
  switch (t) {
    case 'hello':
      return { t, version: version(fields) }
    case 'open':
      return decodeOpen(fields)
    case 'cancel':
      return {
        t,
        connection: fields.text('connection', MAX.name),
        pid: fields.integer('pid', -0x80000000, 0x7fffffff),
        key: fields.bytes('key', 4, 256),
      }
    case 'token':
      return { t, token: fields.text('token', MAX.token), proof: fields.text('proof', MAX.token) }
    default:
      throw new MalformedBytes('control message of an unknown type')
  }
}

/** What a broker may say. Throws {@link MalformedBytes}. */
export function decodeServerMessage(bytes: Buffer): ServerMessage {
  const fields = read(bytes)
  const t = fields.text('t', MAX.key)
  switch (t) {
    case 'hello': {
      const frame = fields.nested('limits').integer('frame', 1_024, 0x7fffffff)
      return { t, version: version(fields), limits: { frame } }
    }
    case 'opened':
      return { t, session: fields.text('session', MAX.id) }
    case 'refused':
      return decodeRefused(fields)
    case 'prove':
      return { t, nonce: fields.text('nonce', MAX.name), fresh: fields.flag('fresh') }
    case 'event':
      return { t, event: decodeEvent(fields.nested('event')) }
    default:
      throw new MalformedBytes('control message of an unknown type')
  }
}

function read(bytes: Buffer): Fields {
  if (bytes.length > MAX_FRAME) throw new MalformedBytes('control message is too long')
  return new Fields(unpack(bytes), 'control message')
}

function version(fields: Fields): number {
  return fields.integer('version', 1, 65_535)
}

function decodeOpen(fields: Fields): OpenMessage {
  const client = fields.nested('client')
  const program = client.textOrNull('program', MAX.program)
  return {
    t: 'open',
    connection: fields.text('connection', MAX.name),
    client: {
      pid: client.integer('pid', 0, 0x7fffffff),
      ...(program === null ? {} : { program }),
      ...(client.names().includes('minor') ? { minor: client.integer('minor', 0, 0xffff) } : {}),
    },
    reason: fields.textOrNull('reason', MAX.reason),
    ...(fields.flag('breakGlass') ? { breakGlass: true } : {}),
    startup: decodeStartup(fields.nested('startup')),
  }
}

function decodeStartup(fields: Fields): Record<string, string> {
  const names = fields.names()
  if (names.length > MAX_STARTUP_KEYS) throw new MalformedBytes('too many start-up parameters')
  const startup = names.map((name): [string, string] => [name, fields.text(name, MAX.value)])
  const size = startup.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (size > MAX_STARTUP_SIZE) throw new MalformedBytes('start-up parameters are too long')
  return Object.fromEntries(startup)
}

function decodeRefused(fields: Fields): RefusedMessage {
  const exit = fields.integer('exit', 0, 255)
  const sqlstate = fields.text('sqlstate', 5)
  if (!/^[0-9A-Z]{5}$/.test(sqlstate)) throw new MalformedBytes('refused without an SQLSTATE')
  return {
    t: 'refused',
    code: fields.text('code', MAX.id),
    message: fields.text('message', MAX.message),
    hint: fields.textOrNull('hint', MAX.message),
    exit: isExitCode(exit) ? exit : EXIT.failed,
    sqlstate,
  }
}

function isExitCode(value: number): value is ExitCode {
  return Object.values<number>(EXIT).includes(value)
}

function decodeEvent(fields: Fields): SessionEvent {
  const event = fields.text('event', MAX.key)
  if (!isEventName(event)) throw new MalformedBytes('event of an unknown name')
  const request = fields.textOrNull('request', MAX.id)
  return {
    ...fields.plain(),
    event,
    message: fields.text('message', MAX.message),
    at: fields.text('at', MAX.id),
    ...(request === null ? {} : { request }),
  }
}

function isEventName(name: string): name is SessionEvent['event'] {
  return EVENTS.some((known) => known === name)
}
