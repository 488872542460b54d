import type { ExecEvent } from '../../protocol/api/exec.ts'
import { isFresh } from '../../protocol/api/fresh.ts'
import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'
import type { Unit } from '../../protocol/pg/execution.ts'
import type { Analysis, StatementFacts } from '../../protocol/pg/statement.ts'
import { staleToken } from '../approval/errors.ts'
import { actsFor, nameOf } from '../approval/person.ts'
import { presentRequest } from '../approval/present.ts'
import { appliedRule } from '../changes/authors.ts'
import { policyOf, type Rules } from '../changes/in-force.ts'
import type { Present } from '../identity/presence.ts'
import type { Principal } from '../identity/principal.ts'
import { decide, type Verdict } from '../policy/decide.ts'
import { waysOf } from '../policy/ways.ts'
import type { RequestRecord } from '../store/store.ts'
import { breakGlass } from './emergency.ts'
import { askedOf, deciders } from './entries.ts'
import { ExecClient } from './exec-client.ts'
import type { ExecOrder, ExecService } from './exec-order.ts'
import { freshly, noFreshToken } from './fresh.ts'
import { strictestBound } from './holds.ts'
import type { Ticket } from './judge.ts'
import {
  chooseDatabase,
  circleOf,
  connectionOf,
  mayConnect,
  openSession,
  type SessionDeps,
} from './open.ts'
import { outdated } from './outdated.ts'
import type { Secrets } from './secrets.ts'
import { classesOf, classOf, digestOf, effectOf, factsOf, statementText } from './snapshot.ts'
import type { Target } from './target.ts'

/** One text for a person, without a tunnel: the same gate, the same record, the same approvals. */
export function createExecService(deps: SessionDeps): ExecService {
  return {
    run: (order) => attended(deps, order),
  }
}

/** With who asks as they are at each moment; what is refused after the first event ends the stream. */
async function* attended(deps: SessionDeps, order: ExecOrder): AsyncGenerator<ExecEvent> {
  const { present, leave } = deps.presence.enter(order.caller)
  const events =
    order.type === 'sql'
      ? runSql(deps, { ...order, present })
      : runRequest(deps, { ...order, present })
  let isBegun = false
  try {
    for await (const event of events) {
      isBegun = true
      yield event
    }
  } catch (error) {
    if (!isBegun || !(error instanceof HoopError)) throw error
    const { code, message, hint, exit } = error
    yield problem({ code, message, hint, exit, sqlstate: null, record: null })
  } finally {
    leave()
  }
}

function wholeText({ searchPath }: Target, text: Buffer, executions: Unit['executions']): Unit {
  return { executions, text, sentText: text, searchPath, inTransaction: false, spooled: false }
}

/** Who asked, by the latest token that they showed. */
type Attended<O extends ExecOrder = ExecOrder> = O & { readonly present: Present }
type SqlOrder = Attended<Extract<ExecOrder, { type: 'sql' }>>
type RequestOrder = Attended<Extract<ExecOrder, { type: 'request' }>>

async function* runSql(deps: SessionDeps, order: SqlOrder): AsyncGenerator<ExecEvent> {
  if (order.breakGlass) return yield* runNow(deps, order)
  const connection = mayConnect(deps.inForce, order.caller, order.connection)
  const database = chooseDatabase(connection, order.database)
  const target = await deps.targets.get(connection, database)
  const text = Buffer.from(order.sql)
  const analysis = await target.analyst.analyse(text, target.searchPath)
  const rules = deps.inForce.rules()
  const { verdict, covered } = holdOf({ ...deps, rules }, analysis, target, order.caller)
  if (covered) yield* shown(deps, order)
  if (verdict === null || covered) {
    return yield* execute(deps, { order, target, text, ticket: null })
  }
  const secrets = target.newSecrets()
  const isKept = secrets.count(text, analysis.ok) === 0
  if (!isKept && !order.wait) throw notKept()
  const record = await ask(deps, order, target, { text, analysis, rules, verdict, secrets })
  const asked = waysOf(verdict).map((way) => askedOf({ needs: way, alternatives: [] }))
  yield { event: 'held', request: presentRequest(record, deps.runtime.now()), asked }
  if (!order.wait) return yield undecided(record, `${record.id} waits for approval`)
  const decided = await waitFor(deps, order, record, isKept)
  yield* afterDecision(deps, order, target, { record: decided, text })
}

