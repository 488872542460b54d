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

  /** `maxAge`: it must have been issued no longer ago than this, in milliseconds. */
  async fresh(maxAge: number | null = null): Promise<Credentials> {
    if (isYoung(this.#held, maxAge)) return this.#held
    return this.renew(this.#held.accessToken, maxAge)
  }

  /** Renews unless somebody already replaced `refused`, the access token that is no longer good. */
  async renew(refused: string, maxAge: number | null = null): Promise<Credentials> {
    if (this.#held.accessToken !== refused && isYoung(this.#held, maxAge)) return this.#held
    this.#renewing ??= this.#renew(refused, maxAge).finally(() => {
      this.#renewing = null
    })
    this.#held = await this.#renewing
    return this.#held
  }

  /**
   * One process at a time: refresh tokens rotate, and using one twice ends the login. Who waited for the lock
   * finds what the other process wrote.
   */
  async #renew(refused: string, maxAge: number | null): Promise<Credentials> {
    return withLock(loginLock(this.#profile), async () => {
      const kept = await this.#store.read()
      if (kept === null) throw notLoggedIn(this.#profile)
      if (kept.accessToken !== refused && isYoung(kept, maxAge)) return kept
      const renewed = await this.#refresh(kept, maxAge)
      if (renewed !== kept) await this.#store.write(renewed)
      return renewed
    })
  }

  /** A provider that is down for a moment does not end a login that is still good, if that is enough. */
  async #refresh(kept: Credentials, maxAge: number | null): Promise<Credentials> {
    if (kept.refreshToken === null && kept.clientSecret === undefined) {
      if (isExpired(kept, Date.now())) throw loginExpired(this.#profile)
      if (maxAge !== null) throw notRenewable(this.#profile)
      return kept
    }
    try {
      return await renewed(kept)
    } catch (error) {
      const { exit, code } = error as HoopError
      const isEnough = maxAge === null && !isExpired(kept, Date.now())
      if (exit === EXIT.unreachable && isEnough) return kept
      if (code === 'login_expired') throw loginExpired(this.#profile, error)
      throw error
    }
  }
}

/** A machine logs in anew; a person's login is refreshed. */
async function renewed(kept: Credentials): Promise<Credentials> {
  const { clientSecret, refreshToken } = kept
  if (clientSecret !== undefined) {
    const { clientCredentials } = await import('./client-credentials.ts')
    return clientCredentials({ ...kept, clientSecret }, kept.key)
  }
  const { refresh } = await import('./refresh.ts')
  return refresh(kept, refreshToken ?? '')
}

function isYoung(credentials: Credentials, maxAge: number | null): boolean {
  const now = Date.now()
  return isFresh(credentials, now) && (maxAge === null || now - credentials.obtainedAt <= maxAge)
}

function notRenewable(profile: Profile): HoopError {
  return new HoopError({
    code: 'stale_token',
    message: `The login of profile ${profile.name} cannot be renewed, and this needs a fresh one.`,
    hint: `${loginHint(profile)} The identity provider gave no refresh token: ask for \`offline_access\`.`,
    exit: EXIT.login,
    fault: 'client',
  })
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
