import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { EXIT, HoopError } from '../../protocol/errors.ts'

export interface SecretSources {
  /** A path; `-`: standard input. */
  readonly file: string | undefined
  readonly environment: string | undefined
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
}

/** The secret of a machine identity: from a file, the environment or a pipe, never from an argument. */
export async function readClientSecret(sources: SecretSources): Promise<string> {
  const { file, environment, input } = sources
  if (file !== undefined && file !== '-') return checked(await readFile(file, 'utf8').catch(refuse))
  if (file === undefined && environment) return checked(environment)
  if (input.isTTY === true) throw missing('There is no secret for --client-id.')
  return checked(await text(input))
}

function checked(secret: string): string {
  const line = secret.replace(/\r?\n$/, '')
  if (line === '' || /[\r\n\0]/.test(line)) throw missing('The secret is empty, or not one line.')
  return line
}

function refuse(cause: unknown): never {
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : ''
  throw missing(`The file of --client-secret-file cannot be read${code}.`)
}

function missing(message: string): HoopError {
  return new HoopError({
    code: 'usage',
    message,
    hint: 'Give it by --client-secret-file FILE, HOOP_CLIENT_SECRET, or on standard input.',
    exit: EXIT.usage,
    fault: 'client',
  })
}