/** In an emergency: the session that is opened says whether this person may. */
async function* runNow(deps: SessionDeps, order: SqlOrder): AsyncGenerator<ExecEvent> {
  const connection = connectionOf(deps.inForce, order.connection)
  yield* shown(deps, order)
  await breakGlass(deps, order.present.who, connection.name, order.reason)
  const target = await deps.targets.get(connection, chooseDatabase(connection, order.database))
  yield* execute(deps, { order, target, text: Buffer.from(order.sql), ticket: null })
}

/** Asks for a fresh token where there is none, so that what runs now runs for who the person is now. */
async function* shown(deps: SessionDeps, order: Attended): AsyncGenerator<ExecEvent> {
  if (!isFresh(order.present.who, deps.runtime.now())) yield { event: 'prove' }
  if ((await freshly(order.present, deps.runtime, order.signal)) === null) throw noFreshToken()
}

type Hold = Extract<Verdict, { decision: 'hold' }>

/** Null: the session decides it, as it decides everything. */
interface Needed {
  readonly verdict: Hold | null
  /** A window of the person's covers it. */
  readonly covered: boolean
}

function holdOf(
  { windows, rules }: Pick<SessionDeps, 'windows'> & { readonly rules: Rules },
  analysis: Analysis,
  target: Target,
  caller: Principal,
): Needed {
  const free = { verdict: null, covered: false }
  // What our parser cannot read the target may name an error; only the gate asks it.
  if (!analysis.ok && analysis.reason === 'syntax') return free
  const statements = analysis.ok ? analysis.statements : null
  const question = { statements, groups: caller.groups, world: target.world(), guessed: 0 }
  const connection = target.connection.name
  const policy = policyOf(rules, connection)
  const verdict = decide(question, policy)
  if (verdict.decision !== 'hold') return free
  const classes = classesOf(unitOf(target, Buffer.alloc(0), analysis))
  const rule = appliedRule(rules.authors, connection, classes)
  const asked = { person: caller, connection, question, verdict, policy, rule, emergency: null }
  return { verdict, covered: windows.covering(asked) !== null }
}

interface Asked {
  readonly text: Buffer
  readonly analysis: Analysis
  readonly rules: Rules
  readonly verdict: Hold
  readonly secrets: Secrets
}

async function ask(
  deps: SessionDeps,
  order: SqlOrder,
  target: Target,
  { text, analysis, rules, verdict, secrets }: Asked,
): Promise<RequestRecord> {
  const unit = unitOf(target, text, analysis)
  const now = deps.runtime.now()
  return deps.desk.open({
    kind: 'exec',
    session: null,
    requester: order.caller,
    connection: target.connection.name,
    database: target.database,
    statement: statementText(unit, secrets),
    parameters: [],
    class: classOf(unit),
    effect: effectOf(unit, target.world(), secrets),
    digest: await digestOfText(target, text, unit),
    size: text.length,
    reason: order.reason,
    needs: verdict.needs,
    alternatives: verdict.alternatives,
    ...circleOf(policyOf(rules, target.connection.name)),
    expiresAt: now + deps.config.approval.expiresAfter,
    inTransaction: false,
    facts: factsOf(unit, verdict.rule),
    rule: appliedRule(rules.authors, target.connection.name, classesOf(unit)),
    policyVersion: rules.version,
  })
}

async function digestOfText(target: Target, text: Buffer, unit: Unit): Promise<string> {
  const place = { connection: target.connection.name, database: target.database }
  const facts = unit.executions.map((each) => each.facts)
  const objects = await target.analyst.objects(facts)
  return digestOf(place, wholeText(target, text, []), { spool: null, objects })
}

/** As it is now; another digest than the approved one if what it names was replaced. */
async function digestNow(target: Target, text: Buffer): Promise<string> {
  const analysis = await target.analyst.analyse(text, target.searchPath)
  return digestOfText(target, text, unitOf(target, text, analysis))
}

