import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { EXIT, HoopError } from '../../protocol/errors.ts'

/** Environment as far as the CLI's own files depend on it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Every file that the CLI keeps is below this folder. */
export function hoopHome(env: Environment = process.env): string {
  const home = env['HOOP_HOME']
  return home === undefined || home === '' ? join(homedir(), '.hoop') : resolve(home)
}

/** A folder that only this person can enter, also when it was there before. */
export async function privateFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await chmod(path, 0o700)
    return path
  } catch (cause) {
    throw cannot('use', path, cause)
  }
}

/** A 0600 file that is there whole or not at all, whatever happens in between. */
export async function writePrivate(path: string, content: string | Uint8Array): Promise<void> {
  await privateFolder(dirname(path))
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
    throw cannot('write', path, cause)
  }
}

/** Null when there is no such file. */
export async function readPrivate(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cannot('read', path, cause)
  }
}

/** Null when there is no such file, or when it does not hold a JSON object. */
export async function readObject(path: string): Promise<Record<string, unknown> | null> {
  const bytes = await readPrivate(path)
  if (bytes === null) return null
  const value = parsed(bytes.toString('utf8'))
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** A name that becomes part of a path: no separator, no leading dot, nothing that a terminal acts on. */
export function checkedName(kind: string, name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name)) return name
  throw new HoopError({
    code: 'usage',
    message: `${JSON.stringify(name)} cannot be the name of a ${kind}.`,
    hint: 'Use up to 64 letters, digits, dots, dashes and underscores.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

function cannot(what: 'read' | 'write' | 'use', path: string, cause: unknown): HoopError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  return new HoopError({
    code: 'home_unusable',
    message: `hoop cannot ${what} ${path} (${reason}).`,
    hint: 'HOOP_HOME names the folder where hoop keeps its files; it must be yours and writable.',
    exit: EXIT.failed,
    fault: 'client',
    cause,
  })
}
