import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { decrypt, encrypt, KEY_BYTES, type KeyEncryption, WrongKey } from './keys.ts'

/** What a sealed value is: it opens as nothing else, even for who swaps rows of the store. */
export interface Place {
  readonly name: string
  readonly version: number
  readonly request: string
}

const Box = z.strictObject({
  /** Of the key that wrapped the data key. */
  key: z.string(),
  wrapped: z.base64(),
  sealed: z.base64(),
})

const SALT = 32

/**
 * Each value has a data key of its own, wrapped by the key of the secrets. `mark` stands for the
 * value: its salt is sealed with it, so that nobody can try values against the mark.
 */
export async function seal(
  keys: KeyEncryption,
  place: Place,
  value: string,
): Promise<{ readonly box: string; readonly mark: string }> {
  const dataKey = randomBytes(KEY_BYTES)
  const salt = randomBytes(SALT)
  const context = contextOf(place)
  const sealed = encrypt(dataKey, Buffer.concat([salt, Buffer.from(value)]), context)
  const wrapped = await keys.wrap(dataKey, context)
  dataKey.fill(0)
  const box = { key: keys.id, wrapped: base64(wrapped), sealed: base64(sealed) }
  return { box: JSON.stringify(box), mark: markOf(salt, Buffer.from(value)) }
}

/** Throws WrongKey. `mark`: what was approved; another value is not given out. */
export async function unseal(
  keys: KeyEncryption,
  place: Place,
  { box, mark }: { readonly box: string; readonly mark: string },
): Promise<string> {
  const { dataKey, sealed } = await open(keys, place, box)
  const plain = decrypt(dataKey, sealed, contextOf(place))
  dataKey.fill(0)
  const value = plain.subarray(SALT)
  const found = Buffer.from(markOf(plain.subarray(0, SALT), value))
  const wanted = Buffer.from(mark)
  if (found.length !== wanted.length || !timingSafeEqual(found, wanted)) {
    throw new WrongKey('not the value that was approved')
  }
  return value.toString('utf8')
}

/** Throws WrongKey if the key is not the one; the value stays sealed. */
export async function tryKey(keys: KeyEncryption, place: Place, box: string): Promise<void> {
  const { dataKey } = await open(keys, place, box)
  dataKey.fill(0)
}

async function open(keys: KeyEncryption, place: Place, box: string) {
  const found = Box.safeParse(JSON.parse(box))
  if (!found.success) throw new WrongKey('nothing that was sealed')
  const { key, wrapped, sealed } = found.data
  if (key !== keys.id) throw new WrongKey(`sealed under ${key}, and the key is ${keys.id}`)
  const dataKey = await keys.unwrap(Buffer.from(wrapped, 'base64'), contextOf(place))
  return { dataKey, sealed: Buffer.from(sealed, 'base64') }
}

function contextOf({ name, version, request }: Place): string {
  return ['hoop secret 1', name, version, request].join('\0')
}

function markOf(salt: Buffer, value: Buffer): string {
  return createHmac('sha256', salt).update(value).digest('hex')
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}
