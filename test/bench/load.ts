import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningLeg, Target } from './leg.ts'
import { run } from './processes.ts'

/** One kind of load; more is better. */
export interface Load {
  readonly name: string
  readonly unit: string
  /** What hoop must reach of the unparsed tunnel. */
  readonly floor: number
  measure(leg: RunningLeg): Promise<number>
}

const SCALE = 10
const ROWS = 1_000_000

/** Where distributions keep what is not in PATH. */
function program(name: string): string {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).map((v) => join(root, v, 'bin', name)) : []
  return versions.find((path) => existsSync(path)) ?? name
}

const PGBENCH = program('pgbench')
const PSQL = program('psql')

export function loads(seconds: number): Load[] {
  const modes = [
    { mode: 'prepared', floor: 0.8 },
    { mode: 'simple', floor: 0.65 },
  ]
  const selects = modes.flatMap(({ mode, floor }) =>
    [1, 4, 16].map((clients) => ({
      name: `pgbench -S, ${mode}, ${clients} client${clients > 1 ? 's' : ''}`,
      unit: 'transactions/s',
      floor,
      measure: (leg: RunningLeg) => pgbench(leg, mode, clients, seconds),
    })),
  )
  return [
    ...selects,
    copyLoad('COPY, nothing masked', 'rows_clear', 0.6),
    copyLoad('COPY, a column masked', 'rows_masked', 0.4),
  ]
}

async function pgbench(
  leg: RunningLeg,
  mode: string,
  clients: number,
  seconds: number,
): Promise<number> {
  const threads = Math.min(clients, 2)
  const counts = ['-c', String(clients), '-j', String(threads), '-T', String(seconds)]
  const { stdout } = await run(PGBENCH, ['-n', '-S', '-M', mode, ...counts], { env: leg.env })
  const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1]
  if (tps === undefined) throw new Error(`pgbench said no tps: ${stdout}`)
  return Number(tps)
}

function copyLoad(name: string, table: string, floor: number): Load {
  const sql = `COPY (SELECT id, name, email, ssn, note FROM ${table}) TO STDOUT`
  return {
    ...{ name, floor, unit: 'rows/s' },
    measure: async (leg) => {
      const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', sql]
      const { seconds } = await run(PSQL, args, { env: leg.env, discard: true })
      return ROWS / seconds
    },
  }
}

/** The column of `rows_masked` that hoop masks. */
export const MASKED = 'rows_masked.ssn'

/** pgbench's tables, two tables of a million rows that are of one size, and the role; all by the superuser. */
export async function prepare(target: Target): Promise<void> {
  const { server } = target
  const env = {
    ...{ PGHOST: server.host, PGPORT: String(server.port), PGUSER: server.superuser },
    ...{ PGPASSWORD: server.password, PGDATABASE: 'postgres' },
  }
  const psql = (database: string, input: string) =>
    run(PSQL, ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
      env: { ...env, PGDATABASE: database },
      input,
    })
  await psql(
    'postgres',
    `CREATE ROLE ${target.user} LOGIN PASSWORD '${target.password}';
     CREATE DATABASE ${target.database} OWNER ${target.user};`,
  )
  await run(PGBENCH, ['-i', '-q', '-s', String(SCALE)], {
    env: { ...env, PGDATABASE: target.database, PGUSER: target.user, PGPASSWORD: target.password },
  })
  const tables = (['rows_clear', 'rows_masked'] as const).map(
    (table) => `CREATE TABLE ${table} AS SELECT ${columns(table)};
      ALTER TABLE ${table} OWNER TO ${target.user};`,
  )
  await psql(target.database, `${tables.join('\n')} VACUUM ANALYZE; CHECKPOINT;`)
}

/** Where nothing is masked, nothing is to be found either: 000 is no area of a social security number. */
function columns(table: 'rows_clear' | 'rows_masked'): string {
  const area = table === 'rows_clear' ? `'000'` : `lpad((id % 899 + 1)::text, 3, '0')`
  return `id, 'Person ' || id AS name, 'person' || id || '@example.test' AS email,
    ${area} || '-' || lpad((id % 99 + 1)::text, 2, '0') || '-1120' AS ssn,
    md5(id::text) AS note FROM generate_series(1, ${ROWS}) id`
}

/** What must be installed; null = all there. */
export async function missing(): Promise<string | null> {
  for (const path of [PGBENCH, PSQL]) {
    const isThere = await run(path, ['--version']).then(
      () => true,
      () => false,
    )
    if (!isThere) return `${path} is not installed (Debian: apt-get install postgresql-contrib)`
  }
  return null
}
