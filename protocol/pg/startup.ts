import { Cursor, MalformedBytes } from '../bytes/cursor.ts'

/** Why a start-up cannot be accepted, as the client is told in a FATAL ErrorResponse. */
export class StartupRefused extends Error {
  override readonly name = 'StartupRefused'
  readonly sqlstate: string
  readonly hint: string | null

  constructor(sqlstate: string, message: string, hint: string | null = null) {
    super(message)
    this.sqlstate = sqlstate
    this.hint = hint
  }
}

/** What a client may say before it is known (PostgreSQL documentation, 55.2.1 and 55.2.10 to 55.2.12). */
export type FirstPacket =
  | { readonly type: 'ssl' }
  | { readonly type: 'gss' }
  | { readonly type: 'cancel'; readonly pid: number; readonly key: Buffer }
  | { readonly type: 'startup'; readonly startup: StartupPacket }

/** Protocol 3.2 differs from 3.0 in the length of cancel keys alone (PostgreSQL 18, libpq 18). */
export const NEWEST_MINOR = 2

export interface StartupPacket {
  readonly minor: number
  /** Keys as sent, without `_pq_.*`. */
  readonly parameters: Readonly<Record<string, string>>
  /** `_pq_.*` keys: protocol extensions, none of which is known here. */
  readonly extensions: readonly string[]
}

/** A start-up that was checked: made by {@link checkStartup} alone. */
export interface Startup {
  readonly user: string
  /** Null: the client leaves the choice. */
  readonly database: string | null
  /** Settings of the allow-list by their canonical names; `client_encoding` is always UTF8. */
  readonly settings: Readonly<Record<string, string>>
}

const SSL_REQUEST = 0x04d2162f
const GSS_REQUEST = 0x04d21630
const CANCEL_REQUEST = 0x04d2162e

/** First byte of a TLS ClientHello record: a client with sslnegotiation=direct. */
const TLS_HANDSHAKE = 0x16

/** Bounds of the length field, as the server has them (MAX_STARTUP_PACKET_LENGTH). */
const SHORTEST = 8
const LONGEST = 10_000

/** Length, code, process, and a key of 4 (3.0) to 256 bytes (3.2). */
const CANCEL_LENGTH = { least: 16, most: 12 + 256 }

/** Settings that a client may choose; lower case → the name that PostgreSQL gives it. */
const SETTINGS = new Map(
  [
    'application_name',
    'client_encoding',
    'DateStyle',
    'IntervalStyle',
    'TimeZone',
    'extra_float_digits',
  ].map((name) => [name.toLowerCase(), name]),
)

export type PacketSize =
  | { readonly type: 'more' }
  | { readonly type: 'tls' }
  | { readonly type: 'packet'; readonly length: number }

/**
 * How long the packet at the start of `head` says it is, or what else it is. Throws
 * {@link MalformedBytes} for a length that no start-up packet has.
 */
export function firstPacketSize(head: Buffer): PacketSize {
  if (head[0] === TLS_HANDSHAKE) return { type: 'tls' }
  if (head.length < 4) return { type: 'more' }
  const length = head.readUInt32BE(0)
  if (length < SHORTEST || length > LONGEST) {
    throw new MalformedBytes(`start-up packet length ${length} is not allowed`)
  }
  return { type: 'packet', length }
}

/** Reads one whole packet. Throws {@link StartupRefused} for what is understood and refused. */
export function decodeFirstPacket(packet: Buffer): FirstPacket {
  const cursor = new Cursor(packet, 4)
  const code = cursor.uint32()
  if (code === SSL_REQUEST || code === GSS_REQUEST) {
    cursor.end()
    return { type: code === SSL_REQUEST ? 'ssl' : 'gss' }
  }
  if (code === CANCEL_REQUEST) return decodeCancel(cursor, packet.length)
  return { type: 'startup', startup: decodeStartup(cursor, code) }
}

function decodeCancel(cursor: Cursor, length: number): FirstPacket {
  const { least, most } = CANCEL_LENGTH
  if (length < least || length > most) throw new MalformedBytes('CancelRequest of a wrong length')
  return { type: 'cancel', pid: cursor.int32(), key: Buffer.from(cursor.rest()) }
}

