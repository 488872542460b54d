import { EXIT, HoopError } from '../protocol/errors.ts'

export interface StatementSource {
  readonly command: string | undefined
  readonly file: string | undefined
}

type ReadFile = (path: string) => Promise<Buffer>

/** SQL of -c, -f or stdin: exactly one of them, valid UTF-8, not empty. */
export async function statementOf(source: StatementSource, readFile: ReadFile): Promise<string> {
  const text = source.command ?? textOf(await read(source.file, readFile))
  if (text.includes('\0')) throw badStatement('It holds a NUL character, which SQL cannot.')
  if (text.trim() === '') throw badStatement('It is empty.')
  return text
}

async function read(file: string | undefined, readFile: ReadFile): Promise<Buffer> {
  if (file !== undefined && file !== '-') return readNamed(file, readFile)
  if (file === undefined && process.stdin.isTTY) {
    throw badStatement('There is none.', 'Give it by -c SQL, by -f FILE, or on stdin.')
  }
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(part)
  return Buffer.concat(parts)
}

async function readNamed(file: string, readFile: ReadFile): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw badStatement(`${file} cannot be read (${why}).`)
  }
}

/** A wrong byte must not become another character on the way to an approver. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw badStatement('It is not valid UTF-8.', 'Convert it first: iconv -t UTF-8.', cause)
  }
}

function badStatement(why: string, hint?: string, cause?: unknown): HoopError {
  return new HoopError({
    code: 'usage',
    message: `No statement to run: ${why}`,
    ...(hint ? { hint } : {}),
    exit: EXIT.usage,
    fault: 'client',
    cause,
  })
}
