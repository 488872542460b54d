import { createAnalyst } from '../analysis/analyst.ts'
import { asker, TargetError } from '../analysis/query.ts'
import { systemRuntime } from '../runtime.ts'
import type { Ground } from '../trial/ground.ts'
import { connectPostgres } from '../upstream/postgres.ts'
import { startPostgres } from './postgres.ts'

/** A server of its own for a little while, with a database for each schema that is asked for. */
export interface Scratch {
  /** Throws SchemaError. */
  ground(schema: string): Promise<Ground>
  close(): Promise<void>
}

/** The schema is not what PostgreSQL takes. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
  /** From 1, of the schema's text. */
  readonly line: number

  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

const TESTER = 'hoop_tester'

/**
 * The role that runs the schema owns its database and is nothing else: a file of cases comes from whoever
 * may propose one, and a superuser could start programs here.
 */
export async function openScratch(): Promise<Scratch> {
  const password = systemRuntime.random(18).toString('hex')
  const role = `CREATE ROLE ${TESTER} LOGIN PASSWORD '${password}';`
  const limit = `ALTER ROLE ${TESTER} SET statement_timeout = '30s';`
  const server = await startPostgres({
    settings: { fsync: 'off' },
    sql: { postgres: [role, limit].join('\n\n') },
  })
  const connect = (user: string, secret: string, database: string) =>
    connectPostgres(
      {
        ...{ host: server.host, port: server.port, database, user },
        ...{ password: () => secret, tls: { mode: 'disable' }, connectTimeoutMs: 10_000 },
      },
      { applicationName: 'hoop policy test', params: {} },
    )
  const make = async (schema: string, database: string) => {
    const owner = await connect(server.superuser, server.password, 'postgres')
    await run(owner, `CREATE DATABASE ${database} OWNER ${TESTER}`)
    const own = () => connect(TESTER, password, database)
    await runSchema(await own(), schema)
    const upstream = await own()
    const searchPath = await asker(upstream)(
      'SELECT pg_catalog.unnest(pg_catalog.current_schemas(true))',
    )
    upstream.end()
    const analyst = await createAnalyst({ connect: own, runtime: systemRuntime })
    return { analyst, searchPath, close: () => analyst.close() }
  }
  const grounds = new Map<string, ReturnType<typeof make>>()
  return {
    ground: (schema) => {
      const ground = grounds.get(schema) ?? make(schema, `scratch_${grounds.size}`)
      grounds.set(schema, ground)
      return ground
    },
    close: async () => {
      const all = await Promise.allSettled(grounds.values())
      for (const each of all) if (each.status === 'fulfilled') await each.value.close()
      await server.stop()
    },
  }
}

type Upstream = Awaited<ReturnType<typeof connectPostgres>>

/** In a session that may write, and is over then. */
async function run(upstream: Upstream, sql: string): Promise<void> {
  try {
    const ask = asker(upstream)
    await ask('SET default_transaction_read_only = off')
    await ask(sql)
  } finally {
    upstream.end()
  }
}

/** The role may lift its own time limit, not this one. */
const PATIENCE_MS = 60_000

async function runSchema(upstream: Upstream, schema: string): Promise<void> {
  let isLate = false
  const late = systemRuntime.setTimer(PATIENCE_MS, () => {
    isLate = true
    upstream.destroy()
  })
  try {
    await run(upstream, withoutCommands(schema))
  } catch (error) {
    if (isLate) throw new SchemaError(`it takes longer than ${PATIENCE_MS / 1000} s`, 1)
    if (!(error instanceof TargetError)) throw error
    const before = [...schema].slice(0, Math.max(0, (error.position ?? 1) - 1))
    throw new SchemaError(error.message, before.filter((each) => each === '\n').length + 1)
  } finally {
    late.cancel()
  }
}

/** pg_dump writes two commands of psql around its SQL. */
function withoutCommands(schema: string): string {
  return schema.replace(/^\\(?:un)?restrict .*$/gm, (line) => ' '.repeat(line.length))
}