/** The text as approvers are told of it; nothing here is ever sent. */
function unitOf(target: Target, text: Buffer, analysis: Analysis): Unit {
  const facts: readonly (StatementFacts | null)[] = analysis.ok ? analysis.statements : [null]
  const executions = facts.map((one, id) => ({
    id,
    facts: one,
    text,
    underlying: null,
    parameters: null,
    types: [],
    tag: null,
    shape: null,
    request: null,
    rows: null,
    notes: { ref: 0, begunAt: 0, plan: null },
  }))
  return wholeText(target, text, executions)
}

/**
 * Who goes away takes the request back; when only the waiting runs out it stays, if what the store
 * keeps of it is what will run.
 */
async function waitFor(
  deps: SessionDeps,
  order: SqlOrder,
  record: RequestRecord,
  isKept: boolean,
): Promise<RequestRecord> {
  const patience = new AbortController()
  const timer =
    order.waitMs === null ? null : deps.runtime.setTimer(order.waitMs, () => patience.abort())
  try {
    const signal = AbortSignal.any([order.signal, patience.signal])
    return await deps.desk.decided(record.id, signal)
  } catch (error) {
    if (order.signal.aborted) {
      return await deps.desk.cancel(record.id, order.caller, 'the requester stopped waiting')
    }
    if (!patience.signal.aborted) throw error
    if (!isKept) return await deps.desk.cancel(record.id, order.caller, NOT_KEPT)
    return await deps.desk.get(record.id)
  } finally {
    timer?.cancel()
  }
}

async function* runRequest(deps: SessionDeps, order: RequestOrder): AsyncGenerator<ExecEvent> {
  if (!isFresh(order.caller, deps.runtime.now())) throw staleToken()
  const record = await deps.desk.get(order.request)
  if (record.kind !== 'exec' || !actsFor(record.requester, order.caller)) throw notYours(record)
  const connection = mayConnect(deps.inForce, order.caller, record.connection)
  const target = await deps.targets.get(connection, record.database)
  const text = Buffer.from(record.statement)
  yield* afterDecision(deps, order, target, { record, text })
}

async function* afterDecision(
  deps: SessionDeps,
  order: Attended,
  target: Target,
  { record, text }: { readonly record: RequestRecord; readonly text: Buffer },
): AsyncGenerator<ExecEvent> {
  switch (record.state) {
    case 'approved': {
      const refused = await outdatedNow(deps, order, target, { record, text })
      if (refused !== null) return yield refused
      yield { event: 'approved', request: record.id, by: deciders(record) }
      yield* shown(deps, order)
      return yield* execute(deps, { order, target, text, ticket: record })
    }
    case 'pending':
      return yield undecided(record, `nobody has decided ${record.id} yet`)
    case 'rejected':
      return yield ended(record, 'rejected', EXIT.rejected)
    case 'expired':
      return yield ended(record, 'expired', EXIT.undecided)
    case 'executed':
      return yield ended(record, 'already_executed', EXIT.failed)
    default:
      return yield ended(record, record.state, EXIT.failed)
  }
}

/** The rules are others than those it was asked under, and ask for something else. */
async function outdatedNow(
  { inForce, desk }: SessionDeps,
  { caller }: Attended,
  target: Target,
  { record, text }: { readonly record: RequestRecord; readonly text: Buffer },
): Promise<Failed | null> {
  const rules = inForce.rules()
  if (rules.version === record.policyVersion) return null
  const analysis = await target.analyst.analyse(text, target.searchPath)
  const statements = analysis.ok ? analysis.statements : null
  const question = { statements, groups: caller.groups, world: target.world() }
  const refused = outdated(question, policyOf(rules, target.connection.name), record)
  if (refused === null) return null
  const { message, hint } = refused
  const over = await desk.cancel(record.id, 'session', message)
  const ends = { exit: EXIT.refused, sqlstate: null, record: over }
  return problem({ code: 'policy_changed', message, hint, ...ends })
}

interface Run {
  readonly order: Attended
  readonly target: Target
  readonly text: Buffer
  readonly ticket: RequestRecord | null
}

