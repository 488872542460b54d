import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type LocalPort, type Person, TestDemo } from '../support/demo.ts'
import { failure } from '../support/hoop.ts'

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
  let dave: Person
  let root: Person
  let ruth: Person
  let port: LocalPort
  let policy: string

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob, dave, root, ruth } = await demo.logins('alice', 'bob', 'dave', 'root', 'ruth'))
    port = await demo.connect(alice)
    policy = await readFile(join(demo.ready.home, 'policy.yaml'), 'utf8')
  })
  after(() => demo.stop())

  const file = async (text: string) => {
    const path = join(demo.ready.home, 'candidate.yaml')
    await writeFile(path, text)
    return path
  }
  const apply = async (who: Person, text: string) => {
    const finished = await who.hoop(['policy', 'apply', await file(text), '--no-wait', '--json'])
    assert.equal(finished.code, 6, finished.stderr)
    return JSON.parse(finished.stdout) as RequestDocument
  }
  const agreed = async (text: string) => {
    const asked = await apply(root, text)
    await ruth.json(['approve', asked.id])
    return over(asked.id)
  }
  const over = async (id: string): Promise<RequestDocument> => {
    const seen = await root.json<RequestDocument>(['show', id])
    return seen.state === 'approved' ? over(id) : seen
  }
  const looser = (text: string) => text.replace(/write: .*/, 'write: allow')
  const version = async () => (await root.json<{ version: number }>(['policy', 'show'])).version

  test('begins with that of the configuration file, and says so', async () => {
    const shown = await root.json<Record<string, unknown>>(['policy', 'show'])
    assert.equal(shown['version'], 1)
    assert.equal(shown['request'], null)
    assert.equal(shown['text'], policy)
    assert.equal((await alice.hoop(['policy', 'show'])).code, 4)
  })

  test('is asked for by administrators alone', async () => {
    for (const person of [alice, bob, dave]) {
      const answer = await person.hoop(['policy', 'apply', await file(looser(policy)), '--json'])
      assert.equal(answer.code, 4, person.name)
      assert.equal(failure(answer).code, 'not_allowed')
    }
  })

  test('names the faults of a file by line and column, and asks nobody', async () => {
    const wrong = policy.replace('read: allow', 'read: alow')
    const answer = await root.hoop(['policy', 'apply', await file(wrong), '--json'])
    assert.equal(answer.code, 2)
    assert.match(failure(answer).message, /^candidate\.yaml:5:13 /)
    const silent = policy.replace('pg-prod', 'elsewhere')
    const left = await root.hoop(['policy', 'apply', await file(silent), '--json'])
    assert.equal(left.code, 2)
    assert.match(failure(left).message, /nothing is said of pg-prod/)
    assert.deepEqual(await root.json(['requests', '--mine']), [])
  })

  test('is not approved by the one who asks, nor by who is no administrator', async () => {
    const { id, kind, statement, effect } = await apply(root, looser(policy))
    assert.equal(kind, 'policy')
    assert.match(effect, /1 looser/)
    assert.match(statement, /looser +pg-prod rules\.write: hold for 1 of dba -> allow/)
    assert.match(statement, /^-.*write: \{ hold/m)
    assert.match(statement, /^\+.*write: allow$/m)
    const own = await root.hoop(['approve', id, '--json'])
    assert.equal(own.code, 4)
    assert.equal(failure(own).code, 'self_approval')
    for (const person of [bob, dave, alice]) {
      assert.equal((await person.hoop(['approve', id, '--json'])).code, 4, person.name)
    }
    assert.equal((await ruth.hoop(['approve', 'r-0000000000', '--json'])).code, 1, 'a guessed id')
    assert.equal((await ruth.hoop(['exec', '--request', id, '--json'])).code, 4, 'it is no exec')
    assert.equal(await version(), 1)
    const rejected = await ruth.hoop(['reject', id, '--reason', 'not this quarter'])
    assert.equal(rejected.code, 0)
    assert.equal((await ruth.hoop(['approve', id, '--json'])).code, 1, 'it is over')
    assert.equal(await version(), 1)
  })

  test('waits for the other administrator, and is in force for a session that is open', async () => {
    const client = await port.client()
    const waiting = root.start(['policy', 'apply', await file(looser(policy)), '--json'])
    const { id } = await inbox(ruth)
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
    await bob.json(['reject', held, '--reason', 'enough'])
    await assert.rejects(update, { code: '42501' })
    await client.end()
  })

  const inbox = async (who: Person): Promise<RequestDocument> => {
    const [first] = await who.json<RequestDocument[]>(['requests'])
    return first ?? inbox(who)
  }

  test('is approved once, however many approve at the same time', async () => {
    const before = await version()
    const { id } = await apply(root, `${policy}# once\n`)
    const answers = await Promise.all([
      ruth.hoop(['approve', id, '--json']),
      ruth.hoop(['approve', id, '--json']),
      root.hoop(['approve', id, '--json']),
    ])
    assert.deepEqual(answers.map(({ code }) => code).sort(), [0, 1, 4].sort())
    assert.equal((await over(id)).state, 'executed')
    assert.equal(await version(), before + 1)
  })

  test('is void when another came into force on what it was made on', async () => {
    const before = await version()
    const first = await apply(root, `${policy}# first\n`)
    const second = await apply(ruth, `${policy}# second\n`)
    await ruth.json(['approve', first.id])
    assert.equal((await over(first.id)).state, 'executed')
    const late = await root.hoop(['approve', second.id, '--json'])
    assert.equal(late.code, 1)
    assert.match(failure(late).message, /came into force meanwhile/)
    assert.equal((await over(second.id)).state, 'cancelled')
    assert.equal(await version(), before + 1)
  })

  test('that says what is in force already asks nobody', async () => {
    const text = (await root.json<{ text: string }>(['policy', 'show'])).text
    const same = await root.hoop(['policy', 'apply', await file(text), '--json'])
    assert.equal(same.code, 1)
    assert.equal(failure(same).code, 'unchanged')
  })

  test('rejected: the one who waits learns why', async () => {
    const waiting = root.start(['policy', 'apply', await file(looser(policy)), '--json'])
    const { id } = await inbox(ruth)
    await ruth.json(['reject', id, '--reason', 'no ticket'])
    const finished = await waiting.finished
    assert.equal(finished.code, 5)
    assert.match(failure(finished).message, /rejected by ruth@example\.test: no ticket/)
  })
})
