import { chmod, lstat, mkdir, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { join } from 'node:path'
import { EXIT, HoopError } from '../../protocol/errors.ts'

/** Longest path of a unix socket that every system takes (sun_path is 104 bytes on macOS, 108 on Linux). */
const LONGEST_PATH = 103

/** libpq looks for this name in the folder that it is given as host. */
export function socketPath(folder: string, port: number): string {
  return join(folder, `.s.PGSQL.${port}`)
}

export function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) > LONGEST_PATH
}

/**
 * Makes `server` listen on a 0600 socket in a 0700 folder of our own. The folder is what protects:
 * nobody else can enter it, so nobody can connect, or put another socket in place of ours.
 */
export async function listenOnSocket(server: Server, folder: string, path: string): Promise<void> {
  await prepareFolder(folder)
  await removeStale(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
}

async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw unsafe(folder, 'is not a folder of yours')
  }
  if ((found.mode & 0o077) !== 0) await chmod(folder, 0o700)
}

/** A socket that somebody answers is another listener's; one that nobody answers was left behind. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(absent)
  if (found === null) return
  if (!found.isSocket()) throw unsafe(path, 'is there and is not a socket')
  if (await isAnswered(path)) throw unsafe(path, 'is in use by another `hoop connect`')
  await unlink(path)
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

function absent(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}

function unsafe(path: string, what: string): HoopError {
  return new HoopError({
    code: 'socket_unusable',
    message: `The local socket ${path} cannot be used: it ${what}.`,
    hint: 'Look at it, and remove it if it is not needed.',
    exit: EXIT.failed,
    fault: 'client',
  })
}
