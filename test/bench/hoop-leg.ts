import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { PEOPLE, ROLES } from '../../broker/demo/people.ts'
import { startProvider } from '../../broker/demo/provider.ts'
import { BrokerApi } from '../../cli/broker-api.ts'
import { Profile } from '../../cli/local/profile.ts'
import type { Leg, RunningLeg, Target } from './leg.ts'
import { MASKED } from './load.ts'
import { end, freePort, run } from './processes.ts'

const HOOP = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const CONNECTION = 'bench'

export interface HoopLeg extends RunningLeg {
  /** Somebody else who is logged in to the same broker. */
  person(name: string): Promise<BrokerApi>
}

/** hoop as people run it: a broker, a person's login, `hoop connect`; policy, masks and record on. */
export const HOOP_LEG: Leg = { name: 'hoop', start: startHoopLeg }

export async function startHoopLeg(target: Target): Promise<HoopLeg> {
  const folder = await mkdtemp(join(tmpdir(), 'hoop-bench-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const provider = await startProvider({ users: PEOPLE, audience: url })
  const config = await configure(folder, port, provider, target)
  const broker = await startHoop('broker', folder, ['broker', 'start', '--config', config])
  await logIn(folder, url, 'alice')
  const connect = await startHoop('connect', folder, ['connect', CONNECTION])
  return {
    env: clientEnvironment(connect.ready),
    pids: [broker.child.pid!, connect.child.pid!],
    async person(name) {
      await logIn(folder, url, name)
      process.env['HOOP_KEYCHAIN'] = 'file'
      return BrokerApi.forProfile(await Profile.load(name, environment(folder, name)))
    },
    async stop() {
      await end(connect.child)
      await end(broker.child)
      await provider.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function logIn(folder: string, url: string, name: string): Promise<void> {
  const login = ['login', '--broker', url, '--as', name, '--json']
  await run(process.execPath, [HOOP, ...login], { env: environment(folder, name) })
}

async function configure(
  folder: string,
  port: number,
  provider: Awaited<ReturnType<typeof startProvider>>,
  target: Target,
): Promise<string> {
  const hold = { hold: [{ group: 'dba', count: 1 }] }
  const policy = {
    connections: {
      [CONNECTION]: {
        request: ['engineers', 'dba'],
        rules: { read: 'allow', write: hold, ddl: hold, admin: 'deny' },
        mask: { [MASKED]: 'redact' },
      },
    },
  }
  const config = {
    demo: true,
    listen: { host: '127.0.0.1', port },
    public_url: `http://127.0.0.1:${port}`,
    identity: {
      issuer: provider.issuer,
      client_id: provider.clientId,
      audience: provider.audience,
      scopes: [...provider.scopes],
      groups_claim: 'groups',
      roles: ROLES,
    },
    data_dir: './data',
    policy: './policy.yaml',
    connections: [connection(target)],
  }
  await writeFile(join(folder, 'password'), target.password, { mode: 0o600 })
  await writeFile(join(folder, 'policy.yaml'), stringify(policy))
  await writeFile(join(folder, 'broker.yaml'), stringify(config))
  return join(folder, 'broker.yaml')
}

function connection({ server, database, user }: Target) {
  return {
    name: CONNECTION,
    kind: 'postgres',
    target: {
      ...{ host: server.host, port: server.port, user },
      ...{ password: { file: './password' }, tls: { mode: 'disable' } },
    },
    databases: [database],
  }
}

interface Started {
  readonly child: ChildProcess
  readonly ready: Readonly<Record<string, unknown>>
}

/** A command that goes on, up to its `ready`. HOOP_BENCH_PROFILE: a folder for CPU profiles. */
async function startHoop(name: string, folder: string, args: readonly string[]): Promise<Started> {
  const profiles = process.env['HOOP_BENCH_PROFILE']
  const profiling = [
    '--cpu-prof',
    `--cpu-prof-dir=${profiles}`,
    `--cpu-prof-name=${name}.cpuprofile`,
  ]
  const flags = profiles === undefined ? [] : profiling
  const child = spawn(process.execPath, [...flags, HOOP, ...args, '--json'], {
    env: environment(folder),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ready = await new Promise<Started['ready']>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const event = JSON.parse(line) as Started['ready']
      if (event['event'] === 'ready') resolve(event)
    })
    child.once('exit', (code) => reject(new Error(`hoop ${args.join(' ')} ended with ${code}`)))
  })
  return { child, ready }
}

function environment(folder: string, profile = 'alice'): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    HOOP_HOME: join(folder, 'home'),
    HOOP_PROFILE: profile,
    HOOP_KEYCHAIN: 'file',
    NO_COLOR: '1',
  }
}

function clientEnvironment(ready: Started['ready']): Record<string, string> {
  return {
    PGHOST: String(ready['host']),
    PGPORT: String(ready['port']),
    PGUSER: String(ready['user']),
    PGPASSWORD: String(ready['password']),
    PGDATABASE: String(ready['database']),
  }
}
