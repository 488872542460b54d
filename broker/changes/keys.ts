import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { EXIT, HoopError } from '../../protocol/errors.ts'

/**
 * The key that wraps the keys of secrets. A key of a file or of the environment is one; a key
 * management service is another: it wraps and unwraps, and its own key never comes here.
 */
export interface KeyEncryption {
  /** Says which key it is, and nothing of it. */
  readonly id: string
  /** `context` is bound to the result: it is unwrapped for the same one only. */
  wrap(dataKey: Buffer, context: string): Promise<Buffer>
  /** Throws WrongKey where it was wrapped by another key, or for something else. */
  unwrap(wrapped: Buffer, context: string): Promise<Buffer>
}

export class WrongKey extends Error {
  override readonly name = 'WrongKey'
}

/** AES-256-GCM (SP 800-38D): random nonces of 96 bits, tags of 128. */
const CIPHER = 'aes-256-gcm'
export const KEY_BYTES = 32
const NONCE = 12
const TAG = 16

export function localKey(key: Buffer): KeyEncryption {
  if (key.length !== KEY_BYTES) throw new Error('a key has 32 bytes')
  const id = createHash('sha256').update('hoop key id 1\0').update(key).digest('hex').slice(0, 16)
  return {
    id: `local:${id}`,
    wrap: (dataKey, context) => Promise.resolve(encrypt(key, dataKey, `hoop key 1\0${context}`)),
    unwrap: async (wrapped, context) => decrypt(key, wrapped, `hoop key 1\0${context}`),
  }
}

/** Nonce, ciphertext, tag. */
export function encrypt(key: Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG })
  cipher.setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

export function decrypt(key: Buffer, sealed: Buffer, context: string): Buffer {
  if (sealed.length < NONCE + TAG) throw new WrongKey('too short to be sealed')
  const nonce = sealed.subarray(0, NONCE)
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(sealed.subarray(-TAG))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()])
  } catch (cause) {
    throw new WrongKey('sealed by another key, or for something else', { cause })
  }
}

/** 32 bytes as hex or base64, as `openssl rand -base64 32` writes them. */
export function parseKey(text: string): Buffer {
  const trimmed = text.trim()
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return Buffer.from(trimmed, 'hex')
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : null
  if (bytes?.length === KEY_BYTES) return bytes
  throw new HoopError({
    code: 'bad_key',
    message: 'The key of the secrets (secrets.key) is not one: it has 32 bytes, in base64 or hex.',
    hint: 'Make one: openssl rand -base64 32 > secrets.key; chmod 600 secrets.key',
    exit: EXIT.usage,
  })
}
