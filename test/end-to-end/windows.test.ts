import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Person, TestDemo } from '../support/demo.ts'
import { failure } from '../support/hoop.ts'

/** Time-boxed windows, as people use them: processes, profiles, real clients. */

interface Window {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly statement: string
  readonly expires_at: string
}

describe('a window', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person
  let dave: Person

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob, dave } = await demo.logins('alice', 'bob', 'dave'))
  })
  after(() => demo.stop())

  const ask = async (...more: string[]): Promise<Window> => {
    const words = ['request', 'pg-prod', '--for', '30m', '--reason', 'a test', ...more]
    const { code, stdout } = await alice.hoop([...words, '--no-wait', '--json'])
    assert.equal(code, 6)
    return JSON.parse(stdout) as Window
  }
  const open = async (...more: string[]): Promise<string> => {
    const { id } = await ask(...more)
    await bob.json(['approve', id])
    return id
  }
  const raise = 'UPDATE people SET salary = salary + 1 WHERE id = 1'

  test('is a request: nobody opens their own, another person does, and it runs from then on', async () => {
    const window = await ask()
    assert.equal(window.kind, 'window')
    assert.match(window.statement, /for 30m from the approval on\n.*\nclasses: write\n/)
    const own = await alice.hoop(['approve', window.id, '--json'])
    assert.equal(own.code, 4)
    assert.equal(failure(own).code, 'self_approval')
    const opened = await bob.json<Window>(['approve', window.id])
    const left = Date.parse(opened.expires_at) - Date.now()
    assert.ok(left > 29 * 60_000 && left <= 30 * 60_000)
    assert.equal((await bob.hoop(['approve', window.id])).code, 1, 'twice is not longer')

    const port = await demo.connect(alice)
    const client = await port.client()
    assert.equal((await client.query(raise)).rowCount, 1)
    await client.query('BEGIN')
    await client.query(raise)
    await client.query('ROLLBACK')
    const done = await alice.hoop(['exec', 'pg-prod', '-c', raise, '--json'])
    assert.equal(done.code, 0)

    const ddl = client.query('CREATE TABLE not_in_it (id int)')
    const held = await client.held()
    await bob.hoop(['reject', held, '--reason', 'not in the window'])
    await assert.rejects(ddl, /rejected/)
    const stranger = await dave.hoop(['exec', 'pg-prod', '-c', raise, '--no-wait'])
    assert.equal(stranger.code, 6, 'it is not of everybody')

    const began = performance.now()
    const slow = client.query(
      'UPDATE people SET salary = salary + 1000 WHERE id = 2 AND pg_sleep(30) IS NULL',
    )
    slow.catch(() => null)
    await demo.behind('SELECT pg_sleep(0.3)')
    await bob.json(['revoke', window.id, '--reason', 'enough'])
    await assert.rejects(slow, /was revoked by bob@example.test: enough/)
    assert.ok(performance.now() - began < 25_000)
    assert.equal((await alice.json<Window>(['show', window.id])).state, 'revoked')
    const again = await alice.hoop(['exec', 'pg-prod', '-c', raise, '--no-wait'])
    assert.equal(again.code, 6, 'held again')
    await port.running.interrupt()
  })

  test('for so many rows: a second session gets what remains, and then it is held', async () => {
    const id = await open('--max-rows', '3', '--tables', 'people')
    const one = await alice.hoop([
      'exec',
      'pg-prod',
      '-c',
      'UPDATE people SET notes = notes WHERE id < 3',
    ])
    assert.equal(one.code, 0, one.stderr)
    const two = await alice.hoop([
      'exec',
      'pg-prod',
      '-c',
      'UPDATE people SET notes = notes WHERE id < 3',
    ])
    assert.equal(two.code, 4, 'two more are too many')
    const three = await alice.hoop([
      'exec',
      'pg-prod',
      '-c',
      'UPDATE people SET notes = notes WHERE id = 3',
    ])
    assert.equal(three.code, 0, three.stderr)
    const four = await alice.hoop(['exec', 'pg-prod', '-c', raise, '--no-wait'])
    assert.equal(four.code, 6)
    assert.equal((await alice.hoop(['revoke', id])).code, 0, 'whose it is may end it')
  })

  test('that nobody may have, or that says nothing, is refused at once', async () => {
    const words = (...more: string[]) =>
      alice.hoop(['request', 'pg-prod', '--reason', 'x', '--no-wait', ...more])
    assert.equal((await words('--for', '9h')).code, 4, 'the policy has eight')
    assert.equal((await words('--for', '1h', '--access', 'admin')).code, 4)
    assert.equal((await words('--for', '1h', '--access', 'read')).code, 2, 'passes anyway')
    assert.equal((await words('--for', '1h', '--access', 'all')).code, 2)
    assert.equal((await words('--for', '1h', '--every', 'someday')).code, 2)
    assert.equal((await words('--for', '1h', '--tables', 'a b c')).code, 2)
  })

  test('waits for the decision, as exec does', async () => {
    const words = ['request', 'pg-prod', '--for', '1h', '--reason', 'to be refused', '--json']
    const asked = alice.start(words)
    const said = /r-[0-9a-z]{10}/
    await asked.until(() => said.test(asked.stderr), 'the request')
    const id = said.exec(asked.stderr)![0]
    await bob.json(['reject', id, '--reason', 'no need'])
    const { code, stdout } = await asked.finished
    assert.equal(code, 5)
    assert.equal((JSON.parse(stdout) as Window).state, 'rejected')
  })
})
