import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiDeps, ChangeService, ExecOrder } from '../../broker/api/deps.ts'
import { createApi } from '../../broker/api/server.ts'
import { startProvider } from '../../broker/demo/provider.ts'
import { createAuthenticator } from '../../broker/identity/authenticator.ts'
import type { Principal } from '../../broker/identity/principal.ts'
import { createMemoryReplayStore } from '../../broker/identity/replay.ts'
import { systemRuntime } from '../../broker/runtime.ts'
import type { Connection } from '../../protocol/api/connections.ts'
import type { ExecEvent } from '../../protocol/api/exec.ts'
import type { Explanation } from '../../protocol/api/explain.ts'
import type { Request } from '../../protocol/api/requests.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { type Finished, type HoopOptions, hoop, RunningHoop } from '../support/hoop.ts'

/**
 * The real CLI as a process, the real API, real logins; only what the broker would decide is said by
 * the test. For what the terminal shows and how commands end; that the broker decides rightly is
 * tested elsewhere.
 */
export class FakeBroker {
  readonly url: string
  readonly requests: Map<string, Request>
  /** What POST /v1/exec does. */
  exec: (order: ExecOrder) => AsyncIterable<ExecEvent> = () => run([])
  explanation: Explanation | null = null
  /** Calls that decided something: `approve r-… {"comment":"x"}`. */
  readonly calls: string[] = []
  connections: Connection[] = []
  readonly #folder: string
  readonly #stop: () => Promise<void>

  private constructor(
    url: string,
    folder: string,
    requests: Map<string, Request>,
    stop: () => Promise<void>,
  ) {
    this.url = url
    this.requests = requests
    this.#folder = folder
    this.#stop = stop
  }

  static async start(): Promise<FakeBroker> {
    const provider = await startProvider({ users: PEOPLE })
    const folder = await mkdtemp(join(tmpdir(), 'hoop-cli-'))
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const { issuer, audience, clientId: client_id, scopes } = provider
    const authenticator = createAuthenticator({
      issuer,
      audience,
      roles: { requester: ['engineers', 'dba'], approver: ['dba'], auditor: [], admin: [] },
      groupsClaim: 'groups',
      publicUrl: url,
      runtime: systemRuntime,
      replayStore: createMemoryReplayStore(() => systemRuntime.now()),
    })
    const requests = new Map<string, Request>()
    const broker: FakeBroker = new FakeBroker(url, folder, requests, () => stop())
    const api = await createApi({
      authenticator,
      discovery: {
        ...{ name: 'hoop', version: '0.1.0', issuer, audience, client_id, demo: true },
        scopes: [...scopes],
      },
      ...services(broker),
      runtime: systemRuntime,
    })
    await api.listen({ host: '127.0.0.1', port })
    const stop = async () => {
      await api.close()
      await provider.close()
      await rm(folder, { recursive: true, force: true })
    }
    return broker
  }

  async login(name: string): Promise<void> {
    const finished = await this.hoop(name, ['login', '--broker', this.url, '--as', name, '--json'])
    if (finished.code !== 0) throw new Error(finished.stderr)
  }

