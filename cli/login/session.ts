import { join } from 'node:path'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { withLock } from '../local/lock.ts'
import type { Profile } from '../local/profile.ts'
import { type CredentialStore, type Credentials, isExpired, isFresh } from './credentials.ts'

/** Held by whoever changes what is kept of a profile's login. */
export function loginLock(profile: Profile): string {
  return join(profile.folder, 'login.lock')
}

/** The login of one profile, always fresh for who asks. */
export class LoginSession {
  readonly #profile: Profile
  readonly #store: CredentialStore
  #held: Credentials
  #renewing: Promise<Credentials> | null = null

  private constructor(profile: Profile, store: CredentialStore, held: Credentials) {
    this.#profile = profile
    this.#store = store
    this.#held = held
  }

  static async open(profile: Profile, store: CredentialStore): Promise<LoginSession> {
    const held = await store.read()
    if (held === null) throw notLoggedIn(profile)
    return new LoginSession(profile, store, held)
  }

  /** For a login that is being made and is not kept yet. */
  static of(profile: Profile, store: CredentialStore, held: Credentials): LoginSession {
    return new LoginSession(profile, store, held)
  }

  async fresh(): Promise<Credentials> {
    if (isFresh(this.#held, Date.now())) return this.#held
    return this.renew(this.#held.accessToken)
  }

  /** Renews unless somebody already replaced `refused`, the access token that is no longer good. */
  async renew(refused: string): Promise<Credentials> {
    if (this.#held.accessToken !== refused) return this.#held
    this.#renewing ??= this.#renew(refused).finally(() => {
      this.#renewing = null
    })
    this.#held = await this.#renewing
    return this.#held
  }

  /**
   * One process at a time: refresh tokens rotate, and using one twice ends the login. Who waited for the lock
   * finds what the other process wrote.
   */
  async #renew(refused: string): Promise<Credentials> {
    return withLock(loginLock(this.#profile), async () => {
      const kept = await this.#store.read()
      if (kept === null) throw notLoggedIn(this.#profile)
      if (kept.accessToken !== refused && isFresh(kept, Date.now())) return kept
      const renewed = await this.#refresh(kept)
      if (renewed !== kept) await this.#store.write(renewed)
      return renewed
    })
  }

  /** A provider that is down for a moment does not end a login that is still good. */
  async #refresh(kept: Credentials): Promise<Credentials> {
    if (kept.refreshToken === null) {
      if (!isExpired(kept, Date.now())) return kept
      throw loginExpired(this.#profile)
    }
    try {
      const { refresh } = await import('./refresh.ts')
      return await refresh(kept, kept.refreshToken)
    } catch (error) {
      const { exit, code } = error as HoopError
      if (exit === EXIT.unreachable && !isExpired(kept, Date.now())) return kept
      if (code === 'login_expired') throw loginExpired(this.#profile, error)
      throw error
    }
  }
}

function notLoggedIn(profile: Profile): HoopError {
  return new HoopError({
    code: 'not_logged_in',
    message: `Profile ${profile.name} is not logged in.`,
    hint: loginHint(profile),
    exit: EXIT.login,
    fault: 'client',
  })
}

function loginExpired(profile: Profile, cause?: unknown): HoopError {
  return new HoopError({
    code: 'login_expired',
    message: `The login of profile ${profile.name} expired.`,
    hint: loginHint(profile),
    exit: EXIT.login,
    fault: 'client',
    cause,
  })
}

function loginHint(profile: Profile): string {
  const where = profile.broker === null ? ' --broker URL' : ''
  return `Run \`${profile.command(`login${where}`)}\`.`
}
