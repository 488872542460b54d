import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The key of the hashes that stand for masked values: made once, so that equal values stay equal. */
export function maskingKey(dataDir: string, fresh: Buffer): Buffer {
  const path = join(dataDir, 'masking.key')
  try {
    writeFileSync(path, fresh, { mode: 0o600, flag: 'wx' })
    return fresh
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    return readFileSync(path)
  }
}
