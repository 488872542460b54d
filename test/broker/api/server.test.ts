import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ApiDeps, ChangeService, RequestService } from '../../../broker/api/deps.ts'
import { type Api, createApi } from '../../../broker/api/server.ts'
import type { Principal } from '../../../broker/identity/principal.ts'
import { systemRuntime } from '../../../broker/runtime.ts'
import type { Request } from '../../../protocol/api/requests.ts'
import { HoopError } from '../../../protocol/errors.ts'

const alice: Principal = {
  issuer: 'https://id.example',
  subject: 'alice',
  email: 'alice@example.com',
  groups: ['engineers'],
  roles: ['requester'],
  keys: ['account:https://id.example alice'],
  machine: false,
  jkt: 'key',
  issuedAt: 0,
  expiresAt: Date.now() + 3_600_000,
}

const request: Request = {
  id: 'r-0123456789',
  kind: 'statement',
  state: 'pending',
  requester: 'alice@example.com',
  connection: 'pg-prod',
  database: 'app',
  session: 's-0123456789',
  statement: 'UPDATE people SET salary = 1 WHERE id = $1',
  cut: null,
  parameters: ['7'],
  class: 'write',
  effect: 'Changes rows of public.people.',
  digest: 'a'.repeat(64),
  policy_version: 1,
  reason: null,
  in_transaction: false,
  spooled: null,
  created_at: '2026-11-22T06:00:00.000Z',
  expires_at: '2026-11-22T07:00:00.000Z',
  needs: [{ group: 'dba', count: 1, have: 0 }],
  alternatives: [],
  decisions: [],
  outcome: null,
  rejected_before: null,
  questions: [],
  facts: [],
  similar: null,
}

const service: RequestService = {
  list: async () => [request],
  get: async (_caller, id) => {
    if (id === request.id) return request
    throw new HoopError({ code: 'unknown_request', message: `There is no request ${id}.`, exit: 1 })
  },
  statement: async () => Buffer.from([0x53, 0xff, 0x00]),
  approve: async () => {
    throw new Error('connect ECONNREFUSED 10.0.0.5 password=hunter2')
  },
  reject: async (_caller, _id, reason) => ({ ...request, state: 'rejected', reason }),
  cancel: async () => ({ ...request, state: 'cancelled' }),
  ask: async () => request,
  answer: async () => request,
  revoke: async () => ({ ...request, state: 'revoked' }),
  duties: async () => ({
    request: request.id,
    requester: 'alice',
    state: 'pending',
    needs: [],
    alternatives: [],
    rules: [],
    people: [],
  }),
  watch: (_caller, _view, handler) => {
    const timer = systemRuntime.setTimer(5, () => handler(request))
    return { cancel: () => timer.cancel() }
  },
}

const deps: ApiDeps = {
  authenticator: {
    nonce: () => 'nonce-1',
    async authenticate({ headers }) {
      if (headers.authorization === 'DPoP alice') return alice
      throw new HoopError({ code: 'use_dpop_nonce', message: 'Use the nonce.', exit: 3 })
    },
  },
  discovery: {
    name: 'hoop',
    version: '0.1.0',
    issuer: 'https://id.example',
    client_id: 'hoop',
    audience: 'hoop',
    scopes: ['openid'],
    demo: false,
  },
  requests: service,
  windows: { ask: async () => ({ ...request, kind: 'window' }) },
  connections: { list: () => [] },
  changes: {} as ChangeService,
  explain: {
    explain: async () => {
      throw new HoopError({ code: 'unknown_connection', message: 'No such connection.', exit: 1 })
    },
  },
  exec: {
    async *run(order) {
      if (order.type === 'sql' && order.sql === 'deny')
        throw new HoopError({ code: 'denied', message: 'Denied by policy.', exit: 4 })
      yield { event: 'result', fields: [{ name: 'a', type: 'int4', masked: false }] }
      yield { event: 'rows', rows: [['1'], [null]] }
      yield { event: 'complete', command: 'SELECT', row_count: 2 }
      yield { event: 'done', request: null }
    },
  },
  doctor: { check: async () => [] },
  runtime: systemRuntime,
}

const app: Api = await createApi(deps)
after(() => app.close())

const headers = { authorization: 'DPoP alice' }
const inject = (options: object) => app.inject({ headers, ...options } as never) as Promise<Answer>
interface Answer {
  statusCode: number
  headers: Record<string, string>
  body: string
  rawPayload: Buffer
  json(): unknown
}

