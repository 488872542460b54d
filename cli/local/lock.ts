import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { privateFolder } from './home.ts'

const POLL_MS = 25
const PATIENCE_MS = 30_000

/**
 * Runs `work` while no other process of this machine holds the same lock file. The lock is SQLite's own on an
 * empty database: the operating system releases it when its holder dies, so there is no stale lock to judge.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await privateFolder(dirname(path))
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    await acquire(() => database.exec('BEGIN EXCLUSIVE'), path)
    return await work()
  } finally {
    database.close()
  }
}

async function acquire(begin: () => void, path: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS
  while (!succeeds(begin)) {
    if (performance.now() > giveUpAt) throw stuck(path)
    await sleep(POLL_MS)
  }
}

function succeeds(begin: () => void): boolean {
  try {
    begin()
    return true
  } catch (error) {
    // SQLITE_BUSY (5) and SQLITE_LOCKED (6): somebody else has it. All else is a fault.
    const { errcode } = error as { errcode?: number }
    if (errcode === 5 || errcode === 6) return false
    throw error
  }
}

function stuck(path: string): HoopError {
  return new HoopError({
    code: 'login_busy',
    message: `Another hoop process has been renewing this login for ${PATIENCE_MS / 1000} seconds.`,
    hint: `Try again; the lock is ${path}.`,
    exit: EXIT.failed,
    fault: 'client',
  })
}
