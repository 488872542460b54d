import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HoopError } from '../../protocol/errors.ts'
import { privateFile } from './files.ts'

export interface Lock {
  release(): void
}

/**
 * One broker writes to a folder: a second would close the first one's sessions and fork the chain.
 * The lock is SQLite's on a file of its own, so the kernel lets go of it with the process.
 */
export function lockFolder(folder: string): Lock {
  const path = join(folder, 'lock')
  privateFile(path)
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new HoopError({
      code: 'record_in_use',
      message: `Another broker writes to ${folder}.`,
      hint: 'Stop it, or give this one a data_dir of its own.',
      fault: 'hoop',
      cause: error,
    })
  }
  return { release: () => database.close() }
}
