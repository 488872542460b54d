import { createHash, randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HoopError } from '../../protocol/errors.ts'
import type { BrokerApi } from '../broker-api.ts'
import { type Listener, type ListenerEvent, listen } from '../local/listener.ts'
import type { LocalAccess, Profile } from '../local/profile.ts'
import { isTooLong, socketPath } from '../local/socket-folder.ts'
import { tunnelDialer, tunnelUrl } from '../local/tunnel.ts'

/** 120 bits, 20 characters that need no escaping in a URL. */
const PASSWORD_BYTES = 15

export interface LocalEndOptions {
  readonly api: BrokerApi
  readonly connection: string
  readonly databases: readonly string[]
  /** As the person gave it; null: the one of last time. */
  readonly port: number | null
  readonly reason: string | null
  readonly breakGlass: boolean
  readonly onEvent: (event: ListenerEvent) => void
  /** For the person: the port of last time is taken, the login cannot be renewed. */
  readonly onTrouble: (message: string) => void
}

export interface LocalEnd {
  readonly listener: Listener
  readonly password: string
}

/** Opens the local port: the same port and password for this profile and connection each time. */
export async function openLocalEnd(options: LocalEndOptions): Promise<LocalEnd> {
  const { api, connection, port: wanted } = options
  const { profile } = api
  const last = await profile.localAccess(connection)
  const password = last?.password ?? randomBytes(PASSWORD_BYTES).toString('base64url')
  const listener = await listenSomewhere(options, { port: wanted ?? last?.port ?? 0, password })
  const moved = wanted === null && last !== null && last.port !== listener.port
  if (!moved && last?.port !== listener.port) {
    await profile.rememberLocalAccess(connection, { port: listener.port, password })
  }
  return { listener, password }
}

/** A port that the person named must be it; where the usual one is taken, this run gets another. */
async function listenSomewhere(options: LocalEndOptions, access: LocalAccess): Promise<Listener> {
  try {
    return await listenOn(options, access)
  } catch (error) {
    const taken = error instanceof HoopError && error.code === 'port_taken'
    if (!taken || options.port !== null) throw error
    options.onTrouble(`Port ${access.port} is taken; this run has another one.`)
    return await listenOn(options, { ...access, port: 0 })
  }
}

function listenOn(options: LocalEndOptions, { port, password }: LocalAccess): Promise<Listener> {
  const { api, connection, databases, reason, breakGlass, onEvent, onTrouble } = options
  const url = tunnelUrl(api.url)
  const dialer = tunnelDialer({
    url,
    // An emergency is opened by who it is now.
    headers: (nonce, fresh) =>
      api.tunnelHeaders(url, { nonce, fresh: fresh ?? (breakGlass ? { not: null } : undefined) }),
    onRenewalFailed: (error) => onTrouble(renewalFailed(error, api.profile)),
  })
  return listen({
    connection,
    host: '127.0.0.1',
    port,
    password,
    socketDir: socketFolder(api.profile),
    databases,
    dial: () => dialer,
    reason,
    breakGlass,
    onEvent,
  })
}

/** In the profile's own folder; where that makes too long a name, in one of our own in /tmp. */
function socketFolder(profile: Profile): string {
  const own = join(profile.home, 'run', profile.name)
  if (!isTooLong(socketPath(own, 65_535))) return own
  const name = createHash('sha256').update(own).digest('hex').slice(0, 12)
  return join(tmpdir(), `hoop-${process.getuid?.() ?? 0}-${name}`)
}

function renewalFailed(error: unknown, profile: Profile): string {
  const why = error instanceof Error ? error.message : String(error)
  return `The login cannot be renewed (${why}). Run: ${profile.command('login')}`
}
