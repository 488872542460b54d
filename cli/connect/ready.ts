import { dirname } from 'node:path'
import type { Output } from '../output/output.ts'
import type { LocalEnd } from './local-end.ts'

/** Where a client finds the local port: the first line of `hoop connect --json`. */
export interface Ready {
  readonly event: 'ready'
  readonly connection: string
  /** Sessions begin when a client connects: `opened` events name them. */
  readonly session: null
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly url: string
  readonly jdbcUrl: string
  /** Path of the unix socket; null where there is none. */
  readonly socket: string | null
}

const HOST = '127.0.0.1'

export function readyOf(
  connection: string,
  user: string,
  database: string,
  { listener, password }: LocalEnd,
): Ready {
  const { port, socket } = listener
  const to = `${HOST}:${port}/${encodeURIComponent(database)}`
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  const query = new URLSearchParams({ user, password, sslmode: 'disable' })
  return {
    event: 'ready',
    connection,
    session: null,
    host: HOST,
    port,
    user,
    password,
    database,
    url: `postgres://${login}@${to}?sslmode=disable`,
    jdbcUrl: `jdbc:postgresql://${to}?${query}`,
    socket,
  }
}

/**
 * For a person: what to type in another terminal. On stderr, but the URL, which is data; each on a
 * line of its own from the first column, so that it can be copied where it is broken.
 */
export function tellReady(ready: Ready, out: Output): void {
  const { connection, url, jdbcUrl } = ready
  const name = out.styleTalk('bold', connection)
  out.say(`${name} is open on this machine, for you alone. Ctrl-C closes it.\n`)
  out.data(url)
  out.say(jdbcUrl)
  const command = socketCommand(ready)
  if (command !== null) out.say(command)
  out.say('')
}

/** psql through the unix socket, which asks for no password. */
function socketCommand({ socket, port, user, database }: Ready): string | null {
  if (socket === null) return null
  const words = ['psql', '-h', dirname(socket), '-p', String(port), '-U', user, database]
  return words.map(shellWord).join(' ')
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Variables of libpq (and of all who read them) that would lead the client elsewhere. */
const FOREIGN = [
  'PGHOSTADDR',
  'PGSERVICE',
  'PGSERVICEFILE',
  'PGOPTIONS',
  'PGPASSFILE',
  'PGREQUIREAUTH',
  'PGCHANNELBINDING',
  'PGTARGETSESSIONATTRS',
  'PGLOADBALANCEHOSTS',
  'PGREQUIRESSL',
  'PGSSLNEGOTIATION',
]

/** The environment of the client that `hoop connect NAME -- CLIENT` starts. */
export function clientEnvironment(
  ready: Ready,
  environment: Readonly<NodeJS.ProcessEnv>,
): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !FOREIGN.includes(name))
  return {
    ...Object.fromEntries(kept),
    PGHOST: ready.host,
    PGPORT: String(ready.port),
    PGUSER: ready.user,
    PGPASSWORD: ready.password,
    PGDATABASE: ready.database,
    PGSSLMODE: 'disable',
    PGGSSENCMODE: 'disable',
  }
}
