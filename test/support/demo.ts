import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { Profile } from '../../cli/local/profile.ts'
import { login } from '../../cli/login/login.ts'
import { describe, document, type Finished, type HoopOptions, hoop, RunningHoop } from './hoop.ts'
import { type Template, templateOfRun } from './postgres.ts'
import { Terminal } from './terminal.ts'

/** `hoop demo --json --no-tour` as a process, and its persons, each with a profile of their own. */

export interface Ready {
  readonly event: 'ready'
  readonly broker: string
  readonly issuer: string
  readonly home: string
  readonly config: string
  readonly connections: readonly string[]
  readonly users: readonly { readonly name: string; readonly groups: readonly string[] }[]
  readonly target: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
    readonly database: string
  }
}

export type PersonName = 'alice' | 'bob' | 'carol' | 'dave' | 'erin' | 'root' | 'ruth'

export class Person {
  readonly name: PersonName
  readonly home: string

  constructor(name: PersonName, home: string) {
    this.name = name
    this.home = home
  }

  hoop(args: readonly string[], options: HoopOptions = {}): Promise<Finished> {
    return hoop(args, this.#identity, options)
  }

  /** The command's one JSON document; the command must succeed. */
  async json<T>(args: readonly string[], options: HoopOptions = {}): Promise<T> {
    return document<T>(await this.hoop([...args, '--json'], options))
  }

  start(args: readonly string[], options: HoopOptions = {}): RunningHoop {
    return new RunningHoop(args, this.#identity, options)
  }

  /** The same in a terminal of its own. */
  terminal(args: readonly string[], size?: { columns: number; rows: number }): Terminal {
    return new Terminal(args, this.#identity, size)
  }

  get #identity() {
    return { home: this.home, profile: this.name }
  }
}

const DEMO = fileURLToPath(new URL('demo-process.ts', import.meta.url))

/** As a home that is used again has it: that of the cluster. */
export async function keepPassword(home: string, password: string): Promise<void> {
  await mkdir(join(home, 'secrets'), { recursive: true, mode: 0o700 })
  await writeFile(join(home, 'secrets', 'superuser'), password, { mode: 0o600 })
}

export class TestDemo {
  readonly ready: Ready
  readonly running: RunningHoop
  readonly #folder: string
  readonly #started: RunningHoop[] = []
  #expectsEnd = false

  private constructor(ready: Ready, running: RunningHoop, folder: string) {
    this.ready = ready
    this.running = running
    this.#folder = folder
  }

  /** Without the command line around it, which takes a second more. */
  static async start(): Promise<TestDemo> {
    const template = templateOfRun()
    return template === null ? TestDemo.command() : TestDemo.#run(DEMO, template)
  }

  /** `hoop demo` itself. */
  static async command(): Promise<TestDemo> {
    return TestDemo.#run()
  }

  static async #run(program?: string, template?: Template): Promise<TestDemo> {
    const folder = await mkdtemp(join(tmpdir(), 'hoop-end-to-end-'))
    const home = join(folder, 'demo')
    if (template !== undefined) await keepPassword(home, template.password)
    const args =
      template === undefined
        ? ['demo', '--json', '--no-tour', '--home', home]
        : [home, template.folder]
    const operator = { home: join(folder, 'operator'), profile: 'operator' }
    const running = new RunningHoop(args, operator, program === undefined ? {} : { program })
    const ready = (await running.event('ready')) as unknown as Ready
    return new TestDemo(ready, running, folder)
  }

  /** A person who has no login yet. */
  stranger(name: PersonName): Person {
    return new Person(name, join(this.#folder, 'people'))
  }

  /** All of `hoop login` but the command line, which test/cli/commands/login.test.ts is about. */
  async login(name: PersonName): Promise<Person> {
    const person = this.stranger(name)
    process.env['HOOP_KEYCHAIN'] = 'file'
    await login({
      profile: await Profile.load(name, { HOOP_HOME: person.home }),
      broker: this.ready.broker,
      as: name,
      signal: new AbortController().signal,
      onCode: async () => undefined,
      say: () => undefined,
    })
    return person
  }

  async logins<const Names extends readonly PersonName[]>(
    ...names: Names
  ): Promise<Record<Names[number], Person>> {
    const persons = await Promise.all(names.map((name) => this.login(name)))
    return Object.fromEntries(persons.map((person) => [person.name, person])) as Record<
      Names[number],
      Person
    >
  }

  /** `hoop connect pg-prod --json`, up and listening. */
  async connect(person: Person, args: readonly string[] = []): Promise<LocalPort> {
    const running = person.start(['connect', 'pg-prod', '--json', ...args])
    this.#started.push(running)
    const ready = (await running.event('ready')) as unknown as PortReady
    return new LocalPort(running, ready)
  }

  /** What the target itself holds, past the broker. */
  async behind<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
    const client = new pg.Client({ ...this.ready.target })
    await client.connect()
    try {
      return (await client.query<Row>(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** Ends it as an operator would, before its clients. */
  async terminate(): Promise<Finished> {
    this.#expectsEnd = true
    this.running.kill('SIGTERM')
    return this.running.finished
  }

  /** A demo that ended by itself, or a broker that logged a fault, fails the test that used it. */
  async stop(): Promise<Finished> {
    const alone = this.running.gone
    await Promise.all(this.#started.map((running) => running.interrupt()))
    const finished = await this.running.interrupt()
    await rm(this.#folder, { recursive: true, force: true })
    if (alone && !this.#expectsEnd) throw new Error(`the demo ended alone: ${describe(finished)}`)
    if (/"level":[56]0/.test(finished.stderr))
      throw new Error(`the broker logged a fault: ${describe(finished)}`)
    return finished
  }
}

export interface PortReady {
  readonly connection: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly url: string
  readonly jdbcUrl: string
  readonly socket: string | null
}

/** A local port of `hoop connect`, and clients on it. */
export class LocalPort {
  readonly running: RunningHoop
  readonly ready: PortReady

  constructor(running: RunningHoop, ready: PortReady) {
    this.running = running
    this.ready = ready
  }

  async client(): Promise<TestClient> {
    const client = new TestClient(this.ready.url)
    await client.open()
    return client
  }
}

/** node-postgres, with the notices that came. */
export class TestClient {
  readonly pg: pg.Client
  readonly notices: string[] = []
  /** What happened to the connection that nobody asked for. */
  readonly faults: string[] = []
  readonly #waiting = new Set<() => void>()

  constructor(url: string) {
    this.pg = new pg.Client({ connectionString: url })
    this.pg.on('error', (error) => this.faults.push(error.message))
    this.pg.on('notice', (notice) => {
      this.notices.push(notice.message ?? '')
      for (const wake of this.#waiting) wake()
    })
  }

  async open(): Promise<void> {
    await this.pg.connect()
  }

  /** A test may look at the failure later, after somebody else has decided. */
  query(text: string, values?: unknown[]): Promise<pg.QueryResult> {
    const result = this.pg.query(text, values)
    result.catch(() => undefined)
    return result
  }

  /** The id of the request that the next NOTICE names. */
  async held(): Promise<string> {
    for (;;) {
      const ids = this.notices.flatMap((text) => text.match(/r-[0-9a-hjkmnp-tv-z]{10}/) ?? [])
      if (ids[0] !== undefined) {
        this.notices.length = 0
        return ids[0]
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** Gone without a word, as when the program is killed. */
  destroy(): void {
    this.pg.connection.stream.destroy()
  }

  async end(): Promise<void> {
    await this.pg.end()
  }
}
