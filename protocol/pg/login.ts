import { MalformedBytes } from '../bytes/cursor.ts'
import { ByteQueue } from '../bytes/queue.ts'
import {
  AUTHENTICATION_OK,
  decodeSaslInitial,
  decodeSaslResponse,
  encodeNegotiation,
  encodeSaslContinue,
  encodeSaslFinal,
  encodeSaslMechanisms,
  PASSWORD,
} from './authentication.ts'
import { encodeError } from './backend.ts'
import { HEADER } from './framer.ts'
import { SCRAM, ScramError, ScramServer, type ScramVerifier } from './scram.ts'
import {
  checkStartup,
  decodeFirstPacket,
  type FirstPacket,
  firstPacketSize,
  NEWEST_MINOR,
  type Startup,
  type StartupPacket,
  StartupRefused,
} from './startup.ts'

export type LoginOutput =
  | { readonly type: 'send'; readonly bytes: Buffer }
  /** The client is who it must be; AuthenticationOk was sent. `rest` came after, for the session. */
  | {
      readonly type: 'authenticated'
      readonly startup: Startup
      /** The protocol that was agreed on: 3.`minor`. */
      readonly minor: number
      readonly rest: Buffer
    }
  | { readonly type: 'cancel'; readonly pid: number; readonly key: Buffer }
  /** Send what was to be sent, then close. */
  | { readonly type: 'close'; readonly why: string }

export interface LoginRules {
  /** Null: the socket itself proves who it is, and no password is asked for. */
  readonly verifier: ScramVerifier | null
  /** Printable, without comma, made anew for each connection (RFC 5802 section 5.1). */
  readonly nonce: string
}

/** The server answers "no" to SSLRequest and GSSENCRequest. */
const NO = Buffer.from('N')

/** TLS alert: fatal, handshake_failure (RFC 8446 section 6), which ends a direct TLS client at once. */
const TLS_ALERT = Buffer.from('15030100020228', 'hex')

/** A SASL message with its header and mechanism name; PostgreSQL allows 1024 for the message. */
const LONGEST_PASSWORD = 1_100

/** Bytes that may wait while the client is not yet known, or its session not yet open. */
const LONGEST_WAIT = 65_536

type Phase = 'first' | 'sasl-initial' | 'sasl-final' | 'over'

/**
 * A PostgreSQL client from its first byte to AuthenticationOk: bytes in, outputs out. Each thing
 * happens once and in order; what comes in another order ends the connection.
 */
export class LocalLogin {
  private readonly queue = new ByteQueue()
  private readonly scram: ScramServer | null
  private phase: Phase = 'first'
  private askedSsl = false
  private askedGss = false
  private startup: Startup | null = null
  private minor = 0
  private out: LoginOutput[] = []

  constructor(rules: LoginRules) {
    this.scram = rules.verifier === null ? null : new ScramServer(rules.verifier, rules.nonce)
  }

  receive(bytes: Buffer): LoginOutput[] {
    this.out = []
    if (this.phase === 'over') return this.out
    this.queue.push(bytes)
    try {
      while (this.step());
    } catch (error) {
      this.fail(error)
    }
    return this.out
  }

  /** One packet; false = more bytes are needed, or it is over. */
  private step(): boolean {
    switch (this.phase) {
      case 'first':
        return this.firstPacket()
      case 'sasl-initial':
      case 'sasl-final':
        return this.password(this.phase)
      case 'over':
        return false
    }
  }

  private firstPacket(): boolean {
    const head = this.queue.peek(Math.min(4, this.queue.length))
    const size = head.length === 0 ? { type: 'more' as const } : firstPacketSize(head)
    if (size.type === 'tls') {
      this.send(TLS_ALERT)
      this.close('the client began with TLS, which the local port does not speak')
      return false
    }
    if (size.type === 'more' || this.queue.length < size.length) return false
    this.onPacket(decodeFirstPacket(this.queue.take(size.length)))
    return true
  }

