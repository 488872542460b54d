import type { Check } from '../../protocol/api/doctor.ts'
import { HoopError } from '../../protocol/errors.ts'
import { asker } from '../analysis/query.ts'
import type { ConnectionConfig } from '../config.ts'
import type { Principal } from '../identity/principal.ts'
import { connectPostgres } from '../upstream/postgres.ts'
import { mayConnect, type SessionDeps } from './open.ts'

/** What the broker sees of the targets that a person may use. */
export function createDoctorService(deps: SessionDeps) {
  return {
    async check(caller: Principal): Promise<Check[]> {
      const mine = deps.inForce.connections().filter((each) => isMine(deps, caller, each))
      const checks = await Promise.all(mine.map((each) => checkTarget(each)))
      return checks.flat()
    },
  }
}

function isMine(deps: SessionDeps, caller: Principal, connection: ConnectionConfig): boolean {
  if (caller.roles.includes('admin')) return true
  try {
    mayConnect(deps.inForce, caller, connection.name)
    return true
  } catch (error) {
    if (error instanceof HoopError) return false
    throw error
  }
}

async function checkTarget(connection: ConnectionConfig): Promise<Check[]> {
  const name = `target ${connection.name}`
  const [database] = connection.databases
  try {
    const upstream = await connectPostgres(
      { ...connection.target, database },
      { applicationName: 'hoop doctor', params: {} },
    )
    try {
      const found = `reached; PostgreSQL ${upstream.serverVersion}`
      const ok: Check = { name, status: 'ok', message: found, hint: null }
      return [ok, ...(await checkRole(name, upstream))]
    } finally {
      upstream.end()
    }
  } catch (error) {
    if (!(error instanceof HoopError)) throw error
    return [{ name, status: 'fail', message: error.message, hint: error.hint }]
  }
}

/** The gate is one layer; a role that may do everything leaves nothing behind it. */
async function checkRole(
  name: string,
  upstream: Awaited<ReturnType<typeof connectPostgres>>,
): Promise<Check[]> {
  const [superuser] = await asker(upstream)(
    'SELECT rolsuper::text FROM pg_catalog.pg_roles WHERE rolname = session_user',
  )
  if (superuser !== 'true') return []
  return [
    {
      name,
      status: 'warn',
      message: "the broker's role is a superuser there: the gate is the only layer",
      hint: 'give it a role without SUPERUSER',
    },
  ]
}
