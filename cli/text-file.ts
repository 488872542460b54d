import { readFileSync } from 'node:fs'
import { EXIT, HoopError } from '../protocol/errors.ts'

/** A file that a person names; `-` is stdin. */
export function readText(file: string, hint = 'Check the path; - reads from stdin.'): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new HoopError({
      code: 'unreadable_file',
      message: `Cannot read ${file}: ${cause instanceof Error ? cause.message : cause}.`,
      hint,
      exit: EXIT.usage,
      fault: 'client',
      cause,
    })
  }
}
