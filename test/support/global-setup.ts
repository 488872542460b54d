import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, TEMPLATE } from './postgres.ts'

/**
 * Once for a whole run, what every file would do again: compile the sources, run initdb. Files get it by
 * their environment, and run without it, too.
 */

let folder: string | null = null

export async function globalSetup(): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache')
  if (process.platform === 'win32') return
  folder = await mkdtemp(join(tmpdir(), 'hoop-template-'))
  // The account that a server of root runs as must be able to enter.
  await chmod(folder, 0o755)
  const dataDir = join(folder, 'data')
  const server = await startPostgres({ dataDir })
  await server.stop()
  if (!existsSync(join(dataDir, 'PG_VERSION'))) return
  process.env[TEMPLATE.folder] = dataDir
  process.env[TEMPLATE.password] = server.password
}

export async function globalTeardown(): Promise<void> {
  if (folder !== null) await rm(folder, { recursive: true, force: true })
}
