import { readFileSync, statSync } from 'node:fs'
import { EXIT, HoopError } from '../../protocol/errors.ts'

export type Secret =
  | { readonly env: string }
  /** An absolute path. */
  | { readonly file: string }
  | { readonly plain: string }

/** The secret as it is now: a file may be rotated under a running broker. Kept nowhere. */
export function readSecret(secret: Secret, environment: NodeJS.ProcessEnv): string {
  if ('plain' in secret) return secret.plain
  if ('env' in secret) {
    const value = environment[secret.env]
    if (value) return value
    throw missing(`The variable ${secret.env} is not set.`, 'Set it where the broker is started.')
  }
  const fault = secretFileFault(secret.file)
  if (fault) throw missing(`The secret cannot be read: ${fault}.`, 'Mend the file and try again.')
  return withoutLineEnd(readFileSync(secret.file, 'utf8'))
}

/** What is wrong with a file that holds a secret; null: nothing. */
export function secretFileFault(file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return `there is no file ${file}`
  if (!stat.isFile()) return `${file} is not a file`
  if (stat.size === 0) return `${file} is empty`
  // Windows has no such bits; its files are guarded by the folder's list of rights.
  if (process.platform !== 'win32' && stat.mode & 0o077) {
    return `${file} can be read by others: chmod 600 ${file}`
  }
  return null
}

/** Editors and `echo` end a file with one; a password never ends with one by intent. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '')
}

function missing(message: string, hint: string): HoopError {
  return new HoopError({ code: 'secret_missing', message, hint, exit: EXIT.usage })
}
