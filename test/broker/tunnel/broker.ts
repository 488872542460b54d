import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Principal } from '../../../broker/identity/principal.ts'
import {
  type AcceptOptions,
  acceptTunnels,
  type TunnelHandlers,
  type TunnelStream,
} from '../../../broker/tunnel/accept.ts'
import { type OpenRequest, openTunnel } from '../../../cli/local/tunnel.ts'

export const ALICE: Principal = {
  issuer: 'https://issuer.example',
  subject: 'alice',
  email: 'alice@example.com',
  groups: [],
  roles: ['requester'],
  keys: ['account:https://issuer.example alice'],
  machine: false,
  jkt: 'key of alice',
  issuedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
}

export const OPEN: OpenRequest = {
  connection: 'pg-prod',
  client: { pid: 1, program: 'psql' },
  reason: null,
  startup: { user: 'alice', database: 'app' },
}

/** A broker with nothing behind the tunnel; `streams` are the sessions that were opened. */
export async function startBroker(
  handlers: Partial<TunnelHandlers> = {},
  options: AcceptOptions = {},
) {
  const streams: TunnelStream[] = []
  const faults: unknown[] = []
  const server = createServer()
  const door = acceptTunnels(
    server,
    {
      authenticate: async () => ALICE,
      open: async (_principal, _open, stream) => {
        streams.push(stream)
        return { session: 's-0123456789' }
      },
      cancel: async () => undefined,
      ...handlers,
    },
    { onFault: (error) => faults.push(error), ...options },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    server,
    streams,
    faults,
    tunnel: (open: Partial<OpenRequest> = {}, headers = async () => ({})) =>
      openTunnel({ url, headers, open: { ...OPEN, ...open } }),
    stream: () => streams.at(-1) as TunnelStream,
    async stop() {
      await door.close()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

export type TestBroker = Awaited<ReturnType<typeof startBroker>>

/** All bytes that arrive, as they grow. */
export function collect(end: { onData(handler: (bytes: Buffer) => void): void }) {
  const state = {
    bytes: 0,
    chunks: [] as Buffer[],
    text: () => Buffer.concat(state.chunks).toString(),
  }
  end.onData((bytes) => {
    state.bytes += bytes.length
    state.chunks.push(bytes)
  })
  return state
}
