import { type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LocalPort, TestDemo } from './demo.ts'

/** Programs of test/fixtures/clients, each run twice: at the local port and at the target itself. */

const FOLDER = fileURLToPath(new URL('../fixtures/clients', import.meta.url))
const PATIENCE = 50_000

/** The path of one of them. */
export function fixture(name: string): string {
  return join(FOLDER, name)
}

/** Whether the machine has what a program needs. */
export function works(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

export type ClientEnvironment = Readonly<Record<string, string>>

/** As libpq's own variables say it; PGOPTIONS makes the superuser act as the owner of the tables. */
export function atTarget({ ready }: Pick<TestDemo, 'ready'>): ClientEnvironment {
  const { host, port, user, password, database } = ready.target
  return { ...places(host, port, user, password, database), PGOPTIONS: '-c role=app_writer' }
}

export function atPort({ ready }: Pick<LocalPort, 'ready'>): ClientEnvironment {
  return places(ready.host, ready.port, ready.user, ready.password, ready.database)
}

function places(host: string, port: number, user: string, password: string, database: string) {
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
  }
}

/** What the program said, line by line; it must end well. */
export async function runClient(
  env: ClientEnvironment,
  command: string,
  ...args: string[]
): Promise<string[]> {
  const clean = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' }
  const options: SpawnOptions = { env: { ...clean, ...env }, cwd: FOLDER, timeout: PATIENCE }
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}\n${stdout}\n${stderr}`)
  return stdout.trim().split('\n')
}
