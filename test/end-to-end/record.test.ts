import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type LocalPort, type Person, TestDemo } from '../support/demo.ts'

interface SessionDocument {
  readonly session: string
  readonly user: string
  readonly connection: string
  readonly started_at: string
  readonly ended_at: string | null
  readonly verdicts: unknown
}

interface Verified {
  readonly ok: boolean
  readonly sessions: number
  readonly failures: readonly { session: string; entry: number | null; reason: string }[]
}

describe('the record', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person
  let carol: Person
  let port: LocalPort

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob, carol } = await demo.logins('alice', 'bob', 'carol'))
    port = await demo.connect(alice)
    const client = await port.client()
    await client.query('SELECT name, ssn FROM people WHERE id = $1', [4])
    const update = client.query("UPDATE people SET notes = 'verified address' WHERE id = 4")
    await bob.json(['approve', await client.held(), '--comment', 'seen on paper'])
    await update
    await client.query('SELECT 1 / 0').catch((error: Error) => client.faults.push(error.message))
    await client.end()
  })
  after(() => demo.stop())

  const search = (who: Person, ...args: string[]) =>
    who.json<SessionDocument[]>(['sessions', 'search', ...args])

  /** The index is fed off the hot path: it follows soon, not at once. */
  const found = async (...args: string[]): Promise<SessionDocument> => {
    for (let left = 40; left > 0; left--) {
      const [session] = await search(carol, ...args)
      if (session?.ended_at) return session
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    throw new Error(`nothing was found for ${args.join(' ')}`)
  }

  test('an auditor finds a session by words, person and connection', async () => {
    const session = await found('verified address')
    assert.equal(session.connection, 'pg-prod')
    assert.match(session.user, /alice/)
    assert.equal((await found('people', '--user', 'alice')).session, session.session)
    assert.deepEqual(await search(carol, 'verified', '--user', 'bob'), [])
    assert.deepEqual(await search(carol, 'no-such-word-anywhere'), [])
  })

  test('it shows statements, parameters, decisions, approver and masked results', async () => {
    const { session } = await found('verified address')
    const shown = await carol.hoop(['sessions', 'show', session, '--json'])
    assert.equal(shown.code, 0, shown.stderr)
    const { entries } = JSON.parse(shown.stdout) as { entries: unknown[] }
    assert.ok(entries.length > 5)
    assert.match(shown.stdout, /UPDATE people SET notes/)
    assert.match(shown.stdout, /seen on paper/)
    assert.match(shown.stdout, /bob/)
    assert.match(shown.stdout, /22012/)
    assert.doesNotMatch(shown.stdout, /457-55-5462/, 'results are recorded as the person saw them')
  })

  test('it can be watched again, by its own person, too', async () => {
    const { session } = await found('verified address')
    for (const who of [carol, alice]) {
      const replay = await who.hoop(['sessions', 'replay', session, '--speed', '1000'])
      assert.equal(replay.code, 0, replay.stderr)
      assert.match(replay.stdout, /UPDATE people SET notes/)
      assert.match(replay.stdout, /\*\*\*/)
      assert.doesNotMatch(replay.stdout, /457-55-5462/)
    }
  })

  test('a requester sees only what is their own', async () => {
    const { session } = await found('verified address')
    const other = await bob.hoop(['sessions', 'show', session, '--json'])
    assert.notEqual(other.code, 0)
    assert.doesNotMatch(other.stdout, /UPDATE/)
    assert.deepEqual(await search(bob, 'verified'), [])
    const own = await alice.json<SessionDocument[]>(['sessions', 'list'])
    assert.ok(own.some((entry) => entry.session === session))
  })

  test('it verifies; one flipped byte is named, with exit code 8', async () => {
    const { session } = await found('verified address')
    const whole = await carol.json<Verified>(['sessions', 'verify', '--all'])
    assert.equal(whole.ok, true)
    assert.deepEqual(whole.failures, [])

    const file = await recording(join(demo.ready.home, 'data', 'sessions'), session)
    const bytes = await readFile(file)
    const at = bytes.indexOf('verified address')
    assert.ok(at > 0)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await writeFile(file, bytes)
    const broken = await carol.hoop(['sessions', 'verify', session, '--json'])
    assert.equal(broken.code, 8)
    const { ok, failures } = JSON.parse(broken.stdout) as Verified
    assert.equal(ok, false)
    assert.equal(failures[0]?.session, session)
    assert.notEqual(failures[0]?.entry, null)
  })
})

async function recording(folder: string, session: string): Promise<string> {
  const names = await readdir(folder, { recursive: true })
  const name = names.find((entry) => entry.endsWith(`${session}.hoop`))
  assert.ok(name, `no file of ${session} in ${names.join(' ')}`)
  return join(folder, name)
}
