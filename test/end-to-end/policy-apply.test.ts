import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BrokerApi } from '../../cli/broker-api.ts'
import type { Duties } from '../../protocol/api/requests.ts'
import { apiOf, refusal } from '../support/caller.ts'
import { type LocalPort, type Person, TestDemo } from '../support/demo.ts'
import { failure, hoop, RunningHoop } from '../support/hoop.ts'

/** Changes of the policy by processes: who may ask, who may agree, and what is in force when. */

interface RequestDocument {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly statement: string
  readonly effect: string
  readonly digest: string
  readonly policy_version: number
  readonly decisions: readonly { by: string; verdict: string; comment: string | null }[]
}

describe('a change of the policy', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person
  let root: Person
  let ruth: Person
  let api: Record<'alice' | 'bob' | 'dave' | 'root' | 'ruth', BrokerApi>
  let port: LocalPort
  let policy: string

  before(async () => {
    demo = await TestDemo.start()
    const people = await demo.logins('alice', 'bob', 'dave', 'root', 'ruth')
    ;({ alice, bob, root, ruth } = people)
    const entries = Object.entries(people).map(async ([name, one]) => [name, await apiOf(one)])
    api = Object.fromEntries(await Promise.all(entries)) as typeof api
    port = await demo.connect(alice)
    policy = await readFile(join(demo.ready.home, 'policy.yaml'), 'utf8')
  })
  after(() => demo.stop())

  const file = async (text: string) => {
    const path = join(demo.ready.home, 'candidate.yaml')
    await writeFile(path, text)
    return path
  }
  const apply = (who: BrokerApi, text: string) =>
    who.request<RequestDocument>('POST', '/v1/policy', { body: { text, file: 'candidate.yaml' } })
  const approve = (who: BrokerApi, id: string) =>
    who.request<RequestDocument>('POST', `/v1/requests/${id}/approve`, { body: {} })
  const agreed = async (text: string) => {
    const asked = await apply(api.root, text)
    await approve(api.ruth, asked.id)
    return over(asked.id)
  }
  const over = async (id: string): Promise<RequestDocument> => {
    const seen = await api.root.request<RequestDocument>('GET', `/v1/requests/${id}`)
    return seen.state === 'approved' ? over(id) : seen
  }
  const looser = (text: string) => text.replace(/write: .*/, 'write: allow')
  const version = async () =>
    (await api.root.request<{ version: number }>('GET', '/v1/policy')).version

  test('begins with that of the configuration file, and says so', async () => {
    const shown = await root.json<Record<string, unknown>>(['policy', 'show'])
    assert.equal(shown['version'], 1)
    assert.equal(shown['request'], null)
    assert.equal(shown['text'], policy)
    assert.equal((await alice.hoop(['policy', 'show'])).code, 4)
  })

  test('is asked for by administrators alone', async () => {
    for (const who of [api.alice, api.bob, api.dave]) {
      const refused = await refusal(apply(who, looser(policy)))
      assert.deepEqual(refused, { code: 'not_allowed', exit: 4 })
    }
  })

  test('names the faults of a file by line and column, and asks nobody', async () => {
    const wrong = policy.replace('read: allow', 'read: alow')
    const answer = await root.hoop(['policy', 'apply', await file(wrong), '--json'])
    assert.equal(answer.code, 2)
    assert.match(failure(answer).message, /^candidate\.yaml:5:13 /)
    const silent = policy.replace('pg-prod', 'elsewhere')
    await assert.rejects(apply(api.root, silent), /nothing is said of pg-prod/)
    assert.deepEqual(await root.json(['requests', '--mine']), [])
  })

  test('is not approved by the one who asks, nor by who is no administrator', async () => {
    const args = ['policy', 'apply', await file(looser(policy)), '--no-wait', '--json']
    const asked = await root.hoop(args)
    assert.equal(asked.code, 6, asked.stderr)
    const { id, kind, statement, effect } = JSON.parse(asked.stdout) as RequestDocument
    assert.equal(kind, 'policy')
    assert.match(effect, /1 looser/)
    assert.match(statement, /looser +pg-prod rules\.write: hold for 1 of dba -> allow/)
    assert.match(statement, /^-.*write: \{ hold/m)
    assert.match(statement, /^\+.*write: allow$/m)
    const own = await root.hoop(['approve', id, '--json'])
    assert.equal(own.code, 4)
    assert.equal(failure(own).code, 'self_approval')
    for (const who of [api.bob, api.dave, api.alice]) {
      assert.equal((await refusal(approve(who, id))).exit, 4)
    }
    assert.equal((await refusal(approve(api.ruth, 'r-0000000000'))).exit, 1, 'a guessed id')
    assert.equal((await ruth.hoop(['exec', '--request', id, '--json'])).code, 4, 'it is no exec')
    assert.equal(await version(), 1)
    const reason = { body: { reason: 'not this quarter' } }
    await api.ruth.request('POST', `/v1/requests/${id}/reject`, reason)
    assert.equal((await refusal(approve(api.ruth, id))).exit, 1, 'it is over')
    assert.equal(await version(), 1)
  })

  test('waits for the other administrator, and is in force for a session that is open', async () => {
    const client = await port.client()
    const waiting = root.start(['policy', 'apply', await file(looser(policy)), '--json'])
    const { id } = await inbox()
    await ruth.json(['approve', id])
    const finished = await waiting.finished
    assert.equal(finished.code, 0, finished.stderr)
    assert.equal((JSON.parse(finished.stdout) as RequestDocument).state, 'executed')
    const notes = "UPDATE people SET notes = 'agreed' WHERE id = 1"
    assert.equal((await client.query(notes)).rowCount, 1, 'nobody is asked now')
    const explained = await alice.json<Record<string, unknown>>([
      ...['policy', 'explain', 'pg-prod', '-c', notes],
    ])
    assert.equal(explained['policy_version'], 2)
    assert.equal(explained['decision'], 'allow')

    const back = await agreed(policy)
    assert.equal(back.state, 'executed')
    const update = client.query("UPDATE people SET notes = 'held again' WHERE id = 1")
    const held = await client.held()
    const seen = await bob.json<RequestDocument>(['show', held])
    assert.equal(seen.policy_version, 3)
    const { people } = await bob.json<Duties>(['sod', 'explain', held])
    const author = people.find(({ person }) => person === 'root@example.test')
    assert.match(author?.why ?? '', /who last changed pg-prod\.rules\.write does not decide/)
    const byAuthor = { code: 'own_rule', exit: 4 }
    assert.deepEqual(await refusal(approve(api.root, held)), byAuthor)
    assert.equal(people.find(({ person }) => person === 'bob@example.test')?.may, true)
    await bob.json(['reject', held, '--reason', 'enough'])
    await assert.rejects(update, { code: '42501' })
    await client.end()
  })

  const inbox = async (): Promise<RequestDocument> => {
    const query = { view: 'inbox' }
    const [first] = await api.ruth.request<RequestDocument[]>('GET', '/v1/requests', { query })
    return first ?? inbox()
  }

  /** The broker takes back what is void by itself: at once, not in the same moment. */
  const isVoid = async (id: string): Promise<void> => {
    const { state } = await api.root.request<RequestDocument>('GET', `/v1/requests/${id}`)
    return state === 'cancelled' ? undefined : isVoid(id)
  }

  test('is approved once, however many approve at the same time', async () => {
    const before = await version()
    const { id } = await apply(api.root, `${policy}# once\n`)
    const tries = [api.ruth, api.ruth, api.ruth, api.root].map((who) => approve(who, id))
    const answers = await Promise.allSettled(tries)
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await over(id)).state, 'executed')
    assert.equal(await version(), before + 1)
  })

  test('is void when another came into force on what it was made on', async () => {
    const before = await version()
    const first = await apply(api.root, `${policy}# first\n`)
    const second = await apply(api.ruth, `${policy}# second\n`)
    await approve(api.ruth, first.id)
    assert.equal((await over(first.id)).state, 'executed')
    await isVoid(second.id)
    await assert.rejects(approve(api.root, second.id), /came into force meanwhile/)
    assert.equal(await version(), before + 1)
  })

  test('what was approved under rules that now deny it does not run', async () => {
    const client = await port.client()
    const update = client.query("UPDATE people SET notes = 'late' WHERE id = 2")
    const held = await client.held()
    const exec = ['exec', 'pg-prod', '-c', "UPDATE people SET notes = 'later' WHERE id = 2"]
    const kept = await alice.hoop([...exec, '--no-wait', '--json'])
    const { id } = (JSON.parse(kept.stdout) as { request: RequestDocument }).request
    assert.equal((await refusal(approve(api.root, id))).code, 'own_rule')
    const denied = policy.replace(/write: .*/, 'write: deny')
    assert.equal((await agreed(denied)).state, 'executed')
    await approve(api.bob, held)
    await assert.rejects(update, /the policy was changed while it waited/)
    await approve(api.bob, id)
    const run = await alice.hoop(['exec', '--request', id, '--json'])
    assert.equal(run.code, 4)
    assert.equal(failure(run).code, 'policy_changed')
    const notes = await demo.behind<{ notes: string | null }>(
      'SELECT notes FROM people WHERE id = 2',
    )
    assert.deepEqual(notes, [{ notes: null }])
    await agreed(policy)
    await client.end()
  })

  test('that says what is in force already asks nobody', async () => {
    const { text } = await api.root.request<{ text: string }>('GET', '/v1/policy')
    assert.equal((await refusal(apply(api.root, text))).code, 'unchanged')
  })

  test('rejected: the one who waits learns why', async () => {
    const waiting = root.start(['policy', 'apply', await file(looser(policy)), '--json'])
    const { id } = await inbox()
    const reason = { body: { reason: 'no ticket' } }
    await api.ruth.request('POST', `/v1/requests/${id}/reject`, reason)
    const finished = await waiting.finished
    assert.equal(finished.code, 5)
    assert.match(failure(finished).message, /rejected by ruth@example\.test: no ticket/)
  })

  test('outlives the broker, whose configuration file says something else now', async () => {
    await agreed(looser(policy))
    const before = await version()
    await demo.terminate()
    const { home } = demo.ready
    const operator = { home: join(home, 'operator'), profile: 'root' }
    const again = new RunningHoop(['demo', '--json', '--no-tour', '--home', home], operator)
    try {
      const { broker } = await again.event('ready')
      assert.match(again.stderr, new RegExp(`another policy than version ${before}, which is in`))
      await hoop(['login', '--broker', String(broker), '--as', 'root', '--json'], operator)
      const shown = await hoop(['policy', 'show', '--json'], operator)
      const { version: now, text, authors } = JSON.parse(shown.stdout)
      assert.deepEqual([now, text, authors], [before, looser(policy), ['root@example.test']])
    } finally {
      await again.interrupt()
    }
  })
})
