import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { authenticateCalls } from '../../../broker/api/auth-hook.ts'
import { answerProblem } from '../../../broker/api/problems.ts'
import type { Api } from '../../../broker/api/server.ts'
import { sessionsRoutes } from '../../../broker/api/sessions.ts'
import type { Authenticator } from '../../../broker/identity/authenticator.ts'
import type { Principal, Role } from '../../../broker/identity/principal.ts'
import { openSessionIndex } from '../../../broker/recorder/index/index.ts'
import { openRecorder, type Recorder } from '../../../broker/recorder/recorder.ts'
import { systemRuntime } from '../../../broker/runtime.ts'
import type { BrokerCalls } from '../../../cli/record/calls.ts'
import { brokerEvidence } from '../../../cli/record/evidence.ts'
import { folderEvidence } from '../../../cli/record/folder.ts'
import { sessionEntries } from '../../../cli/record/sessions.ts'
import { verifyEvidence } from '../../../cli/record/verify.ts'
import type { SessionSummary } from '../../../protocol/api/sessions.ts'
import { HoopError } from '../../../protocol/errors.ts'
import { entriesOf, SELECT, sessionStart } from '../recorder/support.ts'

const A = 's-aaaaaaaaaa'
const B = 's-bbbbbbbbbb'
const NOBODY = 's-zzzzzzzzzz'

function person(subject: string, ...roles: Role[]): Principal {
  const issuer = 'https://id.example'
  const token = { groups: [], jkt: 'key', issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER }
  const who = { keys: [`account:${issuer} ${subject}`], machine: false, roles }
  return { issuer, subject, email: `${subject}@example.com`, ...who, ...token }
}

const PEOPLE: readonly Principal[] = [
  person('alice', 'requester'),
  person('bob', 'requester', 'approver'),
  person('carol', 'auditor'),
  person('root', 'admin'),
]

interface Setting {
  readonly folder: string
  readonly recorder: Recorder
  readonly killed: string[]
  as(subject: string): BrokerCalls
}

async function setting(t: TestContext): Promise<Setting> {
  const folder = mkdtempSync(join(tmpdir(), 'hoop-sessions-api-'))
  const recorder = openRecorder({ dataDir: folder, runtime: systemRuntime })
  const index = openSessionIndex({ dataDir: folder, recorder, runtime: systemRuntime })
  const killed: string[] = []
  const kill = async (session: string, by: Principal, reason: string) => {
    killed.push(`${session} ${by.subject} ${reason}`)
    return recorder.live(session) !== null
  }
  const app = Fastify() as unknown as Api
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerProblem)
  const authenticator: Authenticator = {
    nonce: () => 'n',
    authenticate: async ({ headers }) => caller(headers),
  }
  authenticateCalls(app, { authenticator })
  sessionsRoutes(app, { recorder, index, runtime: systemRuntime, kill })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(async () => {
    await app.close()
    await index.close()
    recorder.close('stopped')
    // Only now does nobody write there.
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, recorder, killed, as: (subject) => callsOf(url, subject) }
}

function caller(headers: { authorization?: string | undefined }): Principal {
  const found = PEOPLE.find(({ subject }) => headers.authorization === `DPoP ${subject}`)
  if (found === undefined) throw new HoopError({ code: 'invalid_token', message: 'no', exit: 3 })
  return found
}

/** The CLI's client without keychain and proofs. */
function callsOf(url: string, subject: string): BrokerCalls {
  const stream: BrokerCalls['stream'] = async (method, path, { query = {}, body } = {}) => {
    const address = new URL(url + path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) address.searchParams.append(name, String(value))
    }
    const headers = { authorization: `DPoP ${subject}`, 'content-type': 'application/json' }
    const init =
      body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    const response = await fetch(address, init)
    if (response.ok) return response
    throw new HoopError(((await response.json()) as { error: HoopError }).error as never)
  }
  const request = (async (method: string, path: string, options = {}) =>
    (await stream(method, path, options)).json()) as BrokerCalls['request']
  return { stream, request }
}

const ofBob = {
  principal: { issuer: 'https://id.example', subject: 'bob', email: null, groups: [] },
}

function sessions(calls: BrokerCalls, path = '/v1/sessions'): Promise<SessionSummary[]> {
  return calls.request<SessionSummary[]>('GET', path)
}

async function namesFor(calls: BrokerCalls, path?: string): Promise<string[]> {
  return (await sessions(calls, path)).map(({ session }) => session)
}