/** Opens a session, spends the approval, sends the text, once, and tells what comes back. */
async function* execute(deps: SessionDeps, run: Run): AsyncGenerator<ExecEvent> {
  const { order, target, text, ticket } = run
  const types = target.analyst.catalogue().types
  const client = new ExecClient(order.present, (oid) => types.get(oid)?.name ?? String(oid))
  await openSession(deps, {
    client,
    remote: order.remote,
    connection: target.connection.name,
    startup: {
      user: nameOf(order.caller),
      database: target.database,
      application_name: 'hoop exec',
    },
    program: { program: 'hoop exec' },
    reason: order.type === 'sql' ? order.reason : (ticket?.reason ?? null),
    breakGlass: order.type === 'sql' && order.breakGlass,
    ticket: ticket === null ? null : ticketOf(ticket),
    onPlan: (shape, plan) => client.planned(shape, plan),
  })
  try {
    if (ticket !== null)
      await deps.desk.spend(ticket.id, await digestNow(target, text), order.present.who)
    order.signal.addEventListener('abort', () => client.abandon(), { once: true })
    client.query(text)
    for await (const event of client.results()) yield event
    await settle(deps, ticket, client)
    yield client.failure === null ? { event: 'done', request: ticket?.id ?? null } : failed(client)
  } finally {
    client.terminate()
  }
}

function ticketOf(record: RequestRecord): Ticket {
  const comment = record.decisions.at(-1)?.comment ?? null
  return { id: record.id, maxRows: strictestBound(record), by: deciders(record), comment }
}

async function settle(deps: SessionDeps, ticket: RequestRecord | null, client: ExecClient) {
  if (ticket === null) return
  const { failure, rowCount } = client
  const status = failure === null ? 'ok' : failure.fatal ? 'unknown' : 'error'
  await deps.desk.settle(ticket.id, {
    status,
    sqlstate: failure?.sqlstate ?? null,
    rows: failure === null ? rowCount : null,
  })
}

type Failed = Extract<ExecEvent, { event: 'error' }>

/** 42501 of the broker's own is a refusal; all else is the target's answer. */
function failed(client: ExecClient): Failed {
  const failure = client.failure
  const refused = failure?.sqlstate === '42501' && failure.own
  return problem({
    code: refused ? 'denied' : 'target_error',
    message: failure?.message ?? 'the target ended the session',
    hint: failure?.hint ?? null,
    exit: refused ? EXIT.refused : failure?.fatal === true ? EXIT.unreachable : EXIT.failed,
    sqlstate: failure?.sqlstate ?? null,
    record: null,
  })
}

function undecided(record: RequestRecord, message: string): Failed {
  const hint = `once it is approved: hoop exec --request ${record.id}`
  return problem({ code: 'undecided', message, hint, exit: EXIT.undecided, sqlstate: null, record })
}

function ended(record: RequestRecord, code: string, exit: ExitCode): Failed {
  const last = record.decisions.at(-1)
  const why = (record.state === 'rejected' ? last?.comment : record.history.at(-1)?.why) ?? null
  const by = record.state === 'rejected' && last !== undefined ? ` by ${nameOf(last.by)}` : ''
  const message = `request ${record.id} was ${record.state}${by}${why === null ? '' : `: ${why}`}`
  const hint =
    record.state === 'executed' ? 'an approval is spent once; ask again' : 'nothing was run'
  return problem({ code, message, hint, exit, sqlstate: null, record })
}

function problem(p: {
  code: string
  message: string
  hint: string | null
  exit: ExitCode
  sqlstate: string | null
  record: RequestRecord | null
}): Failed {
  const { code, message, hint, exit, sqlstate, record } = p
  const request = record === null ? null : presentRequest(record, record.history.at(-1)!.at)
  return { event: 'error', error: { code, message, hint, exit, sqlstate }, request }
}

const NOT_KEPT = 'the password in it is not kept until somebody decides'

function notKept(): HoopError {
  return new HoopError({
    code: 'not_kept',
    message: 'a statement with a password in it cannot be run later: the password is not kept',
    hint: 'wait for the decision: leave out --no-wait',
    exit: EXIT.usage,
    fault: 'client',
  })
}

function notYours(record: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_yours',
    message: `${record.id} is not an exec request of yours`,
    hint: 'see your own: hoop requests --mine',
    exit: EXIT.refused,
    fault: 'client',
  })
}
