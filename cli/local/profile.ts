import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { checkedName, type Environment, hoopHome, readObject, writePrivate } from './home.ts'

/** Where to reach a connection on this machine: the same port and password each time. */
export interface LocalAccess {
  readonly port: number
  readonly password: string
}

/**
 * One identity on this machine: the broker it belongs to, and for each connection its sticky port and
 * password. The login itself is a secret and lives in the keychain (local/keychain.ts).
 */
export class Profile {
  readonly name: string
  readonly home: string
  #broker: string | null

  private constructor(name: string, home: string, broker: string | null) {
    this.name = name
    this.home = home
    this.#broker = broker
  }

  static async load(
    name = process.env['HOOP_PROFILE'] || 'default',
    env: Environment = process.env,
  ): Promise<Profile> {
    const home = hoopHome(env)
    const folder = join(home, 'profiles', checkedName('profile', name))
    const kept = await readObject(join(folder, 'profile.json'))
    const broker = kept?.['broker']
    return new Profile(name, home, typeof broker === 'string' ? broker : null)
  }

  /** Everything of this profile is in here. */
  get folder(): string {
    return join(this.home, 'profiles', this.name)
  }

  /** The broker that this profile last logged in to. */
  get broker(): string | null {
    return this.#broker
  }

  /** The same, for who cannot go on without one. */
  requireBroker(): string {
    if (this.#broker !== null) return this.#broker
    throw new HoopError({
      code: 'not_logged_in',
      message: `Profile ${this.name} is not logged in to any broker.`,
      hint: `Run \`${this.command('login')} --broker URL\`.`,
      exit: EXIT.login,
      fault: 'client',
    })
  }

  async rememberBroker(url: string): Promise<void> {
    this.#broker = url
    await writePrivate(join(this.folder, 'profile.json'), `${JSON.stringify({ broker: url })}\n`)
  }

  /** One file for each connection, so that two processes never write the same one for different reasons. */
  async localAccess(connection: string): Promise<LocalAccess | null> {
    const kept = await readObject(this.#accessFile(connection))
    const port = kept?.['port']
    const password = kept?.['password']
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
      return null
    return typeof password === 'string' && password !== '' ? { port, password } : null
  }

  async rememberLocalAccess(connection: string, access: LocalAccess): Promise<void> {
    const { port, password } = access
    await writePrivate(this.#accessFile(connection), `${JSON.stringify({ port, password })}\n`)
  }

  async forgetLocalAccess(connection: string): Promise<void> {
    await rm(this.#accessFile(connection), { force: true })
  }

  /** A command as this person would type it for this profile. */
  command(words: string): string {
    return this.name === 'default' ? `hoop ${words}` : `hoop ${words} --profile ${this.name}`
  }

  #accessFile(connection: string): string {
    return join(this.folder, 'connections', `${checkedName('connection', connection)}.json`)
  }
}
