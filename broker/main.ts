import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { EXIT, HoopError } from '../protocol/errors.ts'
import { createAnalyst } from './analysis/analyst.ts'
import { asker } from './analysis/query.ts'
import type { DoctorService } from './api/deps.ts'
import { createApi } from './api/server.ts'
import { sessionsRoutes } from './api/sessions.ts'
import { trialRoutes } from './api/trial.ts'
import { version } from './api/version.ts'
import { openDesk } from './approval/desk.ts'
import { startNudges } from './approval/nudges.ts'
import { nameOf } from './approval/person.ts'
import { createRequestService } from './approval/service.ts'
import { Book } from './changes/book.ts'
import { Changes } from './changes/changes.ts'
import { policyOf } from './changes/in-force.ts'
import { localKey, parseKey } from './changes/keys.ts'
import { createChangeService } from './changes/service.ts'
import { Vault } from './changes/vault.ts'
import type { Config, ConnectionConfig } from './config.ts'
import { createAuthenticator } from './identity/authenticator.ts'
import { configuredLinks } from './identity/persons.ts'
import { Presence } from './identity/presence.ts'
import { type Notifier, startNotifier } from './notify/notifier.ts'
import { withOnCall } from './policy/on-call.ts'
import { openSessionIndex } from './recorder/index/index.ts'
import { openRecorder } from './recorder/recorder.ts'
import { systemRuntime } from './runtime.ts'
import { createWindowService } from './session/ask-window.ts'
import { createConnectionService } from './session/connections.ts'
import { createDoctorService } from './session/doctor.ts'
import { createExecService } from './session/exec.ts'
import { createExplainService } from './session/explain.ts'
import { maskingKey } from './session/masking-key.ts'
import { openSession, type SessionDeps } from './session/open.ts'
import { Sessions } from './session/sessions.ts'
import { type OpenedTarget, Targets } from './session/target.ts'
import { LiveWindows } from './session/windows.ts'
import { openStore } from './store/open.ts'
import type { Version } from './store/store.ts'
import { acceptTunnels } from './tunnel/accept.ts'
import { connectPostgres } from './upstream/postgres.ts'

export interface RunningBroker {
  /** What whoever started it should know. */
  readonly notices: readonly string[]
  /** Ends sessions and their records, then everything else. */
  close(): Promise<void>
}

