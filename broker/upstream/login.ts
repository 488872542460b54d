import { pbkdf2 } from 'node:crypto'
import type { Socket } from 'node:net'
import { promisify } from 'node:util'
import { ByteQueue } from '../../protocol/bytes/queue.ts'
import {
  type AuthenticationRequest,
  decodeAuthentication,
  encodePassword,
  encodeSaslInitial,
  encodeSaslResponse,
  encodeStartup,
  md5Password,
} from '../../protocol/pg/authentication.ts'
import {
  BACKEND,
  decodeErrorFields,
  decodeParameterStatus,
  type ErrorFields,
} from '../../protocol/pg/backend.ts'
import { type BackendKey, readBackendKey } from '../../protocol/pg/backend-key.ts'
import { HEADER } from '../../protocol/pg/framer.ts'
import { saslprep } from '../../protocol/pg/saslprep.ts'
import {
  SCRAM,
  SCRAM_KEY_LENGTH,
  SCRAM_PLUS,
  ScramClient,
  ScramError,
} from '../../protocol/pg/scram.ts'
import { channelBinding, isVerified, unreachable } from './socket.ts'
import { type PostgresTarget, targetError } from './target.ts'

const derive = promisify(pbkdf2)

/** No message before the first ReadyForQuery is longer. */
const LONGEST = 65_536

export interface LoggedIn {
  readonly parameters: Map<string, string>
  readonly backendKey: BackendKey | null
  /** Bytes that came behind the first ReadyForQuery. */
  readonly rest: Buffer
}

/** From the start-up packet to the first ReadyForQuery. `nonce` is fresh, printable, without comma. */
export async function logIn(
  socket: Socket,
  target: PostgresTarget,
  startup: Readonly<Record<string, string>>,
  nonce: string,
): Promise<LoggedIn> {
  const inbox = new Inbox(socket, target)
  try {
    socket.write(encodeStartup(startup))
    await authenticate(new Conversation(inbox, socket, target), nonce)
    return await untilReady(inbox, target)
  } finally {
    inbox.detach()
  }
}

/** Messages of the server one by one, while a login is a conversation of question and answer. */
class Inbox {
  private readonly socket: Socket
  private readonly target: PostgresTarget
  private readonly queue = new ByteQueue()
  private ended: Error | null = null
  private wake: () => void = () => undefined

  private readonly onData = (bytes: Buffer): void => {
    this.queue.push(bytes)
    this.wake()
  }

  private readonly onEnd = (error?: unknown): void => {
    this.ended ??= unreachable(this.target, error instanceof Error ? error : null)
    this.wake()
  }

  constructor(socket: Socket, target: PostgresTarget) {
    this.socket = socket
    this.target = target
    socket.on('data', this.onData)
    socket.once('error', this.onEnd)
    socket.once('close', this.onEnd)
  }

  async next(): Promise<{ type: number; bytes: Buffer }> {
    for (;;) {
      const bytes = this.whole()
      if (bytes !== null) return { type: bytes[0] as number, bytes }
      if (this.ended !== null) throw this.ended
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }

  private whole(): Buffer | null {
    if (this.queue.length < HEADER) return null
    const size = this.queue.peek(HEADER).readUInt32BE(1) + 1
    if (size < HEADER || size > LONGEST) {
      throw targetError(
        'target_unsafe',
        this.target,
        'does not answer as a PostgreSQL server does',
        'Is host and port of the connection a PostgreSQL server?',
      )
    }
    return this.queue.length < size ? null : this.queue.take(size)
  }

  rest(): Buffer {
    return this.queue.take(this.queue.length)
  }

  /** The socket is stopped: nothing is lost until the next reader takes over. */
  detach(): void {
    this.socket.pause()
    this.socket.off('data', this.onData)
    this.socket.off('error', this.onEnd)
    this.socket.off('close', this.onEnd)
  }
}

/** Questions of the server about who we are, and our answers. */
class Conversation {
  readonly socket: Socket
  readonly target: PostgresTarget
  private readonly inbox: Inbox

