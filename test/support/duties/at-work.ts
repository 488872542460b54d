import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Demo, startDemo } from '../../../broker/demo/demo.ts'
import { BrokerApi } from '../../../cli/broker-api.ts'
import { openLocalEnd } from '../../../cli/connect/local-end.ts'
import { Profile } from '../../../cli/local/profile.ts'
import { login } from '../../../cli/login/login.ts'
import { keepPassword } from '../demo.ts'
import { hoop } from '../hoop.ts'
import { templateOfRun } from '../postgres.ts'

/**
 * The demo in this very process: real provider, database, broker and command line, with a clock that can
 * be put forward and a directory of people that can be changed.
 */
export class AtWork {
  readonly demo: Demo
  readonly #folder: string
  readonly #stops: (() => unknown)[] = []
  #ahead = 0

  private constructor(demo: Demo, folder: string) {
    this.demo = demo
    this.#folder = folder
    const now = Date.now
    Date.now = () => now() + this.#ahead
    this.#stops.push(() => {
      Date.now = now
    })
  }

  static async start(people: Parameters<typeof startDemo>[0]): Promise<AtWork> {
    const folder = await mkdtemp(join(tmpdir(), 'hoop-duties-'))
    const home = join(folder, 'demo')
    const template = templateOfRun()
    if (template !== null) await keepPassword(home, template.password)
    const postgres = template === null ? {} : { template: template.folder }
    return new AtWork(await startDemo({ ...people, home, postgres }), folder)
  }

  /** For everybody at once: provider, broker and clients. */
  later(ms: number): void {
    this.#ahead += ms
  }

  async login(name: string): Promise<BrokerApi> {
    const profile = await this.#profile(name)
    await this.#login(profile, { as: name })
    return BrokerApi.forProfile(await this.#profile(name))
  }

  async machine(name: string): Promise<BrokerApi> {
    const { secret_file: file } = this.demo.ready.machines.find((one) => one.name === name)!
    const login = ['login', '--broker', this.demo.ready.broker, '--client-id', name]
    const done = await this.cli(name, [...login, '--client-secret-file', file, '--json'])
    if (done.code !== 0) throw new Error(done.stderr)
    return BrokerApi.forProfile(await this.#profile(name))
  }

  /** The command line as a process of its own, with a clock of its own. */
  cli(name: string, args: readonly string[], env: Record<string, string> = {}) {
    return hoop(args, { home: this.#people, profile: name }, { env })
  }

  /** A client at a local port of this person. */
  async client(api: BrokerApi): Promise<{ client: pg.Client; held: () => Promise<string> }> {
    const nothing = () => undefined
    const { listener, password } = await openLocalEnd({
      ...{ api, connection: 'pg-prod', databases: ['app'], port: 0, reason: null },
      ...{ breakGlass: false, onEvent: nothing, onTrouble: nothing },
    })
    this.#stops.push(() => listener.close())
    const { port } = listener
    const user = { host: '127.0.0.1', port, user: 'app', password, database: 'app' }
    const client = new pg.Client(user)
    client.on('error', nothing)
    const ids: string[] = []
    let wake = (): void => undefined
    client.on('notice', ({ message }) => {
      ids.push(...(message?.match(/r-[0-9a-hjkmnp-tv-z]{10}/) ?? []))
      wake()
    })
    await client.connect()
    this.#stops.push(() => client.end())
    const held = async (): Promise<string> => {
      while (ids.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return ids.splice(0)[0]!
    }
    return { client, held }
  }

  async behind(sql: string): Promise<unknown[]> {
    const client = new pg.Client({ ...this.demo.ready.target })
    await client.connect()
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    await client.end()
    return rows.flat()
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
    await this.demo.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #people(): string {
    return join(this.#folder, 'people')
  }

  #profile(name: string): Promise<Profile> {
    process.env['HOOP_KEYCHAIN'] = 'file'
    return Profile.load(name, { HOOP_HOME: this.#people })
  }

  async #login(profile: Profile, how: { readonly as: string }): Promise<void> {
    const signal = new AbortController().signal
    const quiet = { onCode: async () => undefined, say: () => undefined }
    await login({ profile, broker: this.demo.ready.broker, signal, ...how, ...quiet })
  }
}
