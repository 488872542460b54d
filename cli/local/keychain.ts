import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { wrap } from '../output/width.ts'
import { type Environment, readObject, writePrivate } from './home.ts'
import { secretFile } from './secret-file.ts'

/** Keeps one secret text for each profile. */
export interface SecretStore {
  readonly where: 'os' | 'file'
  read(): Promise<string | null>
  write(secret: string): Promise<void>
  remove(): Promise<void>
}

export interface KeychainOptions {
  readonly home: string
  readonly profile: string
  /** Shown to the person once, when the keychain does not answer. */
  readonly say: (text: string) => void
  readonly env?: Environment
  readonly limitMs?: number
}

const SERVICE = 'hoop'
const LIMIT_MS = 3_000
const MAX_ANSWER = 1 << 20
const COLUMNS = 80

/** The store that this profile's login was written to; null when it never was. */
export async function openSecrets(options: KeychainOptions): Promise<SecretStore | null> {
  const { home, profile } = options
  const kept = await readObject(join(home, 'profiles', profile, 'secrets.json'))
  if (kept?.['where'] === 'os') return keychain(options)
  return kept?.['where'] === 'file' ? secretFile(home, profile) : null
}

/**
 * Writes the login where it is safest: HOOP_KEYCHAIN=os or file says so, else (auto) the operating system's
 * keychain if it answers in time. A home where it once did not is not made to wait again.
 */
export async function keepSecret(options: KeychainOptions, secret: string): Promise<SecretStore> {
  const { home, profile } = options
  const mode = modeOf(options.env ?? process.env)
  const marker = join(home, 'keychain.json')
  const gaveUp = mode === 'auto' && (await readObject(marker))?.['where'] === 'file'
  if (mode !== 'file' && !gaveUp) {
    const store = keychain(options)
    try {
      await store.write(secret)
      await secretFile(home, profile).remove()
      await remember(home, profile, 'os')
      return store
    } catch (error) {
      if (mode === 'os') throw error
      options.say(fallbackNotice(error, home))
      await writePrivate(marker, `${JSON.stringify({ where: 'file' })}\n`)
    }
  }
  const store = secretFile(home, profile)
  await store.write(secret)
  await remember(home, profile, 'file')
  return store
}

function remember(home: string, profile: string, where: 'os' | 'file'): Promise<void> {
  const path = join(home, 'profiles', profile, 'secrets.json')
  return writePrivate(path, `${JSON.stringify({ where })}\n`)
}

function modeOf(env: Environment): 'os' | 'file' | 'auto' {
  const mode = env['HOOP_KEYCHAIN'] || 'auto'
  if (mode === 'os' || mode === 'file' || mode === 'auto') return mode
  throw new HoopError({
    code: 'usage',
    message: `HOOP_KEYCHAIN is ${JSON.stringify(mode)}.`,
    hint: 'It is os, file or auto.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

function fallbackNotice(error: unknown, home: string): string {
  const why = error instanceof HoopError ? error.message : String(error)
  const instead = `Logins are kept in encrypted files below ${home} instead. This is said once.`
  return wrap(`note: ${why} ${instead}`, COLUMNS).join('\n')
}

/** The operating system's keychain. Two homes are two sets of identities, so the home is in the name. */
export function keychain(options: KeychainOptions): SecretStore {
  const account = `${options.profile}@${options.home}`
  const ask = (order: object): Promise<string | null> =>
    askKeychain({ service: SERVICE, account, ...order }, options)
  return {
    where: 'os',
    read: () => ask({ do: 'get' }),
    write: async (secret) => {
      await ask({ do: 'set', secret })
    },
    remove: async () => {
      await ask({ do: 'delete' })
    },
  }
}

async function askKeychain(order: object, options: KeychainOptions): Promise<string | null> {
  const env = options.env ?? process.env
  if (process.platform === 'linux' && !hasSessionBus(env)) {
    throw unavailable('there is no desktop session here')
  }
  const text = await runChild(JSON.stringify(order), env, options.limitMs ?? LIMIT_MS)
  const answer = parseAnswer(text)
  if (!answer.ok) throw unavailable(answer.why)
  return answer.secret
}

/** Without a session bus libsecret cannot answer, so there is nothing to wait for. */
function hasSessionBus(env: Environment): boolean {
  if (env['DBUS_SESSION_BUS_ADDRESS']) return true
  const runtime = env['XDG_RUNTIME_DIR']
  return runtime !== undefined && runtime !== '' && existsSync(join(runtime, 'bus'))
}

function runChild(input: string, env: Environment, limitMs: number): Promise<string> {
  const script = fileURLToPath(
    import.meta.url.replace(/keychain(\.[jt]s)(\?.*)?$/, 'keychain-child$1'),
  )
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...env },
      timeout: limitMs,
      killSignal: 'SIGKILL',
      windowsHide: true,
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      if (output.length > MAX_ANSWER) child.kill('SIGKILL')
    })
    child.on('error', (cause) => reject(unavailable(cause.message)))
    child.on('close', (_code, signal) => {
      if (signal === null) resolve(output)
      else reject(unavailable(`it did not answer within ${limitMs / 1000} seconds`))
    })
    // A child that died early closes its end; `close` says so.
    child.stdin.on('error', () => child.kill('SIGKILL'))
    child.stdin.end(input)
  })
}

type Answer = { ok: true; secret: string | null } | { ok: false; why: string }

function parseAnswer(text: string): Answer {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return { ok: false, why: 'its helper process gave no answer' }
  }
}

function unavailable(why: string): HoopError {
  return new HoopError({
    code: 'keychain_unavailable',
    message: `The operating system's keychain cannot be used: ${why.replace(/\.$/, '')}.`,
    hint: 'Unlock it, or set HOOP_KEYCHAIN=file and log in again to use an encrypted file.',
    exit: EXIT.login,
    fault: 'client',
  })
}
