import { withLock } from '../local/lock.ts'
import type { Profile } from '../local/profile.ts'
import { type CredentialStore, credentialStore } from './credentials.ts'
import { loginLock } from './session.ts'

const REVOKE_LIMIT_MS = 5_000

export interface LoggedOut {
  /** False: there was no login. */
  readonly was: boolean
  /** Null when the provider forgot the login, too; else why it could not be told. */
  readonly notRevoked: string | null
}

/** Forgets the login here in any case, and at the provider if that can be reached. */
export async function logout(
  profile: Profile,
  store: CredentialStore = credentialStore(profile),
): Promise<LoggedOut> {
  const kept = await withLock(loginLock(profile), async () => {
    const credentials = await store.read()
    await store.remove()
    return credentials
  })
  if (kept === null) return { was: false, notRevoked: null }
  const { revoke } = await import('./refresh.ts')
  const limit = AbortSignal.timeout(REVOKE_LIMIT_MS)
  const tooLate = new Promise<never>((_resolve, reject) => {
    limit.addEventListener('abort', () => reject(new Error('it did not answer in time')))
  })
  try {
    await Promise.race([revoke(kept), tooLate])
    return { was: true, notRevoked: null }
  } catch (error) {
    return { was: true, notRevoked: error instanceof Error ? error.message : String(error) }
  }
}