function decodeStartup(cursor: Cursor, version: number): StartupPacket {
  const [major, minor] = [version >>> 16, version & 0xffff]
  if (major !== 3) {
    throw new StartupRefused(
      '0A000',
      `unsupported frontend protocol ${major}.${minor}: this listener speaks 3.0 to 3.${NEWEST_MINOR}`,
    )
  }
  const pairs = decodePairs(cursor)
  return {
    minor,
    parameters: Object.fromEntries(pairs.filter(([name]) => !isExtension(name))),
    extensions: pairs.map(([name]) => name).filter(isExtension),
  }
}

function isExtension(name: string): boolean {
  return name.startsWith('_pq_.')
}

/**
 * Names and values, each once. With two equal names the server takes the last; a reader that takes
 * the first sees another person. Setting names are compared as the server does, without case.
 */
function decodePairs(cursor: Cursor): [string, string][] {
  const pairs: [string, string][] = []
  const seen = new Set<string>()
  try {
    for (let name = cursor.string(); name !== ''; name = cursor.string()) {
      if (seen.has(name.toLowerCase())) throw duplicate(name)
      seen.add(name.toLowerCase())
      pairs.push([name, cursor.string()])
    }
    cursor.end()
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    throw new StartupRefused('08P01', `invalid startup packet layout: ${error.message}`)
  }
  return pairs
}

function duplicate(name: string): StartupRefused {
  return new StartupRefused('08P01', `startup parameter "${name}" is given twice`)
}

/**
 * What a client asks for against the allow-list. The listener and the broker both call this; the
 * broker builds the target's start-up packet from the result, never from the client's keys.
 */
export function checkStartup(parameters: Readonly<Record<string, string>>): Startup {
  const settings: Record<string, string> = {}
  for (const [name, value] of Object.entries(parameters)) {
    if (name === 'user' || name === 'database') continue
    const canonical = SETTINGS.get(name.toLowerCase())
    if (canonical === undefined) throw notAllowed(name)
    if (Object.hasOwn(settings, canonical)) throw duplicate(name)
    settings[canonical] = canonical === 'client_encoding' ? utf8Only(value) : withoutZero(value)
  }
  const user = own(parameters, 'user')
  if (user === null || user === '') {
    throw new StartupRefused('28000', 'no PostgreSQL user name specified in startup packet')
  }
  const database = own(parameters, 'database')
  return {
    user: withoutZero(user),
    database: database === null || database === '' ? null : withoutZero(database),
    settings,
  }
}

function own(parameters: Readonly<Record<string, string>>, name: string): string | null {
  return Object.hasOwn(parameters, name) ? (parameters[name] ?? null) : null
}

/** A value goes into the target's start-up packet, where a zero byte would begin another key. */
function withoutZero(value: string): string {
  if (value.includes('\0')) throw new StartupRefused('08P01', 'startup parameter with a zero byte')
  return value
}

function notAllowed(name: string): StartupRefused {
  const allowed = ['user', 'database', ...SETTINGS.values()].join(', ')
  return new StartupRefused(
    '42501',
    `startup parameter "${name.slice(0, 63)}" is not allowed here`,
    name === 'options'
      ? 'Leave out options (PGOPTIONS), and use SET after connecting for what may be set.'
      : `Allowed are ${allowed}.`,
  )
}

/**
 * Any spelling of UTF8, read as the server reads it (clean_encoding_name: letters and digits alone,
 * without case). SQL_ASCII is let in as UTF8: libpq says it for `client_encoding=auto` in the C
 * locale, which psql on a terminal does, and it asks for no conversion; the answer is told as UTF8.
 */
function utf8Only(value: string): 'UTF8' {
  const clean = value.toLowerCase().replace(/[^a-z0-9]/g, '')
  if (clean === 'utf8' || clean === 'unicode' || clean === 'sqlascii') return 'UTF8'
  throw new StartupRefused(
    '22023',
    `client_encoding "${value.slice(0, 63)}" is not allowed here`,
    'Only UTF8 is spoken here: set client_encoding (PGCLIENTENCODING) to UTF8.',
  )
}
