import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig } from '../config.ts'
import { startBroker } from '../main.ts'
import { BROKER_USER, DATABASE, READER, seed, WRITER } from './database.ts'
import { type DemoPerson, MACHINE, PEOPLE, POLICY, ROLES } from './people.ts'
import { freePort } from './port.ts'
import { type PostgresOptions, type RunningPostgres, startPostgres } from './postgres.ts'
import { type DemoProvider, startProvider } from './provider.ts'

export interface DemoOptions {
  /** Everything that is written goes here and stays; without it a temporary folder. */
  readonly home?: string | undefined
  /** Of the broker. */
  readonly port?: number | undefined
  /** What the target is made of, where it is not the PostgreSQL that comes along. */
  readonly postgres?: Pick<PostgresOptions, 'programs' | 'template'>
  /** Accounts beside those of the story. */
  readonly people?: readonly DemoPerson[]
}

/** What `hoop demo --json` says first. */
export interface Ready {
  readonly event: 'ready'
  readonly broker: string
  readonly issuer: string
  readonly home: string
  /** HOOP_HOME of the people in the story. */
  readonly people: string
  readonly config: string
  readonly connections: readonly string[]
  readonly users: readonly { readonly name: string; readonly groups: readonly string[] }[]
  /** Machine identities, for `hoop login --client-id NAME --client-secret-file FILE`. */
  readonly machines: readonly {
    readonly name: string
    readonly owner: string
    readonly secret_file: string
  }[]
  /** The superuser, so that a person can look behind the broker. */
  readonly target: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
    readonly database: string
  }
}

export interface Demo {
  readonly ready: Ready
  /** What the broker says at its start. */
  readonly notices: readonly string[]
  readonly provider: Pick<DemoProvider, 'setGroups'>
  stop(): Promise<void>
}

const HOST = '127.0.0.1'

/** Provider, database and broker, all real, all on loopback. What was started is stopped if a later part fails. */
export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const started = new Started()
  try {
    const home = await makeHome(options.home, started)
    const port = options.port ?? (await freePort())
    const secrets = await keepSecrets(home)
    const broker = `http://${HOST}:${port}`
    const [target, provider] = await Promise.all([
      startTarget(home, secrets, options.postgres, started),
      startPeople(broker, secrets, options.people ?? [], started),
    ])
    const config = await configure(home, { port, broker, provider, target })
    const running = await startBroker(loadConfig(config))
    started.push(() => running.close())
    const ready = describe({ broker, provider, home, config, target })
    return { ready, notices: running.notices, provider, stop: () => started.stop() }
  } catch (error) {
    await started.stop()
    throw error
  }
}

/** What must be stopped, last first. */
class Started {
  readonly #stops: (() => Promise<unknown>)[] = []

  push(stop: () => Promise<unknown>): void {
    this.#stops.push(stop)
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }
}

async function makeHome(wanted: string | undefined, started: Started): Promise<string> {
  if (wanted === undefined) {
    const home = await mkdtemp(join(tmpdir(), 'hoop-demo-'))
    started.push(() => rm(home, { recursive: true, force: true }))
    return home
  }
  const home = resolve(wanted)
  await mkdir(home, { recursive: true, mode: 0o700 })
  return home
}

interface Secrets {
  readonly superuser: string
  readonly broker: string
  readonly machine: string
  /** Seals what `hoop secrets set` is given. */
  readonly key: string
}

/** A home that is used again has a database with the passwords of the first time. */
async function keepSecrets(home: string): Promise<Secrets> {
  const folder = join(home, 'secrets')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    superuser: await keepSecret(join(folder, 'superuser')),
    broker: await keepSecret(join(folder, 'target')),
    machine: await keepSecret(machineSecret(home)),
    key: await keepSecret(join(folder, 'key'), randomBytes(32).toString('base64')),
  }
}

function machineSecret(home: string): string {
  return join(home, 'secrets', MACHINE.name)
}

async function keepSecret(
  path: string,
  fresh = randomBytes(18).toString('base64url'),
): Promise<string> {
  try {
    await writeFile(path, fresh, { mode: 0o600, flag: 'wx' })
    return fresh
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    return readFile(path, 'utf8')
  }
}

async function startTarget(
  home: string,
  secrets: Secrets,
  made: DemoOptions['postgres'],
  started: Started,
) {
  const target = await startPostgres({
    dataDir: join(home, 'postgres'),
    password: secrets.superuser,
    sql: seed(secrets.broker),
    ...made,
  })
  started.push(() => target.stop())
  return target
}

async function startPeople(
  audience: string,
  secrets: Secrets,
  more: readonly DemoPerson[],
  started: Started,
) {
  const machines = [{ name: MACHINE.name, secret: secrets.machine }]
  const provider = await startProvider({ users: [...PEOPLE, ...more], audience, machines })
  started.push(() => provider.close())
  return provider
}

interface Parts {
  readonly port: number
  readonly broker: string
  readonly provider: DemoProvider
  readonly target: RunningPostgres
}

/** Files as an operator writes them: `hoop broker check` and `broker start` take them, too. */
async function configure(home: string, { port, broker, provider, target }: Parts): Promise<string> {
  const config = {
    demo: true,
    listen: { host: HOST, port },
    public_url: broker,
    identity: {
      issuer: provider.issuer,
      client_id: provider.clientId,
      audience: provider.audience,
      scopes: [...provider.scopes],
      groups_claim: 'groups',
      roles: ROLES,
      machines: [
        { subject: MACHINE.name, owner: { subject: MACHINE.owner }, groups: [...MACHINE.groups] },
      ],
    },
    data_dir: './data',
    policy: './policy.yaml',
    secrets: { key: { file: './secrets/key' } },
    connections: [
      {
        name: 'pg-prod',
        kind: 'postgres',
        target: {
          host: target.host,
          port: target.port,
          user: BROKER_USER,
          password: { file: './secrets/target' },
          tls: { mode: 'disable' },
        },
        databases: [DATABASE],
        reader_role: READER,
        writer_role: WRITER,
      },
    ],
  }
  await writeFile(join(home, 'policy.yaml'), POLICY)
  const path = join(home, 'broker.yaml')
  await writeFile(path, stringify(config))
  return path
}

function describe(at: Omit<Parts, 'port'> & { home: string; config: string }): Ready {
  return {
    event: 'ready',
    broker: at.broker,
    issuer: at.provider.issuer,
    home: at.home,
    people: join(at.home, 'people'),
    config: at.config,
    connections: ['pg-prod'],
    users: PEOPLE.map(({ name, groups }) => ({ name, groups })),
    machines: [{ name: MACHINE.name, owner: MACHINE.owner, secret_file: machineSecret(at.home) }],
    target: {
      host: at.target.host,
      port: at.target.port,
      user: at.target.superuser,
      password: at.target.password,
      database: DATABASE,
    },
  }
}
