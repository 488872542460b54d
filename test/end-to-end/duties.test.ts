import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrokerApi } from '../../cli/broker-api.ts'
import { refusal } from '../support/caller.ts'
import { AtWork } from '../support/duties/at-work.ts'
import { failure } from '../support/hoop.ts'

/** Every back door, tried on a running broker: over the command line, the API and the WebSocket. */

interface Shown {
  readonly id: string
  readonly state: string
  readonly requester: string
}

const MINUTE = 60_000

describe('who may decide, and execute', () => {
  let at: AtWork
  let alice: BrokerApi
  let second: BrokerApi
  let bob: BrokerApi
  let dave: BrokerApi
  let root: BrokerApi
  let ci: BrokerApi

  before(async () => {
    const admin = { name: 'alice-admin', email: 'Alice@Example.test', groups: ['dba', 'admin'] }
    at = await AtWork.start({ people: [admin] })
    ;[alice, second, bob, dave, root, ci] = await Promise.all([
      at.login('alice'),
      at.login('alice-admin'),
      at.login('bob'),
      at.login('dave'),
      at.login('root'),
      at.machine('ci-deploy'),
    ])
  })
  after(() => at?.stop())

  const path = (id: string, verb = '') => `/v1/requests/${id}${verb}`
  const show = (id: string) => bob.request<Shown>('GET', path(id))
  const approve = (who: BrokerApi, id: string) =>
    who.request<Shown>('POST', path(id, '/approve'), { body: {}, fresh: true })
  const reject = (who: BrokerApi, id: string) =>
    who.request<Shown>('POST', path(id, '/reject'), { body: { reason: 'no' }, fresh: true })

  /** `hoop exec --no-wait`; the row that it changes tells whether it ran. */
  const ask = async (who: BrokerApi, row: number): Promise<string> => {
    const sql = `UPDATE people SET salary = salary + 1 WHERE id = ${row}`
    const body = { connection: 'pg-prod', sql, wait: false }
    const text = await (await who.stream('POST', '/v1/exec', { body })).text()
    return /r-[0-9a-hjkmnp-tv-z]{10}/.exec(text)![0]
  }
  const run = async (who: BrokerApi, id: string): Promise<string> =>
    (await who.stream('POST', '/v1/exec', { body: { request: id }, fresh: true })).text()
  const salary = async (row: number): Promise<number> =>
    Number((await at.behind(`SELECT salary FROM people WHERE id = ${row}`))[0])

  test('nobody decides what they asked: not by a second account, not as an administrator', async () => {
    const id = await ask(alice, 1)
    for (const who of [alice, second]) {
      assert.deepEqual(await refusal(approve(who, id)), { code: 'self_approval', exit: 4 })
      assert.deepEqual(await refusal(reject(who, id)), { code: 'self_approval', exit: 4 })
    }
    assert.deepEqual(await refusal(approve(root, id)), { code: 'not_eligible', exit: 4 })
    const typed = await at.cli('alice-admin', ['approve', id, '--json'])
    assert.equal(typed.code, 4)
    assert.match(failure(typed).message, /your own request/)
    assert.equal((await show(id)).state, 'pending')
    await alice.request('POST', path(id, '/cancel'), { body: {} })
  })

  test('a machine asks; its owner decides nothing of it, and runs nothing of it', async () => {
    const id = await ask(ci, 2)
    assert.equal((await show(id)).requester, 'ci-deploy')
    for (const who of [ci, alice, second]) {
      assert.deepEqual(await refusal(approve(who, id)), { code: 'self_approval', exit: 4 })
    }
    assert.equal((await approve(bob, id)).state, 'approved')
    const was = await salary(2)
    for (const who of [alice, second, bob]) {
      assert.deepEqual(await refusal(run(who, id)), { code: 'not_yours', exit: 4 })
    }
    assert.equal(await salary(2), was)
    const done = await at.cli('ci-deploy', ['exec', '--request', id, '--json'])
    assert.equal(done.code, 0, done.stderr)
    assert.equal(await salary(2), was + 1)
    assert.match(await run(ci, id), /already_executed/)
    assert.equal(await salary(2), was + 1)
  })

  test('a machine decides nothing', async () => {
    const his = await ask(bob, 3)
    assert.deepEqual(await refusal(approve(ci, his)), { code: 'not_eligible', exit: 4 })
    const hers = await ask(alice, 3)
    assert.deepEqual(await refusal(reject(ci, hers)), { code: 'self_approval', exit: 4 })
    for (const [who, id] of [
      [bob, his],
      [alice, hers],
    ] as const) {
      await who.request('POST', path(id, '/cancel'), { body: {} })
    }
  })

  test('calls that race: one approval of one person, one execution', async () => {
    const id = await ask(alice, 4)
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => approve(bob, id)))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    const was = await salary(4)
    const runs = await Promise.allSettled(Array.from({ length: 5 }, () => run(alice, id)))
    const ran = runs.filter((one) => one.status === 'fulfilled' && /"done"/.test(one.value))
    assert.equal(ran.length, 1)
    assert.equal(await salary(4), was + 1)
  })

  test('guessed ids tell nothing and do nothing', async () => {
    for (const id of ['r-0000000000', 'r-zzzzzzzzzz']) {
      assert.deepEqual(await refusal(approve(bob, id)), { code: 'unknown_request', exit: 1 })
      assert.deepEqual(await refusal(run(alice, id)), { code: 'unknown_request', exit: 1 })
    }
  })

  test('sod explain names who could, who could not, and why', async () => {
    const id = await ask(ci, 5)
    const duties = await bob.request<{
      people: { person: string; may: boolean; why: string; also: string[] }[]
      rules: string[]
    }>('GET', path(id, '/sod'))
    const of = (name: string) => duties.people.find(({ person }) => person.startsWith(name))
    assert.equal(of('bob@')?.may, true)
    assert.match(of('alice@')?.why ?? '', /the owner of ci-deploy/)
    assert.match(of('Alice@')?.why ?? '', /the owner of ci-deploy/)
    assert.deepEqual([...(of('alice@')?.also ?? [])].sort(), ['Alice@Example.test', 'ci-deploy'])
    assert.match(of('root@')?.why ?? '', /not an approver/)
    await alice.request('POST', path(id, '/cancel'), { body: { reason: 'its owner says so' } })
    assert.equal((await show(id)).state, 'cancelled')
  })

  test('an old token decides nothing: a new one is got, and who lost the group decides no more', async () => {
    const id = await ask(alice, 1)
    at.demo.provider.setGroups('dave', ['engineers'])
    at.later(MINUTE + 1000)
    const body = {}
    const old = dave.request('POST', path(id, '/approve'), { body })
    assert.deepEqual(await refusal(old), { code: 'not_eligible', exit: 4 })
    assert.equal(
      (await bob.request<Shown>('POST', path(id, '/approve'), { body })).state,
      'approved',
    )
    await alice.request('POST', path(id, '/cancel'), { body })
    at.demo.provider.setGroups('dave', ['engineers', 'dba'])
  })

  test('in a connection: who lost the group meanwhile executes nothing', async () => {
    const { client, held } = await at.client(alice)
    const was = await salary(1)
    const lost = client.query('UPDATE people SET salary = salary + 1 WHERE id = 1')
    lost.catch(() => undefined)
    const id = await held()
    at.demo.provider.setGroups('alice', [])
    at.later(MINUTE + 1000)
    await approve(bob, id)
    await assert.rejects(lost, { code: '42501' })
    assert.equal(await salary(1), was)
    assert.equal((await show(id)).state, 'cancelled')
    at.demo.provider.setGroups('alice', ['engineers'])
    // A token that was on its way meanwhile still says what was.
    const groups = async (): Promise<readonly string[]> =>
      (await alice.request<{ groups: string[] }>('GET', '/v1/whoami', { fresh: 'anew' })).groups
    while (!(await groups()).includes('engineers'));
  })

  test('in a connection: who still has it executes, with a token of just now', async () => {
    const { client, held } = await at.client(alice)
    const was = await salary(1)
    const update = client.query('UPDATE people SET salary = salary + 1 WHERE id = 1')
    const id = await held()
    at.later(MINUTE + 1000)
    await approve(bob, id)
    assert.equal((await update).rowCount, 1)
    assert.equal(await salary(1), was + 1)
  })

  test('hoop exec that waits shows who it is now, before it runs', async () => {
    const was = await salary(5)
    const sql = 'UPDATE people SET salary = salary + 1 WHERE id = 5'
    const waiting = at.cli('alice', ['exec', 'pg-prod', '-c', sql, '--json'])
    let ended = ''
    const whole = waiting.then((done) => {
      ended = `it ended: ${done.stderr}`
      return done
    })
    const find = async (): Promise<string> => {
      assert.equal(ended, '')
      const query = { view: 'inbox' }
      const [first] = await bob.request<Shown[]>('GET', '/v1/requests', { query })
      return first?.id ?? find()
    }
    const id = await find()
    at.later(MINUTE + 1000)
    await approve(bob, id)
    const done = await whole
    assert.equal(done.code, 0, done.stderr)
    assert.equal(await salary(5), was + 1)
  })
})