test('discovery needs no login; everything else does', async () => {
  const discovery = await inject({ url: '/v1/discovery', headers: {} })
  assert.equal(discovery.statusCode, 200)
  for (const url of ['/v1/whoami', '/v1/requests', '/v1/connections', '/v1/doctor']) {
    const answer = await inject({ url, headers: {} })
    assert.equal(answer.statusCode, 401, url)
    assert.equal(answer.headers['dpop-nonce'], 'nonce-1')
    assert.match(answer.headers['www-authenticate'] ?? '', /^DPoP error="use_dpop_nonce", algs=/)
    assert.deepEqual(answer.json(), {
      error: { code: 'use_dpop_nonce', message: 'Use the nonce.', hint: null, exit: 3 },
    })
  }
})

test('a body is not read before the caller is known', async () => {
  const answer = await inject({
    method: 'POST',
    url: '/v1/exec',
    headers: { 'content-type': 'application/json' },
    payload: '{"broken',
  })
  assert.equal(answer.statusCode, 401)
})

test('a web page is refused', async () => {
  const answer = await inject({ url: '/v1/whoami', headers: { ...headers, origin: 'https://x' } })
  assert.equal(answer.statusCode, 403)
})

test('answers are not cached, sniffed or framed', async () => {
  const { headers: sent } = await inject({ url: '/v1/whoami' })
  assert.equal(sent['cache-control'], 'no-store')
  assert.equal(sent['x-content-type-options'], 'nosniff')
  assert.equal(sent['dpop-nonce'], 'nonce-1')
})

test('a fault inside says nothing of itself', async () => {
  const url = `/v1/requests/${request.id}/approve`
  const answer = await inject({ method: 'POST', url, payload: {} })
  assert.equal(answer.statusCode, 422)
  assert.doesNotMatch(answer.body, /hunter2|10\.0\.0\.5|at .*\.ts/)
  assert.match(answer.body, /"code":"internal"/)
})

test('wrong input names the place', async () => {
  const cases: [string, object, RegExp][] = [
    ['/v1/requests/r-0123456789/reject', { reason: '  ' }, /reason/],
    ['/v1/requests/r-0123456789/approve', { surprise: 1 }, /nrecognized/],
    ['/v1/requests/nonsense/approve', {}, /id: not a request id/],
    ['/v1/exec', { connection: '../x', sql: 'x' }, /usage/],
  ]
  for (const [url, payload, expected] of cases) {
    const answer = await inject({ method: 'POST', url, payload })
    assert.equal(answer.statusCode, 400, url)
    assert.match(answer.body, expected)
  }
})

test('bodies have bounds', async () => {
  const url = `/v1/requests/${request.id}/approve`
  const answer = await inject({ method: 'POST', url, payload: { comment: 'x'.repeat(70_000) } })
  assert.equal(answer.statusCode, 413)
  assert.match(answer.body, /too_large/)
})

test('a request of the list is whole; a long one is cut and says so', async () => {
  const list = await inject({ url: '/v1/requests?view=mine' })
  assert.deepEqual(list.json(), [request])
  const long = { ...request, statement: `SELECT '${'é'.repeat(40_000)}'` }
  const own: RequestService = { ...service, get: async () => long }
  const other = await createApi({ ...deps, requests: own })
  const answer = await other.inject({ url: `/v1/requests/${request.id}`, headers })
  const { statement, cut } = answer.json() as Request
  assert.equal(cut?.size, Buffer.byteLength(long.statement) + 1)
  assert.ok(long.statement.startsWith(statement) && long.statement.endsWith(cut?.tail ?? 'x'))
  await other.close()
})

test('the exact bytes of a statement', async () => {
  const answer = await inject({ url: `/v1/requests/${request.id}/statement` })
  assert.deepEqual(answer.rawPayload, Buffer.from([0x53, 0xff, 0x00]))
})

test('exec streams JSON lines; what cannot start is a problem document', async () => {
  const payload = { connection: 'pg-prod', sql: 'SELECT 1' }
  const answer = await inject({ method: 'POST', url: '/v1/exec', payload })
  assert.match(answer.headers['content-type'] ?? '', /x-ndjson/)
  const events = answer.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  assert.deepEqual(events, ['result', 'rows', 'complete', 'done'])
  const denied = await inject({
    method: 'POST',
    url: '/v1/exec',
    payload: { ...payload, sql: 'deny' },
  })
  assert.equal(denied.statusCode, 403)
})

test('watching gives changes and ends when the watcher goes', async () => {
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const stop = new AbortController()
  const answer = await fetch(`${address}/v1/requests/watch`, { headers, signal: stop.signal })
  let text = ''
  for await (const chunk of answer.body!) {
    text += Buffer.from(chunk).toString()
    if (text.includes('"request"')) break
  }
  stop.abort()
  assert.match(text, /^\{"event":"watching"\}\n\{"event":"request"/)
})