  /** One command of one person, to its end. */
  hoop(name: string, args: readonly string[], options: HoopOptions = {}): Promise<Finished> {
    return hoop(args, this.#identity(name), options)
  }

  running(name: string, args: readonly string[], options: HoopOptions = {}): RunningHoop {
    return new RunningHoop(args, this.#identity(name), options)
  }

  stop(): Promise<void> {
    return this.#stop()
  }

  #identity(profile: string) {
    return { home: this.#folder, profile }
  }
}

const PEOPLE = [
  { name: 'alice', email: 'alice@example.com', groups: ['engineers'] },
  { name: 'bob', email: 'bob@example.com', groups: ['dba'] },
]

type Services = Pick<
  ApiDeps,
  'requests' | 'windows' | 'connections' | 'changes' | 'explain' | 'exec' | 'doctor'
>

function services(broker: FakeBroker): Services {
  const get = (id: string): Request => {
    const found = broker.requests.get(id)
    if (found) return found
    throw refusal('unknown_request', `There is no request ${id}.`, EXIT.failed)
  }
  const decide = (call: string, id: string, said: unknown, change: Partial<Request>): Request => {
    broker.calls.push(`${call} ${id} ${JSON.stringify(said)}`)
    const request = { ...get(id), ...change }
    broker.requests.set(id, request)
    return request
  }
  const approve = (caller: Principal, id: string, how: object): Request => {
    if (get(id).requester === caller.email) {
      throw refusal('self_approval', 'Nobody approves what they asked for.', EXIT.refused)
    }
    return decide('approve', id, how, { state: 'approved' })
  }
  const say = (caller: Principal, part: 'question' | 'answer', id: string, text: string) => {
    const said = { part, by: caller.email ?? '', text, at: new Date().toISOString() }
    return decide(part, id, text, { questions: [...get(id).questions, said] })
  }
  return {
    requests: {
      list: async (caller, { view }) =>
        [...broker.requests.values()].filter((request) =>
          view === 'mine' ? request.requester === caller.email : view === 'all' || pending(request),
        ),
      get: async (_caller, id) => get(id),
      statement: async (_caller, id) => Buffer.from(get(id).statement),
      approve: async (caller, id, how) => approve(caller, id, how),
      reject: async (_caller, id, reason) => decide('reject', id, reason, { state: 'rejected' }),
      cancel: async (_caller, id, why) => decide('cancel', id, why, { state: 'cancelled' }),
      ask: async (caller, id, text) => say(caller, 'question', id, text),
      answer: async (caller, id, text) => say(caller, 'answer', id, text),
      revoke: async (_caller, id, why) => decide('revoke', id, why, { state: 'revoked' }),
      duties: async (caller, id) => ({
        ...{ request: id, requester: get(id).requester, state: get(id).state },
        needs: get(id).needs,
        alternatives: [],
        rules: ['Nobody decides their own request.'],
        people: [
          {
            ...{ person: caller.email ?? '', may: true, why: 'an approver in dba', you: true },
            ...{ also: [], machine: false },
          },
        ],
      }),
      watch: (_caller, _view, handler) => {
        const change = () => {
          for (const found of broker.requests.values()) handler({ ...found, state: 'approved' })
        }
        const timer = systemRuntime.setTimer(500, change)
        return { cancel: () => timer.cancel() }
      },
    },
    windows: {
      ask: async () => {
        throw refusal('not_allowed', 'There are no windows here.', EXIT.refused)
      },
    },
    connections: { list: () => broker.connections },
    changes: {} as ChangeService,
    explain: {
      explain: async () => {
        if (broker.explanation) return broker.explanation
        throw refusal('unknown_connection', 'There is no such connection.', EXIT.failed)
      },
    },
    exec: { run: (order) => broker.exec(order) },
    doctor: {
      check: async () => [
        {
          name: 'pg-prod',
          status: 'fail',
          message: 'the target does not answer',
          hint: 'Start it.',
        },
      ],
    },
  }
}

function pending(request: Request): boolean {
  return request.state === 'pending'
}

function refusal(code: string, message: string, exit: 1 | 4): HoopError {
  return new HoopError({ code, message, exit })
}

/** Events as a stream. */
export async function* run(events: readonly ExecEvent[]): AsyncGenerator<ExecEvent> {
  yield* events
}

export function request(change: Partial<Request> = {}): Request {
  const now = Date.now()
  return {
    id: 'r-7k2mq8w9xe',
    kind: 'statement',
    state: 'pending',
    requester: 'alice@example.com',
    connection: 'pg-prod',
    database: 'app',
    session: 's-4c6v1nt0zb',
    statement: "UPDATE people\n   SET notes = 'x'\n WHERE id = $1",
    cut: null,
    parameters: ['7'],
    class: 'write',
    effect: 'Changes rows of public.people.',
    digest: 'ab'.repeat(32),
    policy_version: 1,
    reason: null,
    in_transaction: false,
    spooled: null,
    created_at: new Date(now - 12_000).toISOString(),
    expires_at: new Date(now + 3_540_000).toISOString(),
    needs: [{ group: 'dba', count: 1, have: 0 }],
    alternatives: [],
    decisions: [],
    outcome: null,
    rejected_before: null,
    questions: [],
    facts: [],
    similar: null,
    ...change,
  }
}

export const PG_PROD: Connection = {
  name: 'pg-prod',
  kind: 'postgres',
  classes: {
    read: { decision: 'allow', needs: [], alternatives: [] },
    write: { decision: 'hold', needs: [{ group: 'dba', count: 1 }], alternatives: [] },
    ddl: { decision: 'hold', needs: [{ group: 'dba', count: 1 }], alternatives: [] },
    admin: { decision: 'deny', needs: [], alternatives: [] },
    session: { decision: 'allow', needs: [], alternatives: [] },
    transaction: { decision: 'allow', needs: [], alternatives: [] },
    unknown: { decision: 'hold', needs: [{ group: 'dba', count: 1 }], alternatives: [] },
  },
  masked: [
    { column: 'people.ssn', how: 'redact' },
    { column: 'people.card_number', how: 'partial' },
  ],
  databases: ['app', 'postgres'],
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}
