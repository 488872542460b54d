import { statSync } from 'node:fs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { SessionId } from '../../protocol/api/common.ts'
import {
  EntriesQuery,
  HEAD_HEADER,
  Killed,
  KillSession,
  SessionList,
  SessionQuery,
  SessionSearch,
  SessionSummary,
  STATE_HEADER,
} from '../../protocol/api/sessions.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Principal } from '../identity/principal.ts'
import type { FoundSession, SessionIndex, Wanted } from '../recorder/index/index.ts'
import { brokerLogPath, sessionFiles, sessionOfPath } from '../recorder/paths.ts'
import { findLog, rawLog, readEntries } from '../recorder/read.ts'
import type { Recorder } from '../recorder/recorder.ts'
import type { Runtime } from '../runtime.ts'
import { callerOf } from './auth-hook.ts'
import { jsonLines, whileConnected } from './lines.ts'
import type { Api } from './server.ts'

/** Ends a live session; true when there was one. */
export type EndSession = (session: string, by: Principal, reason: string) => Promise<boolean>

export interface SessionsDeps {
  readonly recorder: Recorder
  readonly index: SessionIndex
  readonly runtime: Runtime
  readonly kill: EndSession
}

const Params = z.object({ id: SessionId })

/**
 * The record, for those who may see it: auditors all of it, others the sessions that are their own
 * (to them no other exists). Each look is recorded before it is answered.
 */
export function sessionsRoutes(app: Api, deps: SessionsDeps): void {
  findRoutes(app, deps)
  readRoutes(app, deps)
  rawRoutes(app, deps)
  killRoute(app, deps)
}

function findRoutes(app: Api, { recorder, index }: SessionsDeps): void {
  const list = { querystring: SessionQuery, response: { 200: SessionList } }
  app.get('/v1/sessions', { schema: list }, async (request, reply) => {
    const caller = callerOf(request)
    look(recorder, caller, 'list', null, JSON.stringify(request.query))
    const { sessions, behind } = await index.list(wanted(caller, request.query))
    sayBehind(reply, behind)
    return sessions.map(summary)
  })
  const search = { querystring: SessionSearch, response: { 200: SessionList } }
  app.get('/v1/sessions/search', { schema: search }, async (request, reply) => {
    const caller = callerOf(request)
    look(recorder, caller, 'search', null, JSON.stringify(request.query))
    const { sessions, behind } = await index.search(request.query.q, wanted(caller, request.query))
    sayBehind(reply, behind)
    return sessions.map(summary)
  })
}

function readRoutes(app: Api, deps: SessionsDeps): void {
  const show = { params: Params, response: { 200: SessionSummary } }
  app.get('/v1/sessions/:id', { schema: show }, async (request) => {
    const found = await visibleSession(deps, request)
    look(deps.recorder, callerOf(request), 'show', found.session, null)
    return summary(found)
  })
  const entries = { params: Params, querystring: EntriesQuery }
  app.get('/v1/sessions/:id/entries', { schema: entries }, async (request, reply) => {
    const { session } = await visibleSession(deps, request)
    const path = pathOf(deps.recorder, session)
    const follow = request.query.follow === 'true'
    look(deps.recorder, callerOf(request), follow ? 'tail' : 'read', session, null)
    const gone = whileConnected(reply)
    const live = () => (gone.aborted ? null : (deps.recorder.live(session)?.size ?? null))
    const wait = follow ? () => pause(deps.runtime) : null
    const stream = readEntries(path, { after: request.query.after, live, wait })
    return jsonLines(reply, stream, deps.runtime)
  })
}

/** The logs as they are, for those who verify them on a machine of their own. */
function rawRoutes(app: Api, deps: SessionsDeps): void {
  const { recorder } = deps
  app.get('/v1/sessions/:id/file', { schema: { params: Params } }, async (request, reply) => {
    const session = await visibleId(deps, request)
    const path = pathOf(recorder, session)
    lookAtEvidence(recorder, callerOf(request), 'file', session)
    const live = recorder.live(session)
    reply.header(STATE_HEADER, live === null ? 'closed' : 'live')
    if (live !== null) reply.header(HEAD_HEADER, `${live.entries} ${live.hash}`)
    return sendRaw(reply, path, live?.size ?? statSync(path).size)
  })
  app.get('/v1/record/sessions', async (request, reply) => {
    if (!isAuditor(callerOf(request))) throw auditorsOnly()
    lookAtEvidence(recorder, callerOf(request), 'names', null)
    return jsonLines(reply, sessionNames(recorder.folder), deps.runtime)
  })
  app.get('/v1/record', async (request, reply) => {
    const caller = callerOf(request)
    if (!isAuditor(caller)) throw auditorsOnly()
    lookAtEvidence(recorder, caller, 'record', null)
    const path = brokerLogPath(recorder.folder)
    const { entries, hash } = recorder.head()
    reply.header(HEAD_HEADER, `${entries} ${hash}`)
    return sendRaw(reply, path, statSync(path).size)
  })
}

