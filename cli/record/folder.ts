import { createReadStream } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Evidence, LogBytes } from './evidence.ts'

/** The record as it lies in a folder (data_dir/sessions, or a copy): no broker is asked. */
export async function folderEvidence(folder: string): Promise<Evidence> {
  const paths = await sessionPaths(folder)
  return {
    record: async () => {
      const path = join(folder, 'index.log')
      return (await exists(path)) ? file(path) : NOTHING
    },
    session: async (id) => {
      const path = paths.get(id)
      return path === undefined ? null : file(path)
    },
    sessions: async () => [...paths.keys()],
  }
}

/** A log that is not there verifies as one that is empty: not at all. */
const NOTHING: LogBytes = { bytes: Readable.from([]), live: false, head: null }

/** One log in a file. */
export function file(path: string): LogBytes {
  return { bytes: createReadStream(path, { highWaterMark: 256 * 1024 }), live: false, head: null }
}

async function sessionPaths(folder: string): Promise<Map<string, string>> {
  const paths = new Map<string, string>()
  for (const day of await daysOf(folder)) {
    for (const name of await readdir(join(folder, day))) {
      if (name.endsWith('.hoop')) paths.set(name.slice(0, -'.hoop'.length), join(folder, day, name))
    }
  }
  return paths
}

async function daysOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (cause) {
    throw new HoopError({
      code: 'no_record',
      message: `${folder} cannot be read.`,
      hint: 'It is the folder `sessions` in the broker’s data_dir.',
      exit: EXIT.usage,
      fault: 'client',
      cause,
    })
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