describe('who sees what of the record', () => {
  it('auditors all, others their own, nobody else anything', async (t) => {
    const { recorder, as } = await setting(t)
    recorder.open(sessionStart(A)).append(SELECT)
    recorder.open(sessionStart(B, ofBob)).append(SELECT)
    const search = '/v1/sessions/search?q=people'
    for (const path of ['/v1/sessions', search]) {
      assert.deepEqual((await namesFor(as('carol'), path)).sort(), [A, B])
      assert.deepEqual(await namesFor(as('alice'), path), [A])
      assert.deepEqual(await namesFor(as('bob'), path), [B])
      assert.deepEqual(await namesFor(as('root'), path), [])
      await assert.rejects(namesFor(as('mallory'), path), { code: 'invalid_token' })
    }
    for (const path of ['', '/entries', '/file']) {
      await as('carol').stream('GET', `/v1/sessions/${B}${path}`)
      await as('bob').stream('GET', `/v1/sessions/${B}${path}`)
      const refused = as('alice').stream('GET', `/v1/sessions/${B}${path}`)
      await assert.rejects(refused, { code: 'unknown_session', exit: 1 })
    }
    for (const path of ['/v1/record', '/v1/record/sessions']) {
      await assert.rejects(as('bob').stream('GET', path), { code: 'auditors_only', exit: 4 })
    }
  })

  it('answers with the shapes of the contract', async (t) => {
    const { recorder, as } = await setting(t)
    const log = recorder.open(sessionStart(A))
    log.append(SELECT)
    log.close('done')
    const [found] = await sessions(as('carol'), '/v1/sessions/search?q=name&verdict=allow')
    assert.ok(found !== undefined && found.ended_at !== null)
    const { session, user, connection, started_at, verdicts, matches } = found
    assert.deepEqual(
      { session, user, connection, started_at, verdicts },
      {
        session: A,
        user: 'alice@example.com',
        connection: 'pg-prod',
        started_at: '2026-11-22T06:00:00.000Z',
        verdicts: ['allow'],
      },
    )
    assert.deepEqual(
      matches.map(({ entry, kind, line }) => ({ entry, kind, line })),
      [{ entry: 3, kind: 'execute', line: 'select name from people' }],
    )
    const kinds = []
    for await (const entry of sessionEntries(as('alice'), A)) kinds.push(entry.kind)
    assert.deepEqual(kinds, ['open', 'statement', 'execute', 'close'])
  })

  it('records each look, before it answers', async (t) => {
    const { folder, recorder, as } = await setting(t)
    recorder.open(sessionStart(A)).append(SELECT)
    await sessions(as('carol'), '/v1/sessions/search?q=salary')
    await as('carol').stream('GET', `/v1/sessions/${A}/entries`)
    const looks = entriesOf(join(folder, 'sessions/index.log')).filter(
      ({ kind }) => kind === 'look',
    )
    assert.deepEqual(
      looks.map((look) => look.kind === 'look' && [look.subject, look.action, look.session]),
      [
        ['carol', 'search', null],
        ['carol', 'read', A],
      ],
    )
    assert.match(looks[0]?.kind === 'look' ? (looks[0].detail ?? '') : '', /salary/)
  })

  it('refuses what is no session id', async (t) => {
    const { as } = await setting(t)
    for (const id of ['..%2f..%2findex.log', 's-1', 'S-AAAAAAAAAA', `${A}.hoop`]) {
      await assert.rejects(as('carol').stream('GET', `/v1/sessions/${id}/file`), { exit: 2 })
    }
    const unknown = as('carol').stream('GET', `/v1/sessions/${NOBODY}/file`)
    await assert.rejects(unknown, { code: 'unknown_session' })
  })

  it('ends a session of one’s own, or any for an admin', async (t) => {
    const { recorder, killed, as } = await setting(t)
    recorder.open(sessionStart(A))
    const kill = (subject: string, session = A) =>
      as(subject).request('POST', `/v1/sessions/${session}/kill`, { body: { reason: 'enough' } })
    await assert.rejects(kill('bob'), { code: 'unknown_session' })
    await assert.rejects(kill('carol'), { code: 'unknown_session' })
    await kill('alice')
    await kill('root')
    await assert.rejects(kill('root', NOBODY), { code: 'unknown_session' })
    assert.deepEqual(killed, [`${A} alice enough`, `${A} root enough`])
  })

  it('follows a session until it ends', async (t) => {
    const { recorder, as } = await setting(t)
    const log = recorder.open(sessionStart(A))
    const kinds: string[] = []
    for await (const entry of sessionEntries(as('alice'), A, { follow: true })) {
      kinds.push(entry.kind)
      if (entry.kind === 'open') log.append(SELECT)
      if (entry.kind === 'execute') log.close('done')
    }
    assert.deepEqual(kinds, ['open', 'statement', 'execute', 'close'])
  })
})