/** Every session that has a file, whatever any index or log says. */
async function* sessionNames(folder: string): AsyncGenerator<{ session: string }> {
  for (const path of sessionFiles(folder)) yield { session: sessionOfPath(path) }
}

function sendRaw(reply: FastifyReply, path: string, size: number): FastifyReply {
  return reply.type('application/octet-stream').send(rawLog(path, size))
}

function killRoute(app: Api, deps: SessionsDeps): void {
  const kill = { params: Params, body: KillSession, response: { 200: Killed } }
  app.post('/v1/sessions/:id/kill', { schema: kill }, async (request) => {
    const caller = callerOf(request)
    const found = await ownOrAny(deps, request.params.id, caller, caller.roles.includes('admin'))
    const { reason } = request.body
    look(deps.recorder, caller, 'kill', found.session, reason)
    const killed = await deps.kill(found.session, caller, reason)
    if (!killed) throw notLive(found.session)
    return { session: found.session, killed }
  })
}

function wanted(caller: Principal, query: SessionQuery): Wanted {
  const time = (text: string | undefined) => (text === undefined ? null : Date.parse(text))
  const { issuer, subject } = caller
  return {
    only: isAuditor(caller) ? null : { issuer, subject },
    user: query.user ?? null,
    connection: query.connection ?? null,
    since: time(query.since),
    until: time(query.until),
    verdict: query.verdict ?? null,
    table: query.table ?? null,
    limit: query.limit,
  }
}

function summary(found: FoundSession): SessionSummary {
  const { session, user, connection, database, started, ended, verdicts, lines } = found
  return {
    session,
    user,
    connection,
    database,
    started_at: new Date(started).toISOString(),
    ended_at: ended === null ? null : new Date(ended).toISOString(),
    verdicts: [...verdicts],
    matches: lines.map(({ entry, at, kind, line }) => {
      return { entry, at: new Date(at).toISOString(), kind, line }
    }),
  }
}

/** Not everything is indexed yet: the caller is told, the answer is what there is. */
function sayBehind(reply: FastifyReply, behind: number): void {
  if (behind > 0) reply.header('hoop-index-behind', String(behind))
}

type WithId = FastifyRequest<{ Params: { id: string } }>

function visibleSession(deps: SessionsDeps, request: unknown): Promise<FoundSession> {
  const { params } = request as WithId
  const caller = callerOf(request as FastifyRequest)
  return ownOrAny(deps, params.id, caller, isAuditor(caller))
}

/** Auditors reach a log that the index does not know, too. */
async function visibleId(deps: SessionsDeps, request: unknown): Promise<string> {
  if (isAuditor(callerOf(request as FastifyRequest))) return (request as WithId).params.id
  return (await visibleSession(deps, request)).session
}

async function ownOrAny(
  { index }: SessionsDeps,
  session: string,
  { issuer, subject }: Principal,
  any: boolean,
): Promise<FoundSession> {
  const found = await index.get(session)
  const own = found?.issuer === issuer && found.subject === subject
  if (found === null || !(any || own)) throw unknownSession(session)
  return found
}

function pathOf(recorder: Recorder, session: string): string {
  const path = findLog(recorder, session)
  if (path === null) throw unknownSession(session)
  return path
}

function look(
  recorder: Recorder,
  by: Principal,
  action: string,
  session: string | null,
  detail: string | null,
): void {
  recorder.look({ by, action, session, detail })
}

/** A record that was tampered with takes no more entries; that must not keep anyone from proving it. */
function lookAtEvidence(
  recorder: Recorder,
  by: Principal,
  action: string,
  session: string | null,
): void {
  try {
    look(recorder, by, action, session, null)
  } catch (error) {
    if (!(error instanceof HoopError && error.code === 'record_damaged')) throw error
  }
}

function isAuditor(caller: Principal): boolean {
  return caller.roles.includes('auditor')
}

const FOLLOW_MS = 200

function pause(runtime: Pick<Runtime, 'setTimer'>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  runtime.setTimer(FOLLOW_MS, resolve)
  return promise
}

function unknownSession(session: string): HoopError {
  return new HoopError({
    code: 'unknown_session',
    message: `There is no session ${session} that you may see.`,
    hint: '`hoop sessions list` shows those you may see.',
    exit: EXIT.failed,
    fault: 'client',
  })
}

function notLive(session: string): HoopError {
  return new HoopError({
    code: 'session_over',
    message: `The session ${session} is over already.`,
    exit: EXIT.failed,
    fault: 'client',
  })
}

function auditorsOnly(): HoopError {
  return new HoopError({
    code: 'auditors_only',
    message: 'The log above all sessions is for auditors.',
    hint: '`hoop sessions verify ID` verifies a session of your own.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}
