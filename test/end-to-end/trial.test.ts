import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import type { Replayed } from '../../protocol/api/trial.ts'
import { type Person, TestDemo } from '../support/demo.ts'
import { failure } from '../support/hoop.ts'

interface ConnectionFile {
  readonly rules: Record<string, unknown>
  readonly mask: Record<string, unknown>
}

interface PolicyFile {
  readonly connections: { readonly 'pg-prod': ConnectionFile }
}

/** A policy that is not in force: held against cases and against what was recorded, by the broker. */
describe('a policy is tried before it is in force', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person
  let carol: Person
  let policy: PolicyFile

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob, carol } = await demo.logins('alice', 'bob', 'carol'))
    policy = inForce()
    const port = await demo.connect(alice)
    const client = await port.client()
    await client.query('SELECT name, ssn FROM people ORDER BY id')
    await client.query('SELECT name FROM people WHERE id = $1', [1])
    await client.query('SELECT name FROM people WHERE id = $1', [2])
    const done = client.query("UPDATE orders SET item = 'lamp' WHERE id = 1")
    await bob.hoop(['approve', await client.held()])
    await done
    await client.end()
  })
  after(() => demo.stop())

  /** The configuration's own policy, wherever it stands. */
  function inForce(): PolicyFile {
    const config = parse(readFileSync(demo.ready.config, 'utf8'))
    if (typeof config.policy !== 'string') return config.policy
    return parse(readFileSync(join(demo.ready.home, config.policy), 'utf8'))
  }

  function candidate(change: (connection: ConnectionFile) => void): string {
    const copy = structuredClone(policy)
    change(copy.connections['pg-prod'])
    const file = join(demo.ready.home, 'candidate.yaml')
    writeFileSync(file, stringify(copy))
    return file
  }

  const replay = (who: Person, file: string) =>
    who.hoop(['policy', 'replay', file, '--since', '1d', '--json'])

  test('the same policy flips nothing: exit 0', async () => {
    const finished = await replay(
      carol,
      candidate(() => undefined),
    )
    assert.equal(finished.code, 0, finished.stderr)
    const answer = JSON.parse(finished.stdout) as Replayed
    assert.deepEqual([answer.flips, answer.shown, answer.looser], [[], [], false])
    assert.ok(answer.statements >= 4)
    const dba = answer.approvals_per_week.find(({ group }) => group === 'dba')
    assert.ok(dba !== undefined && dba.before > 0 && dba.before === dba.after)
  })

  test('what becomes looser is named, with who ran it and where; exit 4', async () => {
    const file = candidate((connection) => {
      Object.assign(connection.rules, { write: 'allow' })
      delete connection.mask['people.ssn']
    })
    const finished = await replay(carol, file)
    assert.equal(finished.code, 4, finished.stderr)
    assert.equal(failure(finished).code, 'policy_looser')
    const { flips, shown, approvals_per_week: weekly } = JSON.parse(finished.stdout) as Replayed
    const flip = flips.find(({ to }) => to.decision === 'allow')
    assert.deepEqual([flip?.from.decision, flip?.looser, flip?.count], ['hold', true, 1])
    assert.match(flip?.examples[0]?.statement ?? '', /^UPDATE orders SET item/)
    assert.match(flip?.to.places.join() ?? '', /candidate\.yaml:\d+/)
    const ssn = shown.find(({ column }) => column === 'public.people.ssn')
    assert.deepEqual([ssn?.to, ssn?.looser, ssn?.count], ['clear', true, 1])
    assert.ok(weekly.every(({ group, before, after: later }) => group !== 'dba' || later < before))
  })

  test('what becomes stricter is listed, and passes', async () => {
    const file = candidate((connection) => {
      Object.assign(connection.rules, { read: { hold: [{ group: 'dba', count: 1 }] } })
    })
    const finished = await carol.hoop(['policy', 'replay', file, '--since', '1d'])
    assert.equal(finished.code, 0, finished.stderr)
    assert.match(finished.stdout, /^- pg-prod: allow .* → hold by 1 of dba .*, 3 times$/m)
    assert.match(finished.stdout, /#\d+ alice@.*: SELECT name, ssn FROM people/)
  })

  test('who oversees nothing replays nothing, and each replay is in the record', async () => {
    const file = candidate(() => undefined)
    const refused = await replay(alice, file)
    assert.deepEqual([refused.code, failure(refused).code], [4, 'overseers_only'])
    const log = readFileSync(join(demo.ready.home, 'data', 'sessions', 'index.log'), 'latin1')
    assert.match(log, /replay/)
  })

  test('a candidate with faults is refused with their places', async () => {
    const file = join(demo.ready.home, 'candidate.yaml')
    writeFileSync(file, 'connections: { pg-prod: { request: [x], rules: { read: alow } } }\n')
    const finished = await replay(carol, file)
    assert.equal(finished.code, 2)
    assert.match(failure(finished).message, /candidate\.yaml:1:\d+ write allow, deny/)
  })

  test('cases by the real catalogue', async () => {
    const file = candidate(() => undefined)
    writeFileSync(
      join(demo.ready.home, 'candidate.test.yaml'),
      stringify({
        tests: [
          {
            who: 'engineers',
            where: 'pg-prod',
            sql: 'SELECT ssn FROM people',
            expect: 'allow',
            masked: 'ssn',
          },
          {
            who: 'engineers',
            where: 'pg-prod',
            sql: 'DELETE FROM orders WHERE id = 1',
            expect: 'hold',
          },
          { who: [], where: 'pg-prod', sql: 'SELECT 1', expect: 'deny' },
        ],
      }),
    )
    const finished = await carol.hoop(['policy', 'test', file, '--broker'])
    assert.equal(finished.code, 0, finished.stdout + finished.stderr)
    const refused = await alice.hoop(['policy', 'test', file, '--broker', '--json'])
    assert.deepEqual([refused.code, failure(refused).code], [4, 'overseers_only'])
  })
})
