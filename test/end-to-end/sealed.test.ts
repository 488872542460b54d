import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BrokerApi } from '../../cli/broker-api.ts'
import type { Request } from '../../protocol/api/requests.ts'
import { apiOf, refusal } from '../support/caller.ts'
import { type Person, TestDemo } from '../support/demo.ts'
import { failure } from '../support/hoop.ts'

/** Credentials and connections under the same duties as everything else, by processes and the API. */

const WRONG = 'tr0ub4dor-that-no-role-has'

describe('secrets and connections', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person
  let root: Person
  let api: Record<'alice' | 'bob' | 'root' | 'ruth', BrokerApi>
  let password: string

  before(async () => {
    demo = await TestDemo.start()
    const people = await demo.logins('alice', 'bob', 'root', 'ruth')
    ;({ alice, bob, root } = people)
    const entries = Object.entries(people).map(async ([name, one]) => [name, await apiOf(one)])
    api = Object.fromEntries(await Promise.all(entries)) as typeof api
    password = readFileSync(join(demo.ready.home, 'secrets', 'target'), 'utf8')
  })
  after(() => demo.stop())

  const set = (who: BrokerApi, value: string, name = 'extra') =>
    who.request<Request>('POST', '/v1/secrets', { body: { name, value } })
  const approve = (who: BrokerApi, id: string) =>
    who.request<Request>('POST', `/v1/requests/${id}/approve`, { body: {} })
  const over = async (id: string): Promise<Request> => {
    const seen = await api.root.request<Request>('GET', `/v1/requests/${id}`)
    return seen.state === 'approved' ? over(id) : seen
  }
  const agreed = async (asked: Promise<Request>) => {
    const { id } = await asked
    await approve(api.ruth, id)
    return over(id)
  }
  const file = (name: string, text: string) => {
    const path = join(demo.ready.home, name)
    writeFileSync(path, text)
    return path
  }
  const connection = (more = '') => {
    const { host, port } = demo.ready.target
    return `name: pg-extra
kind: postgres
target: { host: ${host}, port: ${port}, user: hoop, password: { secret: extra }, tls: { mode: disable } }
databases: [app]
reader_role: app_reader
writer_role: app_writer
${more}`
  }

  test('a secret is set by an administrator, and approved by another one', async () => {
    for (const who of [api.alice, api.bob]) {
      assert.deepEqual(await refusal(set(who, WRONG)), { code: 'not_allowed', exit: 4 })
    }
    const args = ['secrets', 'set', 'extra', '--no-wait', '--json']
    const asked = await root.hoop(args, { input: `${WRONG}\n` })
    assert.equal(asked.code, 6)
    const { id, kind, statement } = JSON.parse(asked.stdout) as Request
    assert.equal(kind, 'secret')
    assert.match(statement, /^secret extra version 1\nvalue: hmac-sha256 [0-9a-f]{64} /)
    assert.equal(failure(asked).code, 'undecided')
    const own = await root.hoop(['approve', id, '--json'])
    assert.equal(own.code, 4)
    assert.equal(failure(own).code, 'self_approval')
    assert.equal((await refusal(approve(api.bob, id))).exit, 4)
    assert.deepEqual(await root.json(['secrets', 'list']), [], 'nothing is in force')
    await approve(api.ruth, id)
    assert.equal((await over(id)).state, 'executed')
    const [listed] = await root.json<Record<string, unknown>[]>(['secrets', 'list'])
    assert.equal(listed?.['name'], 'extra')
    assert.equal(listed?.['version'], 1)
    assert.equal((await alice.hoop(['secrets', 'list'])).code, 4)
  })

  test('a value is never an argument, and never empty', async () => {
    assert.equal((await root.hoop(['secrets', 'set', 'extra', WRONG])).code, 2)
    assert.equal((await root.hoop(['secrets', 'set', 'extra'], { input: '\n' })).code, 2)
  })

  test('a connection needs rules and a secret; then people are there at once', async () => {
    const path = file('extra.yaml', connection())
    const early = await root.hoop(['connections', 'apply', path, '--json'])
    assert.equal(early.code, 2)
    assert.match(failure(early).message, /^extra\.yaml:1:7 the policy says nothing of pg-extra/)

    const policy = readFileSync(join(demo.ready.home, 'policy.yaml'), 'utf8')
    const text = `${policy}  pg-extra: { request: [engineers], rules: { read: allow } }\n`
    const body = { text, file: 'policy.yaml' }
    await agreed(api.root.request<Request>('POST', '/v1/policy', { body }))

    const plain = connection().replace('secret: extra', 'plain: hunter2')
    const open = { text: plain, file: 'c.yaml' }
    const post = (who: BrokerApi, body: object) =>
      who.request<Request>('POST', '/v1/connections', { body })
    assert.deepEqual(await refusal(post(api.root, open)), { code: 'bad_connection', exit: 2 })
    const taken = { text: connection().replace('pg-extra', 'pg-prod'), file: 'c.yaml' }
    assert.deepEqual(await refusal(post(api.root, taken)), { code: 'of_the_file', exit: 2 })
    const good = { text: connection(), file: 'extra.yaml' }
    assert.equal((await refusal(post(api.bob, good))).exit, 4)

    const asked = await post(api.root, good)
    assert.equal(asked.connection, 'pg-extra')
    assert.match(asked.statement, /^\+target: /m)
    assert.equal((await refusal(approve(api.root, asked.id))).exit, 4)
    const names = async () =>
      (await alice.json<{ name: string }[]>(['connections'])).map(({ name }) => name)
    assert.deepEqual(await names(), ['pg-prod'])
    await approve(api.ruth, asked.id)
    assert.equal((await over(asked.id)).state, 'executed')
    assert.deepEqual(await names(), ['pg-extra', 'pg-prod'])
  })

  const read = () => alice.hoop(['exec', 'pg-extra', '-c', 'SELECT count(*) FROM orders', '--json'])

  test('what it logs in with is the secret in force, from the next login on', async () => {
    const refused = await read()
    assert.equal(refused.code, 7, 'no role has this password')
    assert.equal((await agreed(set(api.root, password))).state, 'executed')
    const answer = await read()
    assert.equal(answer.code, 0, answer.stderr)
    const rejected = await set(api.root, 'another-that-was-rejected')
    const reason = { body: { reason: 'not today' } }
    await api.ruth.request('POST', `/v1/requests/${rejected.id}/reject`, reason)
    assert.equal((await read()).code, 0)
    await agreed(set(api.ruth, WRONG)).then(
      () => assert.fail('ruth approved her own'),
      (error: { code: string }) => assert.equal(error.code, 'self_approval'),
    )
  })

  test('a connection that is changed is another one from the next login on', async () => {
    const text = connection().replace('[app]', '[postgres]')
    const where = () => alice.hoop(['exec', 'pg-extra', '-c', 'SELECT current_database()', '--csv'])
    assert.match((await where()).stdout, /^current_database\r?\napp/)
    const body = { text, file: 'extra.yaml' }
    const asked = api.root.request<Request>('POST', '/v1/connections', { body })
    assert.match((await asked).statement, /^-databases: \[app\]\n\+databases: \[postgres\]$/m)
    await agreed(asked)
    const answer = await where()
    assert.match(answer.stdout, /^current_database\r?\npostgres/, answer.stderr)
  })

  test('values are in no file of the broker, and in nothing that it said', async () => {
    const shown = await Promise.all(
      [root, bob].map((who) => who.hoop(['requests', '--all', '--json'])),
    )
    const said = shown.map(({ stdout, stderr }) => stdout + stderr).join('')
    const log = demo.running.stdout + demo.running.stderr
    for (const value of [WRONG, 'another-that-was-rejected', 'hunter2']) {
      assert.ok(!said.includes(value), 'lists')
      assert.ok(!log.includes(value), 'log')
      assert.deepEqual(filesWith(join(demo.ready.home, 'data'), value), [])
    }
    assert.deepEqual(filesWith(join(demo.ready.home, 'data'), password), [])
  })
})

function filesWith(folder: string, value: string): string[] {
  const bytes = Buffer.from(value)
  const coded = [bytes.toString('base64'), bytes.toString('hex')].map((one) => Buffer.from(one))
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const content = readFileSync(path)
      return [bytes, ...coded].some((one) => content.includes(one))
    })
}
