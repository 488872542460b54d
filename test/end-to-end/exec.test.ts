import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Person, TestDemo } from '../support/demo.ts'
import { failure, type RunningHoop } from '../support/hoop.ts'

interface ExecDocument {
  readonly request: unknown
  readonly results: readonly {
    readonly command: string
    readonly row_count: number | null
    readonly fields: readonly { name: string; type: string; masked: boolean }[]
    readonly rows: readonly (readonly (string | null)[])[]
  }[]
}

const REQUEST = /\br-[0-9a-hjkmnp-tv-z]{10}\b/

describe('hoop exec', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob } = await demo.logins('alice', 'bob'))
  })
  after(() => demo.stop())

  const exec = (...args: string[]) => alice.hoop(['exec', 'pg-prod', ...args, '--json'])
  const waiting = (...args: string[]) => alice.start(['exec', 'pg-prod', ...args, '--json'])
  const heldId = async (running: RunningHoop) => {
    await running.until(() => REQUEST.test(running.stderr + running.stdout), 'a request was named')
    return REQUEST.exec(running.stderr + running.stdout)?.[0] ?? ''
  }
  const notes = async (id: number) => {
    const rows = await demo.behind<{ notes: string | null }>(
      `SELECT notes FROM people WHERE id = ${id}`,
    )
    return rows[0]?.notes
  }

  test('0: a read, with fields and masks', async () => {
    const read = await alice.json<ExecDocument>([
      ...['exec', 'pg-prod', '-c', 'SELECT id, ssn, notes FROM people ORDER BY id LIMIT 2'],
    ])
    assert.equal(read.request, null)
    assert.equal(read.results.length, 1)
    const result = read.results[0]
    assert.equal(result?.command, 'SELECT')
    assert.equal(result?.row_count, 2)
    assert.deepEqual(
      result?.fields.map(({ name, masked }) => [name, masked]),
      [
        ['id', false],
        ['ssn', true],
        ['notes', false],
      ],
    )
    assert.deepEqual(result?.rows, [
      ['1', '***', 'prefers e-mail'],
      ['2', '***', null],
    ])
  })

  test('0: text from stdin, as CSV', async () => {
    const input = "SELECT 1 AS a, 'x,y' AS b, NULL AS c"
    const csv = await alice.hoop(['exec', 'pg-prod', '--csv'], { input })
    assert.equal(csv.code, 0, csv.stderr)
    assert.equal(csv.stdout.replaceAll('\r\n', '\n'), 'a,b,c\n1,"x,y",\n')
  })

  test('0: approved while it waits', async () => {
    const running = waiting('-c', "UPDATE people SET notes = 'exec' WHERE id = 1", '--wait', '60s')
    await bob.json(['approve', await heldId(running)])
    const finished = await running.finished
    assert.equal(finished.code, 0, finished.stderr)
    const document = JSON.parse(finished.stdout) as ExecDocument
    assert.equal(document.results[0]?.command, 'UPDATE')
    assert.equal(document.results[0]?.row_count, 1)
    assert.equal(await notes(1), 'exec')
  })

  test('1: the target says no, before and after an approval', async () => {
    const read = await exec('-c', 'SELECT 1 / 0')
    assert.equal(read.code, 1)
    const running = waiting('-c', 'INSERT INTO people (id, name) VALUES (1, $$twice$$)')
    const id = await heldId(running)
    await bob.json(['approve', id])
    assert.equal((await running.finished).code, 1)
    const { state, outcome } = await bob.json<{ state: string; outcome: { sqlstate: string } }>([
      ...['show', id],
    ])
    assert.equal(state, 'executed')
    assert.equal(outcome.sqlstate, '23505')
  })

  test('2: wrong usage', async () => {
    assert.equal((await exec('-c', 'SELECT 1', '--such-a-flag')).code, 2)
    assert.equal((await exec('-c', 'SELECT 1', '-f', 'also.sql')).code, 2)
  })

  test('3: not logged in', async () => {
    const stranger = demo.stranger('erin')
    const answer = await stranger.hoop(['exec', 'pg-prod', '-c', 'SELECT 1', '--json'])
    assert.equal(answer.code, 3)
    assert.equal(failure(answer).exit, 3)
  })

  test('4: denied by policy', async () => {
    for (const sql of ['CREATE ROLE intruder', "SELECT 1 FROM people WHERE ssn LIKE '1%'"]) {
      const answer = await exec('-c', sql)
      assert.equal(answer.code, 4, sql)
      assert.equal(failure(answer).exit, 4, sql)
    }
  })

  test('5: rejected by an approver', async () => {
    const running = waiting('-c', "UPDATE people SET notes = 'no' WHERE id = 2")
    await bob.json(['reject', await heldId(running), '--reason', 'wrong table'])
    const answer = await running.finished
    assert.equal(answer.code, 5)
    assert.match(failure(answer).message, /wrong table/)
    assert.equal(await notes(2), null)
  })

  test('6: nobody decided in time; it stays, and runs later, once', async () => {
    const late = await exec('-c', "UPDATE people SET notes = 'late' WHERE id = 3", '--wait', '1s')
    assert.equal(late.code, 6)
    const id = REQUEST.exec(late.stderr + late.stdout)?.[0] ?? ''
    assert.equal((await alice.hoop(['exec', '--request', id, '--json'])).code, 6)
    assert.equal((await bob.hoop(['exec', '--request', id, '--json'])).code !== 0, true)
    await bob.json(['approve', id])
    assert.equal(await notes(3), 'on leave in May', 'approved is not yet run')
    const ran = await alice.json<ExecDocument>(['exec', '--request', id])
    assert.equal(ran.results[0]?.row_count, 1)
    assert.equal(await notes(3), 'late')
    assert.equal((await alice.hoop(['exec', '--request', id, '--json'])).code, 1)
  })

  test('6: --no-wait prints the request', async () => {
    const answer = await exec('-c', 'DELETE FROM orders WHERE id = 1', '--no-wait')
    assert.equal(answer.code, 6)
    const id = REQUEST.exec(answer.stdout)?.[0] ?? ''
    const seen = await bob.json<{ state: string; kind: string }>(['show', id])
    assert.deepEqual([seen.state, seen.kind], ['pending', 'exec'])
    const cancelled = await alice.json<{ state: string }>(['cancel', id])
    assert.equal(cancelled.state, 'cancelled')
    assert.equal((await bob.hoop(['approve', id])).code, 1)
  })

  test('AP-32: a statement with a password is not kept for later', async () => {
    const code = "BEGIN ALTER ROLE x PASSWORD 'hidden-1'; END"
    const sql = `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ ${code} $$`
    const answer = await exec('-c', sql, '--no-wait')
    assert.deepEqual([answer.code, failure(answer).code], [2, 'not_kept'])
    const running = waiting('-c', sql, '--wait', '2s')
    const id = await heldId(running)
    assert.doesNotMatch((await bob.hoop(['show', id])).stdout, /hidden-1/)
    await running.finished
    assert.equal((await bob.json<{ state: string }>(['show', id])).state, 'cancelled')
  })

  test('Ctrl-C cancels what waits', async () => {
    const running = waiting('-c', 'DELETE FROM orders WHERE id = 2')
    const id = await heldId(running)
    const answer = await running.interrupt()
    assert.notEqual(answer.code, 0)
    assert.equal((await bob.json<{ state: string }>(['show', id])).state, 'cancelled')
    assert.equal((await bob.hoop(['approve', id])).code, 1)
  })

  test('7: no broker there', async () => {
    const env = { HOOP_BROKER: 'http://127.0.0.1:1' }
    const nobody = await alice.hoop(['login', '--broker', 'http://127.0.0.1:1', '--json'], { env })
    assert.equal(nobody.code, 7)
    assert.equal(failure(nobody).exit, 7)
  })

  test('an unknown connection and an unknown request are named', async () => {
    const connection = await alice.hoop(['exec', 'pg-nowhere', '-c', 'SELECT 1', '--json'])
    assert.notEqual(connection.code, 0)
    assert.match(failure(connection).message, /pg-nowhere/)
    const request = await bob.hoop(['approve', 'r-0000000000', '--json'])
    assert.equal(request.code, 1)
  })
})
