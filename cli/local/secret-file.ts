import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readPrivate, writePrivate } from './home.ts'
import type { SecretStore } from './keychain.ts'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * The fallback where no keychain answers: AES-256-GCM in a 0600 file, its key in another one elsewhere below
 * HOOP_HOME. It keeps the secret out of a grep, a stray backup of one folder or a pasted file; it is no wall
 * against who can read all of HOOP_HOME.
 */
export function secretFile(home: string, profile: string): SecretStore {
  const sealed = join(home, 'profiles', profile, 'login.sealed')
  const keyFile = join(home, 'keys', `${profile}.key`)
  return {
    where: 'file',
    async read() {
      const [bytes, key] = await Promise.all([readPrivate(sealed), readPrivate(keyFile)])
      return bytes === null || key === null ? null : unseal(bytes, key, profile)
    },
    async write(secret) {
      const key = await existingKey(keyFile)
      await writePrivate(sealed, seal(secret, key, profile))
    },
    async remove() {
      await Promise.all([rm(sealed, { force: true }), rm(keyFile, { force: true })])
    },
  }
}

async function existingKey(path: string): Promise<Buffer> {
  const kept = await readPrivate(path)
  if (kept?.length === KEY_BYTES) return kept
  const fresh = randomBytes(KEY_BYTES)
  await writePrivate(path, fresh)
  return fresh
}

function seal(secret: string, key: Buffer, profile: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(profile))
  const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

/** Null for what was not sealed by this key for this profile: the login is then as good as gone. */
function unseal(bytes: Buffer, key: Buffer, profile: string): string | null {
  if (bytes.length < NONCE_BYTES + TAG_BYTES || key.length !== KEY_BYTES) return null
  const body = bytes.subarray(NONCE_BYTES + TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(profile))
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
  } catch {
    return null
  }
}
