import { createHash } from 'node:crypto'
import { Cursor, MalformedBytes } from '../bytes/cursor.ts'
import { Writer } from '../bytes/writer.ts'
import { BACKEND } from './backend.ts'
import { HEADER } from './framer.ts'

/** Messages of the authentication phase (PostgreSQL documentation, 55.2.1, 55.3 and 55.7). */
export type AuthenticationRequest =
  | { readonly type: 'ok' }
  | { readonly type: 'cleartext' }
  | { readonly type: 'md5'; readonly salt: Buffer }
  | { readonly type: 'sasl'; readonly mechanisms: readonly string[] }
  | { readonly type: 'sasl-continue'; readonly data: string }
  | { readonly type: 'sasl-final'; readonly data: string }
  /** Kerberos, GSSAPI, SSPI and whatever comes: not spoken here. */
  | { readonly type: 'unsupported'; readonly code: number }

/** PasswordMessage, SASLInitialResponse and SASLResponse share it. */
export const PASSWORD = 'p'.charCodeAt(0)

const NEGOTIATE = 'v'.charCodeAt(0)
const VERSION_3_0 = 0x30000

const METHOD = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const

/** Reads an Authentication message, header included in `bytes`. */
export function decodeAuthentication(bytes: Buffer): AuthenticationRequest {
  const cursor = new Cursor(bytes, HEADER)
  const request = decodeMethod(cursor)
  cursor.end()
  return request
}

function decodeMethod(cursor: Cursor): AuthenticationRequest {
  const code = cursor.int32()
  switch (code) {
    case METHOD.ok:
      return { type: 'ok' }
    case METHOD.cleartext:
      return { type: 'cleartext' }
    case METHOD.md5:
      return { type: 'md5', salt: cursor.slice(4) }
    case METHOD.sasl:
      return { type: 'sasl', mechanisms: decodeMechanisms(cursor) }
    case METHOD.saslContinue:
      return { type: 'sasl-continue', data: cursor.rest().toString('latin1') }
    case METHOD.saslFinal:
      return { type: 'sasl-final', data: cursor.rest().toString('latin1') }
    default:
      cursor.rest()
      return { type: 'unsupported', code }
  }
}

function decodeMechanisms(cursor: Cursor): string[] {
  const mechanisms: string[] = []
  for (let name = cursor.string(); name !== ''; name = cursor.string()) mechanisms.push(name)
  return mechanisms
}

function request(method: number, data: Buffer): Buffer {
  return new Writer(HEADER + 4 + data.length)
    .uint8(BACKEND.authentication)
    .int32(8 + data.length)
    .int32(method)
    .raw(data)
    .finish()
}

export const AUTHENTICATION_OK = request(METHOD.ok, Buffer.alloc(0))

export function encodeSaslMechanisms(mechanisms: readonly string[]): Buffer {
  return request(METHOD.sasl, Buffer.from(`${mechanisms.join('\0')}\0\0`))
}

export function encodeSaslContinue(data: string): Buffer {
  return request(METHOD.saslContinue, Buffer.from(data))
}

export function encodeSaslFinal(data: string): Buffer {
  return request(METHOD.saslFinal, Buffer.from(data))
}

/** NegotiateProtocolVersion: 3.`minor` is spoken, and these extensions are not known. */
export function encodeNegotiation(minor: number, extensions: readonly string[]): Buffer {
  const out = new Writer().uint8(NEGOTIATE).int32(0)
  out.int32(VERSION_3_0 + minor).int32(extensions.length)
  for (const name of extensions) out.string(name)
  return out.patchInt32(1, out.length - 1).finish()
}

/** SASLInitialResponse with its data, or throws {@link MalformedBytes}. */
export function decodeSaslInitial(bytes: Buffer): { mechanism: string; data: string } {
  const cursor = new Cursor(bytes, HEADER)
  const mechanism = cursor.string()
  const length = cursor.int32()
  if (length < 0) throw new MalformedBytes('SASLInitialResponse without data')
  const data = cursor.slice(length).toString('latin1')
  cursor.end()
  return { mechanism, data }
}

export function decodeSaslResponse(bytes: Buffer): string {
  return bytes.toString('latin1', HEADER)
}

function passwordMessage(write: (out: Writer) => void): Buffer {
  const out = new Writer().uint8(PASSWORD).int32(0)
  write(out)
  return out.patchInt32(1, out.length - 1).finish()
}

export function encodeSaslInitial(mechanism: string, data: string): Buffer {
  const bytes = Buffer.from(data)
  return passwordMessage((out) => out.string(mechanism).int32(bytes.length).raw(bytes))
}

export function encodeSaslResponse(data: string): Buffer {
  return passwordMessage((out) => out.raw(Buffer.from(data)))
}

export function encodePassword(password: string): Buffer {
  return passwordMessage((out) => out.string(password))
}

/** `md5` + md5(md5(password + user) + salt), in hexadecimal (55.2.1, AuthenticationMD5Password). */
export function md5Password(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5').update(password).update(user).digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}

/** StartupMessage, protocol 3.0. Names and values hold no zero byte: the caller checked. */
export function encodeStartup(parameters: Readonly<Record<string, string>>): Buffer {
  const out = new Writer().int32(0).int32(VERSION_3_0)
  for (const [name, value] of Object.entries(parameters)) out.string(name).string(value)
  out.uint8(0)
  return out.patchInt32(0, out.length).finish()
}

export function encodeCancel(pid: number, key: Buffer): Buffer {
  return new Writer(16)
    .int32(12 + key.length)
    .int32(0x04d2162e)
    .int32(pid)
    .raw(key)
    .finish()
}

export const SSL_REQUEST = new Writer(8).int32(8).int32(0x04d2162f).finish()
