import { readFileSync } from 'node:fs'
import { EXIT, HoopError } from '../../protocol/errors.ts'

/** A file, or stdin as `-`; valid UTF-8, for a wrong byte must not become another character. */
export function readTextFile(file: string): string {
  const bytes = read(file)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw unreadable(`${file} is not valid UTF-8.`, cause)
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw unreadable(`Cannot read ${file} (${why}).`, cause)
  }
}

function unreadable(message: string, cause: unknown): HoopError {
  return new HoopError({
    code: 'unreadable_file',
    message,
    hint: 'Check the path; - reads from stdin.',
    exit: EXIT.usage,
    fault: 'client',
    cause,
  })
}