/** Puts the broker together and listens: the only file that knows all parts. */
export async function startBroker(config: Config): Promise<RunningBroker> {
  const logger = pino({ level: process.env['HOOP_LOG'] ?? 'warn' }, pino.destination(2))
  const onFault = (error: unknown): void => logger.error({ err: error }, 'fault')
  const stops: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  try {
    const notices = await compose(config, logger, onFault, stops)
    return { notices, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function compose(
  config: Config,
  logger: Logger,
  onFault: (error: unknown) => void,
  stops: (() => unknown)[],
): Promise<readonly string[]> {
  const runtime = systemRuntime
  prepareFolders(config)
  const recorder = openRecorder({ dataDir: config.dataDir, runtime })
  stops.push(() => recorder.close('the broker stopped'))
  const index = openSessionIndex({ dataDir: config.dataDir, recorder, runtime })
  stops.push(() => index.close())
  const store = await openStore({ dataDir: config.dataDir, now: () => runtime.now() })
  stops.push(() => store.close())
  // Before anything happens to a request: what happens is told.
  await store.outbox.endpoints(config.notify.map(({ name }) => name))
  await store.people.configure(configuredLinks(config.identity), config.identity.personClaim)
  const { useWithin: spendWithin, maxPending } = config.approval
  const desk = await openDesk({ store, runtime, spendWithin, maxPending, onFault })
  stops.push(() => desk.close())
  const notifier = startNotifier({ endpoints: config.notify, store, runtime, onFault })
  stops.push(() => notifier.close())
  desk.onChange(() => notifier.ring())
  const book = await Book.open({
    config,
    store,
    now: () => runtime.now(),
    record: (version) => recorder.change(changeOf(version, [])),
    secret: (name) => vault.read(name),
  })
  const vault = await Vault.open({
    store,
    keys: config.secretsKey === null ? null : localKey(parseKey(config.secretsKey())),
    latest: (name) => book.latest('secret', name),
  })
  const changes = await Changes.open({
    ...{ config, store, desk, book, runtime, onFault },
    record: (version, deciders) => recorder.change(changeOf(version, deciders)),
  })
  const key = maskingKey(config.dataDir, runtime.random(32))
  const targets = new Targets(openTarget, () => book.rules(), key)
  stops.push(() => targets.close())
  const silenceOf = (name: string) => policyOf(book.rules(), name)
  stops.push(await startNudges({ desk, runtime, silenceOf, onFault }))
  const sessions = new Sessions(config.limits.sessionsPerPerson)
  const presence = new Presence(() => runtime.now())
  const windows = await LiveWindows.open({ desk, uses: store.windows, sessions, runtime })
  const deps: SessionDeps = {
    config,
    inForce: book,
    runtime,
    desk,
    recorder,
    targets,
    sessions,
    windows,
    presence,
    onFault,
  }
  const { publicUrl, identity } = config
  const onCall = (groups: readonly string[], now: number) =>
    withOnCall(groups, book.rules().policy.onCall, now)
  const authenticator = createAuthenticator({
    ...identity,
    publicUrl,
    onCall,
    runtime,
    replayStore: store.replay,
  })
  const requests = createRequestService(desk, store, () => runtime.now(), onCall)
  const kill = endSession(sessions)
  const api = await createApi(
    {
      authenticator,
      discovery: {
        name: 'hoop',
        version: version(),
        issuer: identity.issuer,
        client_id: identity.clientId,
        audience: identity.audience,
        scopes: [...identity.scopes],
        demo: config.demo,
      },
      requests,
      windows: createWindowService(deps),
      connections: createConnectionService(book),
      changes: createChangeService({
        ...{ changes, book, config, vault },
        newId: () => runtime.id('r'),
      }),
      explain: createExplainService(deps),
      exec: createExecService(deps),
      doctor: doctorOf(deps, notifier),
      runtime,
      saw: (caller) => {
        presence.saw(caller)
        return requests.saw(caller)
      },
      routes: [
        (app) => sessionsRoutes(app as never, { recorder, index, runtime, kill }),
        (app) => trialRoutes(app as never, { inForce: book, targets, recorder, runtime }),
      ],
    },
    { ...tls(config), behindProxy: config.behindProxy, logger },
  )
  const tunnels = acceptTunnels(
    api.server,
    {
      authenticate: async (request) => {
        const principal = await authenticator.authenticate(request)
        await requests.saw(principal)
        return principal
      },
      open: async (_principal, open, stream) => {
        const session = await openSession(deps, {
          client: stream,
          remote: stream.remote,
          connection: open.connection,
          startup: open.startup,
          program: { ...open.client },
          reason: open.reason,
          breakGlass: open.breakGlass ?? false,
          cancelKey: open.client.minor === 2 ? 32 : 4,
          ticket: null,
        })
        return { session: session.id }
      },
      cancel: async (principal, { pid, key }) => sessions.cancel(principal, pid, key),
    },
    { authenticator, runtime, onFault },
  )
  stops.push(async () => {
    sessions.endAll('the broker is stopping', 'connect again in a moment')
    await tunnels.close()
    await api.close()
  })
  await listen(api, config)
  return book.fileDiffers ? [fileDiffers(config, book.rules().version)] : []
}

function fileDiffers({ file }: Config, version: number): string {
  return `${file} has another policy than version ${version}, which is in force: \`hoop policy apply FILE\` asks for the change.`
}

/** As the record tells it. */
function changeOf(version: Version, deciders: readonly string[]) {
  const { kind: what, name, number, digest, request, authors } = version
  return { what, name, version: number, digest, request, authors: authors.map(nameOf), deciders }
}

/** What stands outside of the broker; endpoints are the administrators' matter. */
function doctorOf(deps: SessionDeps, notifier: Notifier): DoctorService {
  const targets = createDoctorService(deps)
  return {
    check: async (caller) => [
      ...(await targets.check(caller)),
      ...(caller.roles.includes('admin') ? await notifier.checks() : []),
    ],
  }
}

function endSession(sessions: Sessions) {
  return async (id: string, by: { email: string | null; subject: string }, reason: string) => {
    const live = sessions.get(id)
    live?.pump?.stop(`the session was ended by ${by.email ?? by.subject}: ${reason}`)
    return live !== null
  }
}

/** Data that was spooled for a decision which can no longer come is removed. */
function prepareFolders(config: Config): void {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const spool = join(config.dataDir, 'spool')
  rmSync(spool, { recursive: true, force: true })
  mkdirSync(spool, { mode: 0o700 })
}

async function openTarget(connection: ConnectionConfig, database: string): Promise<OpenedTarget> {
  const connect = (applicationName: string) =>
    connectPostgres({ ...connection.target, database }, { applicationName, params: {} })
  const upstream = await connect('hoop')
  try {
    const searchPath = await asker(upstream)(
      'SELECT pg_catalog.unnest(pg_catalog.current_schemas(true))',
    )
    const analyst = await createAnalyst({
      connect: () => connect('hoop catalogue'),
      runtime: systemRuntime,
    })
    return { analyst, searchPath }
  } finally {
    upstream.end()
  }
}

function tls(config: Config): { tls?: { cert: Buffer; key: Buffer } } {
  if (config.tls === null) return {}
  return { tls: { cert: readFileSync(config.tls.cert), key: readFileSync(config.tls.key) } }
}

async function listen(api: Awaited<ReturnType<typeof createApi>>, config: Config): Promise<void> {
  const { host, port } = config.listen
  try {
    await api.listen({ host, port })
  } catch (error) {
    throw new HoopError({
      code: 'cannot_listen',
      message: `the broker cannot listen at ${host}:${port} (${codeOf(error)})`,
      hint: 'another program has the port, or it needs other rights: change listen in the configuration',
      exit: EXIT.failed,
      cause: error,
    })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
