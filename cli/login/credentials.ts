import type { JWK } from 'jose'
import { keepSecret, openSecrets } from '../local/keychain.ts'
import type { Profile } from '../local/profile.ts'

/** What a login is made of. All of it is secret, so all of it is in the keychain. */
export interface Credentials {
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  readonly scopes: readonly string[]
  readonly accessToken: string
  /** Of a machine identity, which logs in anew with it. */
  readonly clientSecret?: string
  /** Null where the provider gives none: the login then ends with the access token. */
  readonly refreshToken: string | null
  /** By this machine's clock, epoch milliseconds. */
  readonly obtainedAt: number
  readonly expiresAt: number
  /** The private DPoP key that the tokens are bound to. */
  readonly key: JWK
}

/** Renewed in the last fifth of its life, at the latest a minute before the end. */
export function isFresh(credentials: Credentials, now: number): boolean {
  const life = credentials.expiresAt - credentials.obtainedAt
  return now < credentials.expiresAt - Math.min(60_000, life / 5)
}

export function isExpired(credentials: Credentials, now: number): boolean {
  return now >= credentials.expiresAt
}

/** Where the credentials of one profile are kept. */
export interface CredentialStore {
  read(): Promise<Credentials | null>
  write(credentials: Credentials): Promise<void>
  remove(): Promise<void>
}

export function credentialStore(
  profile: Profile,
  say: (text: string) => void = (text) => process.stderr.write(`${text}\n`),
): CredentialStore {
  const options = { home: profile.home, profile: profile.name, say }
  return {
    async read() {
      const store = await openSecrets(options)
      const text = store === null ? null : await store.read()
      return text === null ? null : parse(text)
    },
    async write(credentials) {
      await keepSecret(options, JSON.stringify(credentials))
    },
    async remove() {
      const store = await openSecrets(options)
      await store?.remove()
    },
  }
}

/** What an older or newer hoop wrote counts as no login. */
function parse(text: string): Credentials | null {
  try {
    const value = JSON.parse(text) as Partial<Credentials>
    const complete =
      typeof value.issuer === 'string' &&
      typeof value.clientId === 'string' &&
      typeof value.audience === 'string' &&
      Array.isArray(value.scopes) &&
      typeof value.accessToken === 'string' &&
      typeof value.expiresAt === 'number' &&
      typeof value.obtainedAt === 'number' &&
      typeof value.key === 'object'
    return complete ? (value as Credentials) : null
  } catch {
    return null
  }
}