  private onPacket(packet: FirstPacket): void {
    switch (packet.type) {
      case 'ssl':
        if (this.askedSsl) throw protocolViolation('SSLRequest is sent twice')
        this.askedSsl = true
        this.sayNo('received unencrypted data after SSL request')
        return
      case 'gss':
        if (this.askedGss) throw protocolViolation('GSSENCRequest is sent twice')
        this.askedGss = true
        this.sayNo('received unencrypted data after GSSAPI encryption request')
        return
      case 'cancel':
        this.out.push({ type: 'cancel', pid: packet.pid, key: packet.key })
        this.phase = 'over'
        return
      case 'startup':
        this.onStartup(packet.startup)
    }
  }

  /** Bytes behind the request were written before our answer: somebody put them there. */
  private sayNo(otherwise: string): void {
    this.send(NO)
    if (this.queue.length > 0) throw protocolViolation(otherwise)
  }

  private onStartup({ minor, parameters, extensions }: StartupPacket): void {
    this.minor = minor < NEWEST_MINOR ? 0 : NEWEST_MINOR
    if (minor !== this.minor || extensions.length > 0) {
      this.send(encodeNegotiation(this.minor, extensions))
    }
    this.startup = checkStartup(parameters)
    if (this.scram === null) this.authenticated()
    else this.askPassword()
  }

  private askPassword(): void {
    if (this.queue.length > 0) throw protocolViolation('data before authentication')
    this.send(encodeSaslMechanisms([SCRAM]))
    this.phase = 'sasl-initial'
  }

  private password(phase: 'sasl-initial' | 'sasl-final'): boolean {
    const head = this.queue.peek(Math.min(HEADER, this.queue.length))
    if (head.length > 0 && head[0] !== PASSWORD) {
      throw protocolViolation('expected a SASL response')
    }
    if (head.length < HEADER) return false
    const length = head.readInt32BE(1)
    if (length < 4 || length > LONGEST_PASSWORD) {
      throw new MalformedBytes(`SASL response length ${length} is not allowed`)
    }
    if (this.queue.length < length + 1) return false
    const message = this.queue.take(length + 1)
    if (phase === 'sasl-initial') this.saslInitial(message)
    else this.saslFinal(message)
    return true
  }

  private saslInitial(message: Buffer): void {
    const { mechanism, data } = decodeSaslInitial(message)
    if (mechanism !== SCRAM) throw protocolViolation('client selected a SASL mechanism not offered')
    this.send(encodeSaslContinue((this.scram as ScramServer).challenge(data)))
    this.phase = 'sasl-final'
  }

  private saslFinal(message: Buffer): void {
    const answer = (this.scram as ScramServer).verify(decodeSaslResponse(message))
    if (answer === null) {
      throw new StartupRefused(
        '28P01',
        'the local password is not the right one',
        'Use the password that `hoop connect` prints, or the unix socket, which needs none.',
      )
    }
    this.send(encodeSaslFinal(answer))
    this.authenticated()
  }

  private authenticated(): void {
    if (this.queue.length > LONGEST_WAIT)
      throw protocolViolation('too much data before the session')
    this.send(AUTHENTICATION_OK)
    this.phase = 'over'
    const rest = this.queue.take(this.queue.length)
    const { minor, startup } = this
    this.out.push({ type: 'authenticated', startup: startup as Startup, minor, rest })
  }

  private send(bytes: Buffer): void {
    this.out.push({ type: 'send', bytes })
  }

  private close(why: string): void {
    this.phase = 'over'
    this.out.push({ type: 'close', why })
  }

  /** What cannot be a PostgreSQL client gets no answer, like at the server; the rest is told why. */
  private fail(error: unknown): void {
    if (!(error instanceof MalformedBytes)) this.send(fatal(asRefused(error)))
    this.close((error as Error).message)
  }
}

function protocolViolation(message: string): StartupRefused {
  return new StartupRefused('08P01', message)
}

function asRefused(error: unknown): StartupRefused {
  if (error instanceof StartupRefused) return error
  if (error instanceof ScramError) return protocolViolation(error.message)
  throw error
}

/** The ErrorResponse that ends a connection which was refused. */
export function fatal({ sqlstate, message, hint }: StartupRefused): Buffer {
  return encodeError({
    severity: 'FATAL',
    code: sqlstate,
    message,
    ...(hint === null ? {} : { hint }),
  })
}
