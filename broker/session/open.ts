import { join } from 'node:path'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import {
  encodeBackendKey,
  encodeParameterStatus,
  encodeReadyForQuery,
} from '../../protocol/pg/backend.ts'
import type { Shape } from '../../protocol/pg/execution.ts'
import { PostgresGate } from '../../protocol/pg/gate.ts'
import { checkStartup, type Startup } from '../../protocol/pg/startup.ts'
import type { Desk } from '../approval/desk.ts'
import { type InForce, policyOf, type Rules } from '../changes/in-force.ts'
import type { Config, ConnectionConfig } from '../config.ts'
import type { Presence } from '../identity/presence.ts'
import type { Principal } from '../identity/principal.ts'
import type { RowPlan } from '../masking/plan.ts'
import type { ConnectionPolicy } from '../policy/policy.ts'
import type { Recorder } from '../recorder/recorder.ts'
import type { Runtime } from '../runtime.ts'
import type { RequestRecord } from '../store/store.ts'
import { connectPostgres, type Upstream } from '../upstream/postgres.ts'
import { addressOf } from '../upstream/target.ts'
import type { ClientEnd } from './client-end.ts'
import { Detection } from './detection.ts'
import { breakGlass, emergencyEntry, emergencyNotice, mayBreakGlass } from './emergency.ts'
import { Judge, type Ticket } from './judge.ts'
import { Pump, SHOWN_PARAMETERS } from './pump.ts'
import { Refs } from './refs.ts'
import { Results } from './results.ts'
import type { LiveSession, Sessions } from './sessions.ts'
import { Spool } from './spool.ts'
import type { Target, Targets } from './target.ts'
import { View } from './view.ts'
import type { LiveWindows } from './windows.ts'

export interface SessionDeps {
  readonly config: Config
  /** The policy and the connections as they are now. */
  readonly inForce: InForce
  readonly runtime: Runtime
  readonly desk: Desk
  readonly recorder: Recorder
  readonly targets: Targets
  readonly sessions: Sessions
  readonly windows: LiveWindows
  readonly presence: Presence
  readonly onFault: (error: unknown) => void
}

export interface SessionOrder {
  readonly client: ClientEnd
  readonly remote: string
  readonly connection: string
  /** As the client asks; checked here, whatever the CLI has checked. */
  readonly startup: Readonly<Record<string, string>>
  /** For the record: what the client's machine says of the client. */
  readonly program: Readonly<Record<string, string | number | null | undefined>>
  readonly reason: string | null
  /** Bytes of the key that a CancelRequest must show; protocol 3.0 has four. */
  readonly cancelKey?: number
  /** In an emergency: without waiting for anybody, and to be reviewed. */
  readonly breakGlass: boolean
  /** A request that was approved before (`hoop exec`). */
  readonly ticket: Ticket | null
  /** Told how the rows of a shape are masked. */
  readonly onPlan?: (shape: Shape, plan: RowPlan) => void
}

/** Person + connection → a live session, or the HoopError that says why not. */
export async function openSession(deps: SessionDeps, order: SessionOrder): Promise<LiveSession> {
  const principal = order.client.principal()
  const emergency = order.breakGlass
    ? await breakGlass(deps, principal, order.connection, order.reason)
    : null
  const connection =
    emergency === null
      ? mayConnect(deps.inForce, principal, order.connection)
      : connectionOf(deps.inForce, order.connection)
  const startup = checkStartup(order.startup)
  const database = chooseDatabase(connection, startup.database)
  const target = await deps.targets.get(connection, database)
  const session = newSession(deps, connection.name, principal, order.cancelKey ?? 4)
  deps.sessions.add(session)
  try {
    const upstream = await dial(connection, database, session, startup)
    try {
      session.pump = start(deps, { order, session, target, upstream, principal, emergency })
    } catch (error) {
      upstream.destroy()
      throw error
    }
    if (emergency !== null) deps.windows.enter(emergency, session.id)
    return session
  } catch (error) {
    deps.sessions.remove(session)
    throw error
  }
}

