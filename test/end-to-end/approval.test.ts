import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import postgres from 'postgres'
import { type LocalPort, type Person, TestDemo } from '../support/demo.ts'
import { failure } from '../support/hoop.ts'

/** The main job, driven from outside: processes, profiles, real clients through the local port. */

interface RequestDocument {
  readonly id: string
  readonly state: string
  readonly statement: string
  readonly parameters: readonly (string | null)[]
  readonly class: string
  readonly digest: string
  readonly requester: unknown
  readonly connection: string
  readonly needs: readonly { group: string; count: number; have: number }[]
  readonly decisions: readonly { by: unknown; verdict: string; comment: string | null }[]
  readonly outcome: { status: string; sqlstate: string | null; rows: number | null } | null
}

describe('a statement in a connection', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person
  let dave: Person
  let port: LocalPort

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob, dave } = await demo.logins('alice', 'bob', 'dave'))
    port = await demo.connect(alice)
  })
  after(() => demo.stop())

  const salary = async (id: number) => {
    const rows = await demo.behind<{ salary: string }>(`SELECT salary FROM people WHERE id = ${id}`)
    return Number(rows[0]?.salary)
  }
  const request = (who: Person, id: string) => who.json<RequestDocument>(['show', id])
  /** The broker learns from the network that somebody has gone: soon, not at once. */
  const decided = async (id: string): Promise<RequestDocument> => {
    const seen = await request(bob, id)
    return seen.state === 'pending' ? decided(id) : seen
  }

  test('reads pass, protected columns are masked whatever they are called', async () => {
    const client = await port.client()
    const { rows } = await client.query(
      'SELECT id, name, ssn, ssn AS harmless, card_number, salary FROM people ORDER BY id',
    )
    assert.deepEqual(rows[0], {
      id: 1,
      name: 'Ada Winter',
      ssn: '***',
      harmless: '***',
      card_number: '************1111',
      salary: '91000.00',
    })
    assert.equal(rows[5]?.ssn, null, 'NULL stays NULL')
    const { rows: derived } = await client.query(
      "SELECT upper(ssn) || 'x' AS y FROM people LIMIT 1",
    )
    assert.doesNotMatch(JSON.stringify(derived), /078|1120/)
    const { rows: prepared } = await client.query('SELECT ssn FROM people WHERE id = $1', [1])
    assert.deepEqual(prepared, [{ ssn: '***' }])
    await client.end()
  })

  test('a write waits, its requester cannot approve it, another person can, it runs once', async () => {
    const client = await port.client()
    const was = await salary(1)
    const update = client.query('UPDATE people SET salary = salary + $1 WHERE id = $2', [500, 1])
    const id = await client.held()
    assert.equal((await port.running.event('held'))['request'], id)

    const seen = await request(bob, id)
    assert.equal(seen.state, 'pending')
    assert.equal((await bob.hoop(['ask', id, 'which raise is this?'])).code, 0)
    const asked = await port.running.event('question')
    assert.deepEqual([asked['request'], asked['text']], [id, 'which raise is this?'])
    assert.equal((await alice.hoop(['answer', id, 'the yearly one'])).code, 0)
    assert.equal(seen.statement, 'UPDATE people SET salary = salary + $1 WHERE id = $2')
    assert.deepEqual(seen.parameters, ['500', '1'])
    assert.equal(seen.class, 'write')
    assert.match(seen.digest, /^[0-9a-f]{64}$/)
    assert.equal(await salary(1), was, 'nothing has happened at the target')

    const own = await alice.hoop(['approve', id, '--json'])
    assert.equal(own.code, 4)
    assert.equal(failure(own).code, 'self_approval')
    assert.equal((await request(bob, id)).state, 'pending')

    const inbox = await bob.json<RequestDocument[]>(['requests'])
    assert.deepEqual(inbox.map((entry) => entry.id).includes(id), true)
    const approved = await bob.json<RequestDocument>(['approve', id, '--comment', 'ticket 4711'])
    assert.ok(['approved', 'executed'].includes(approved.state))

    assert.equal((await update).rowCount, 1)
    assert.equal(await salary(1), was + 500)
    const done = await request(alice, id)
    assert.equal(done.state, 'executed')
    assert.deepEqual(done.outcome, { status: 'ok', sqlstate: null, rows: 1 })
    assert.equal(done.decisions[0]?.comment, 'ticket 4711')
    assert.equal((await port.running.event('executed'))['request'], id)

    const again = await bob.hoop(['approve', id, '--json'])
    assert.equal(again.code, 1, 'an approval is spent')
    assert.equal(await salary(1), was + 500)
    await client.end()
  })

  test('dave is a dba and an engineer, and still cannot approve what he asks', async () => {
    const own = await demo.connect(dave)
    const client = await own.client()
    const update = client.query('DELETE FROM orders WHERE id = 24')
    const id = await client.held()
    const answer = await dave.hoop(['approve', id, '--json'])
    assert.equal(answer.code, 4)
    assert.equal(failure(answer).code, 'self_approval')
    await bob.json(['approve', id])
    assert.equal((await update).rowCount, 1)
    await client.end()
  })

  test('a rejected statement fails with 42501, who and why, and the connection goes on', async () => {
    const client = await port.client()
    const was = await salary(2)
    const update = client.query('UPDATE people SET salary = 0 WHERE id = 2')
    const id = await client.held()
    await bob.json(['reject', id, '--reason', 'not without a ticket'])
    await assert.rejects(update, (error: Error & { code?: string }) => {
      assert.equal(error.code, '42501')
      assert.match(error.message, /bob/)
      assert.match(error.message, /not without a ticket/)
      return true
    })
    assert.equal((await request(alice, id)).state, 'rejected')
    assert.deepEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
    assert.equal(await salary(2), was)
    await client.end()
  })

  test('inside a transaction a rejection aborts it, and an approval leaves it open', async () => {
    const client = await port.client()
    await client.query('BEGIN')
    const refused = client.query("UPDATE people SET notes = 'x' WHERE id = 2")
    await bob.json(['reject', await client.held(), '--reason', 'no'])
    await assert.rejects(refused, { code: '42501' })
    await assert.rejects(client.query('SELECT 1'), { code: '25P02' })
    await client.query('ROLLBACK')

    await client.query('BEGIN')
    const update = client.query("UPDATE people SET notes = 'in a block' WHERE id = 2")
    await bob.json(['approve', await client.held()])
    assert.equal((await update).rowCount, 1)
    const notes = 'SELECT notes FROM people WHERE id = 2'
    assert.deepEqual((await client.query(notes)).rows, [{ notes: 'in a block' }])
    assert.deepEqual(await demo.behind(notes), [{ notes: null }], 'not committed yet')
    await client.query('COMMIT')
    assert.deepEqual(await demo.behind(notes), [{ notes: 'in a block' }])
    await client.end()
  })

  test('a client that goes away takes its request with it', async () => {
    const client = await port.client()
    const was = await salary(3)
    void client.query('UPDATE people SET salary = 1 WHERE id = 3')
    const id = await client.held()
    client.destroy()
    assert.equal((await decided(id)).state, 'cancelled')
    const late = await bob.hoop(['approve', id, '--json'])
    assert.equal(late.code, 1)
    assert.equal(await salary(3), was)
  })

  test('Ctrl-C in the client cancels what waits, and the connection goes on', async () => {
    const sql = postgres(port.ready.url, { max: 1, onnotice: () => undefined })
    port.running.forget()
    const update = sql`UPDATE people SET salary = 2 WHERE id = 3`
    const outcome = update.then(
      () => 'ran',
      (error: Error & { code?: string }) => error.code,
    )
    const id = (await port.running.event('held'))['request'] as string
    update.cancel()
    assert.match(String(await outcome), /^(57014|42501)$/)
    assert.equal((await decided(id)).state, 'cancelled')
    assert.deepEqual([...(await sql`SELECT 1 AS one`)], [{ one: 1 }])
    await sql.end()
  })

  test('postgres.js, which waits for answers before it binds, is held and answered alike', async () => {
    const sql = postgres(port.ready.url, { max: 1, onnotice: () => undefined })
    const rows = await sql`SELECT ssn, salary FROM people WHERE id = ${4}`
    assert.deepEqual([...rows], [{ ssn: '***', salary: '70250.00' }])
    port.running.forget()
    const insert = sql`INSERT INTO orders (person_id, item, amount) VALUES (${4}, ${'tea'}, ${3}) RETURNING item`
    const returned = insert.execute()
    const id = (await port.running.event('held'))['request'] as string
    await bob.json(['approve', id])
    assert.deepEqual([...(await returned)], [{ item: 'tea' }])
    await sql.end()
  })

  test('what policy denies never asks anybody', async () => {
    const client = await port.client()
    await assert.rejects(client.query('CREATE ROLE intruder SUPERUSER'), { code: '42501' })
    await assert.rejects(client.query('SET ROLE postgres'), { code: '42501' })
    assert.deepEqual(client.notices, [])
    await client.end()
  })

  test('the local password is asked for, and the startup packet is checked', async () => {
    const { host, port: number, user, database } = port.ready
    const wrong = postgres({ host, port: number, user, database, password: 'wrong', max: 1 })
    await assert.rejects(wrong`SELECT 1`, { code: '28P01' })
    await wrong.end()
    const elsewhere = postgres(port.ready.url, { database: 'template1', max: 1 })
    await assert.rejects(elsewhere`SELECT 1`, { code: '3D000' })
    await elsewhere.end()
  })

  test('the port and the password are the same the next time', async () => {
    const first = await demo.connect(bob)
    await first.running.interrupt()
    const second = await demo.connect(bob)
    assert.equal(second.ready.port, first.ready.port)
    assert.equal(second.ready.password, first.ready.password)
    assert.notEqual(second.ready.password, port.ready.password)
  })
})