describe('verify, against a broker', () => {
  const path = (folder: string, session: string) =>
    join(folder, 'sessions/2026-11-22', `${session}.hoop`)

  async function recorded(t: TestContext): Promise<Setting> {
    const made = await setting(t)
    for (const session of [A, B]) {
      const log = made.recorder.open(sessionStart(session))
      log.append(SELECT)
      log.close('done')
    }
    return made
  }

  const verify = (calls: BrokerCalls, ids: readonly string[] | null = null) =>
    verifyEvidence(brokerEvidence(calls), { ids, remembered: null })

  it('holds, for live sessions too', async (t) => {
    const { recorder, as } = await recorded(t)
    recorder.open(sessionStart('s-cccccccccc')).append(SELECT)
    const { ok, sessions: count, failures } = await verify(as('carol'))
    assert.deepEqual({ ok, count, failures }, { ok: true, count: 3, failures: [] })
    assert.equal((await verify(as('alice'), [A])).ok, true)
    assert.equal((await verify(as('alice'))).sessions, 3)
    assert.equal((await verify(as('bob'))).sessions, 0)
    assert.deepEqual((await verify(as('carol'), [NOBODY])).unknown, [NOBODY])
  })

  it('names a byte that was changed', async (t) => {
    const { folder, as } = await recorded(t)
    const bytes = readFileSync(path(folder, B))
    const at = bytes.indexOf('select name')
    bytes[at] = (bytes[at] as number) ^ 1
    writeFileSync(path(folder, B), bytes)
    const { failures } = await verify(as('carol'))
    assert.deepEqual(
      failures.map(({ session, entry }) => [session, entry]),
      [[B, 2]],
    )
    const kinds: string[] = []
    for await (const { kind } of sessionEntries(as('carol'), B)) kinds.push(kind)
    assert.deepEqual(kinds, ['open', 'damage'])
  })

  it('misses a session that was removed', async (t) => {
    const { folder, as } = await recorded(t)
    rmSync(path(folder, A))
    const missing = [{ session: A, entry: 0, reason: 'its log is missing' }]
    assert.deepEqual((await verify(as('carol'))).failures, missing)
    assert.deepEqual((await verify(as('carol'), [A])).failures, missing)
  })

  it('misses the end of a session, cut where an entry ends', async (t) => {
    const { folder, as } = await recorded(t)
    const sizes = entrySizes(readFileSync(path(folder, A)))
    truncateSync(path(folder, A), sizes.at(-2))
    const [failure] = (await verify(as('carol'), [A])).failures
    assert.equal(failure?.entry, 4)
    assert.match(failure?.reason ?? '', /cut off/)
  })

  it('misses the end of a live session', async (t) => {
    const { folder, recorder, as } = await setting(t)
    recorder.open(sessionStart(A)).append(SELECT)
    const sizes = entrySizes(readFileSync(path(folder, A)))
    truncateSync(path(folder, A), sizes.at(-2))
    assert.equal((await verify(as('carol'), [A])).failures[0]?.entry, 3)
  })

  it('tells a session that was put there', async (t) => {
    const { folder, as } = await recorded(t)
    const other = await recorded(t)
    const stranger = other.recorder.open(sessionStart('s-dddddddddd'))
    stranger.close('done')
    cpSync(path(other.folder, 's-dddddddddd'), path(folder, 's-dddddddddd'))
    const [failure] = (await verify(as('carol'))).failures
    assert.equal(failure?.session, 's-dddddddddd')
    cpSync(path(other.folder, A), path(folder, A))
    assert.equal(
      (await verify(as('carol'), [A])).failures[0]?.session,
      A,
      'another’s log of that name',
    )
  })

  it('tells a log above all that was changed, cut, added to or rolled back', async (t) => {
    const { folder, as } = await recorded(t)
    const index = join(folder, 'sessions/index.log')
    const before = (await verify(as('carol'))).record
    const bytes = readFileSync(index)
    const changed = Buffer.from(bytes)
    changed[120] = (changed[120] as number) ^ 1
    const source = async (content: Buffer) => {
      writeFileSync(index, content)
      const evidence = await folderEvidence(join(folder, 'sessions'))
      return verifyEvidence(evidence, { ids: null, remembered: before })
    }
    assert.equal((await source(bytes)).ok, true)
    for (const content of [
      changed,
      bytes.subarray(0, entrySizes(bytes)[2]),
      bytes.subarray(0, 9),
    ]) {
      const [failure] = (await source(content)).failures
      assert.equal(failure?.session, null)
      assert.match(failure?.reason ?? '', /^index\.log/)
    }
    writeFileSync(index, bytes)
    for (const spoil of [() => truncateSync(index, 200), () => appendFileSync(index, 'x')]) {
      spoil()
      assert.equal((await verify(as('carol'))).failures[0]?.session, null)
      await assert.rejects(sessions(as('carol')), { code: 'record_damaged', exit: 8 })
    }
  })
})

/** Where each entry of a log ends. */
function entrySizes(bytes: Buffer): number[] {
  const sizes: number[] = []
  for (let at = 20 + bytes.readUInt16BE(10) + 32; at < bytes.length; ) {
    at += 4 + bytes.readUInt32BE(at)
    sizes.push(at)
  }
  return sizes
}