  constructor(inbox: Inbox, socket: Socket, target: PostgresTarget) {
    this.inbox = inbox
    this.socket = socket
    this.target = target
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  async question(): Promise<AuthenticationRequest> {
    for (;;) {
      const { type, bytes } = await this.inbox.next()
      if (type === BACKEND.notice) continue
      if (type === BACKEND.error) throw refusedBy(this.target, decodeErrorFields(bytes))
      if (type !== BACKEND.authentication) throw unexpected(this.target, type)
      return decodeAuthentication(bytes)
    }
  }

  async expect<T extends AuthenticationRequest['type']>(
    wanted: T,
  ): Promise<Extract<AuthenticationRequest, { type: T }>> {
    const question = await this.question()
    if (question.type !== wanted)
      throw method(this.target, `asks for ${question.type} out of order`)
    return question as Extract<AuthenticationRequest, { type: T }>
  }
}

/** One method, asked for once. Afterwards no further question is answered. */
async function authenticate(talk: Conversation, nonce: string): Promise<void> {
  const question = await talk.question()
  switch (question.type) {
    case 'ok':
      return
    case 'cleartext':
      await sendCleartext(talk)
      break
    case 'md5': {
      const { user, password } = talk.target
      talk.send(encodePassword(md5Password(user, await password(), question.salt)))
      break
    }
    case 'sasl':
      await scram(talk, question.mechanisms, nonce)
      break
    default:
      throw method(talk.target, 'asks for a way of login that is not spoken here')
  }
  await talk.expect('ok')
}

/** Whoever stands at the other end reads it, so the other end must be proved first. */
async function sendCleartext(talk: Conversation): Promise<void> {
  const { target, socket } = talk
  if (!isVerified(target, socket) && target.allowCleartextPassword !== true) {
    throw method(
      target,
      'asks for the password in the clear, over a connection that is not verified',
    )
  }
  talk.send(encodePassword(await target.password()))
}

async function scram(talk: Conversation, offered: readonly string[], nonce: string): Promise<void> {
  if (!offered.includes(SCRAM) && !offered.includes(SCRAM_PLUS)) {
    throw method(talk.target, 'asks for a SASL mechanism that is not spoken here')
  }
  const binding = channelBinding(talk.socket, offered.includes(SCRAM_PLUS))
  const client = new ScramClient(nonce, binding)
  const mechanism = binding.type === 'server-end-point' ? SCRAM_PLUS : SCRAM
  try {
    talk.send(encodeSaslInitial(mechanism, client.first()))
    const { data } = await talk.expect('sasl-continue')
    const { salt, iterations } = client.challenge(data)
    const password = saslprep(await talk.target.password())
    const salted = await derive(password, salt, iterations, SCRAM_KEY_LENGTH, 'sha256')
    talk.send(encodeSaslResponse(client.final(salted)))
    client.verify((await talk.expect('sasl-final')).data)
  } catch (error) {
    if (error instanceof ScramError)
      throw method(talk.target, `failed its own part: ${error.message}`)
    throw error
  }
}

/** ParameterStatus, BackendKeyData and notices, up to ReadyForQuery; nothing else has a place here. */
async function untilReady(inbox: Inbox, target: PostgresTarget): Promise<LoggedIn> {
  const parameters = new Map<string, string>()
  let backendKey: BackendKey | null = null
  for (;;) {
    const { type, bytes } = await inbox.next()
    if (type === BACKEND.readyForQuery) return { parameters, backendKey, rest: inbox.rest() }
    if (type === BACKEND.error) throw refusedBy(target, decodeErrorFields(bytes))
    if (type === BACKEND.backendKey) backendKey = readBackendKey(bytes)
    else if (type === BACKEND.parameterStatus) {
      const { name, value } = decodeParameterStatus(bytes)
      parameters.set(name, value)
    } else if (type !== BACKEND.notice) throw unexpected(target, type)
  }
}

/** SQLSTATE classes that speak of who we are: 28 (invalid authorization specification). */
function refusedBy(target: PostgresTarget, fields: ErrorFields): Error {
  const sqlstate = fields.get('C') ?? ''
  const text = `${fields.get('M') ?? 'no reason given'} (${sqlstate || 'no SQLSTATE'})`
  if (sqlstate.startsWith('28')) {
    return targetError(
      'target_login_failed',
      target,
      `refused the broker's login: ${text}`,
      'Check user, password and pg_hba.conf. The password in the configuration is the broker’s own.',
    )
  }
  return targetError(
    'target_refused',
    target,
    `refused the connection: ${text}`,
    'The text is the target’s own: see its log.',
  )
}

function method(target: PostgresTarget, what: string): Error {
  return targetError(
    'target_login_failed',
    target,
    what,
    'SCRAM-SHA-256 is best (password_encryption of the target); cleartext needs TLS with verify-full.',
  )
}

function unexpected(target: PostgresTarget, type: number): Error {
  return targetError(
    'target_unsafe',
    target,
    `sent a message of type 0x${type.toString(16)} during login`,
    'Is host and port of the connection a PostgreSQL server?',
  )
}