/** The connection, if the person may use it. One that they may not even see does not exist. */
export function mayConnect(inForce: InForce, principal: Principal, name: string): ConnectionConfig {
  const connection = connectionOf(inForce, name)
  const { groups, roles } = principal
  const isMember = (wanted: readonly string[]): boolean =>
    wanted.some((one) => groups.includes(one))
  const policy = policyOf(inForce.rules(), name)
  if (roles.includes('requester') && isMember(policy.request)) return connection
  if (!isMember(policy.see) && !isMember(policy.request)) throw unknownConnection(name)
  throw new HoopError({
    code: 'not_allowed',
    message: `you may not use ${name}: it is for ${policy.request.join(', ') || 'nobody'}`,
    hint: 'see what you may use: hoop connections',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

/** As they are now: what they were when the session began no longer counts. */
function stillMay(inForce: InForce, who: Principal, name: string, isEmergency: boolean): void {
  if (isEmergency && mayBreakGlass(who, policyOf(inForce.rules(), name)) !== null) return
  mayConnect(inForce, who, name)
}

/** Who else may decide, and who may not. */
export function circleOf({ separate, escalate }: ConnectionPolicy) {
  return { separate, escalate }
}

export function connectionOf(inForce: InForce, name: string): ConnectionConfig {
  const connection = inForce.connections().find((each) => each.name === name)
  if (connection === undefined) throw unknownConnection(name)
  return connection
}

function unknownConnection(name: string): HoopError {
  return new HoopError({
    code: 'unknown_connection',
    message: `there is no connection ${name} that you may use`,
    hint: 'see what you may use: hoop connections',
    exit: EXIT.refused,
    fault: 'client',
  })
}

/** libpq asks for a database called as the user when none is given: that means the first one. */
export function chooseDatabase(connection: ConnectionConfig, wanted: string | null): string {
  const [first] = connection.databases
  if (wanted === null || wanted === '') return first
  if (connection.databases.includes(wanted)) return wanted
  throw new HoopError({
    code: 'unknown_database',
    message: `database "${wanted}" does not exist on ${connection.name}`,
    hint: `it has: ${connection.databases.join(', ')}`,
    exit: EXIT.usage,
    fault: 'client',
  })
}

function newSession(
  deps: SessionDeps,
  connection: string,
  principal: Principal,
  keyLength: number,
): LiveSession {
  const { runtime, sessions } = deps
  let pid = 0
  while (pid === 0 || sessions.hasPid(pid)) pid = runtime.random(4).readInt32BE() & 0x7fffffff
  const key = runtime.random(keyLength)
  return { id: runtime.id('s'), connection, principal, pid, key, pump: null }
}

async function dial(
  connection: ConnectionConfig,
  database: string,
  session: LiveSession,
  startup: Startup,
): Promise<Upstream> {
  // client_encoding is forced by the upstream, to the only value that was let in.
  const { application_name: own, client_encoding: _forced, ...display } = startup.settings
  const params =
    connection.readerRole === null ? display : { ...display, role: connection.readerRole }
  const applicationName = own === undefined ? `hoop ${session.id}` : `${own} (hoop ${session.id})`
  return connectPostgres({ ...connection.target, database }, { applicationName, params })
}

interface Started {
  readonly order: SessionOrder
  readonly session: LiveSession
  readonly target: Target
  readonly upstream: Upstream
  readonly principal: Principal
  readonly emergency: RequestRecord | null
}

function start(deps: SessionDeps, started: Started): Pump {
  const { config, runtime, desk, onFault } = deps
  const { order, session, target, upstream, emergency } = started
  const { client } = order
  const { connection, database, analyst } = target
  const recorder = openRecord(deps, started)
  const refs = new Refs(() => runtime.monotonic())
  const secrets = target.newSecrets()
  const spool = new Spool(join(config.dataDir, 'spool', session.id), config.limits.copySpool)
  const view = new View(target)
  const judge = new Judge({
    session: session.id,
    connection: connection.name,
    database,
    rules: () => deps.inForce.rules(),
    circle: () => circleOf(policyOf(deps.inForce.rules(), connection.name)),
    mayUse: (who) => stillMay(deps.inForce, who, connection.name, emergency !== null),
    world: () => view.world(),
    view,
    approval: config.approval,
    reason: order.reason,
    ticket: order.ticket,
    windows: deps.windows,
    emergency,
    client,
    desk,
    analyst,
    recorder,
    refs,
    spool,
    runtime,
    secrets,
    onFault,
  })
  const { readerRole, writerRole } = connection
  const roles =
    readerRole === null || writerRole === null ? null : { reader: readerRole, writer: writerRole }
  const gate = new PostgresGate({
    parameters: upstream.parameters,
    roles,
    known: judge.known,
    inside: analyst.insideQuery,
  })
  const detection = new Detection(target.detector, () => view.catalogue().types)
  const results = new Results(view, detection, refs, {
    planned: order.onPlan ?? (() => undefined),
    catalogueChanged: () => analyst.invalidate(),
    process: upstream.backendKey?.pid ?? null,
    secrets,
  })
  if (emergency !== null) recorder.append([emergencyEntry(emergency)])
  client.write(greeting(upstream, session, emergency))
  const onEnd = (): void => {
    view.close()
    deps.sessions.remove(session)
  }
  const epoch = (): number => analyst.epoch
  return new Pump({
    gate,
    client,
    upstream,
    recorder,
    judge,
    results,
    spool,
    epoch,
    onEnd,
    onFault,
  })
}

function openRecord(deps: SessionDeps, { order, session, target, principal }: Started) {
  const { connection, database } = target
  const { target: host } = connection
  return deps.recorder.open({
    session: session.id,
    principal,
    remote: order.remote,
    connection: connection.name,
    database,
    target: `${host.user}@${addressOf(host)}`,
    startedAt: deps.runtime.now(),
    client: { ...order.program, ...order.startup },
    reason: order.reason,
    policy: versionText(deps.inForce.rules()),
  })
}

function versionText({ version, digest }: Rules): string {
  return `version ${version}, sha256 ${digest}`
}

/** What follows AuthenticationOk. The guard is the broker's affair: the client is told `off`. */
function greeting(
  upstream: Upstream,
  session: LiveSession,
  emergency: RequestRecord | null,
): Buffer {
  const shown = [...upstream.parameters].filter(([name]) => SHOWN_PARAMETERS.has(name))
  return Buffer.concat([
    ...shown.map(([name, value]) => encodeParameterStatus(name, value)),
    encodeParameterStatus('default_transaction_read_only', 'off'),
    encodeBackendKey(session.pid, session.key),
    ...(emergency === null ? [] : [emergencyNotice(emergency)]),
    encodeReadyForQuery('I'),
  ])
}
