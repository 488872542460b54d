import type { AddressInfo } from 'node:net'
import type { ApiDeps } from '../../broker/api/deps.ts'
import { createApi } from '../../broker/api/server.ts'
import {
  type DemoProvider,
  type ProviderOptions,
  startProvider,
} from '../../broker/demo/provider.ts'
import { type Authenticator, createAuthenticator } from '../../broker/identity/authenticator.ts'
import type { PersonsConfig } from '../../broker/identity/persons.ts'
import { createMemoryReplayStore } from '../../broker/identity/replay.ts'
import { type Runtime, systemRuntime } from '../../broker/runtime.ts'

export const PEOPLE = [
  { name: 'alice', email: 'alice@example.com', groups: ['engineers'] },
  { name: 'bob', email: 'bob@example.com', groups: ['dba'] },
]

export interface IdentityBench {
  readonly provider: DemoProvider
  readonly authenticator: Authenticator
  /** Address of a broker that can say who calls, and nothing else. */
  readonly broker: string
  /** Method and path of every call that the broker answered, with its status. */
  readonly calls: string[]
  close(): Promise<void>
}

export interface IdentityOptions extends Partial<ProviderOptions> {
  readonly demo?: boolean
  readonly runtime?: Runtime
  readonly persons?: (issuer: string) => PersonsConfig
}

/** The real provider and the broker's real API with its identity routes, on free ports. */
export async function startIdentity(options: IdentityOptions = {}): Promise<IdentityBench> {
  const provider = await startProvider({ users: PEOPLE, ...options })
  const runtime = options.runtime ?? systemRuntime
  const calls: string[] = []
  let inner: Authenticator | null = null
  const authenticator: Authenticator = {
    authenticate: (request) => inner!.authenticate(request),
    nonce: () => inner!.nonce(),
  }
  const discovery = {
    name: 'hoop',
    version: '0.0.0',
    issuer: provider.issuer,
    client_id: provider.clientId,
    audience: provider.audience,
    scopes: [...provider.scopes],
    demo: options.demo ?? true,
  }
  const api = await createApi({ authenticator, discovery, runtime } as unknown as ApiDeps)
  api.addHook('onResponse', async (request, reply) => {
    calls.push(`${request.method} ${request.url} ${reply.statusCode}`)
  })
  await api.listen({ host: '127.0.0.1', port: 0 })
  const broker = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`
  const { issuer, audience } = provider
  inner = createAuthenticator({
    issuer,
    audience,
    roles: { requester: ['engineers', 'dba'], approver: ['dba'] },
    groupsClaim: 'groups',
    ...(options.persons?.(provider.issuer) ?? {}),
    publicUrl: broker,
    runtime,
    replayStore: createMemoryReplayStore(() => runtime.now()),
  })
  return {
    provider,
    authenticator,
    broker,
    calls,
    async close() {
      await api.close()
      await provider.close()
    },
  }
}
