import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Explanation } from '../../protocol/api/explain.ts'
import { type Person, TestDemo } from '../support/demo.ts'

describe('hoop policy explain', () => {
  let demo: TestDemo
  let alice: Person

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice } = await demo.logins('alice'))
  })
  after(() => demo.stop())

  const explain = (sql: string) =>
    alice.json<Explanation>(['policy', 'explain', 'pg-prod', '-c', sql])
  const screen = async (sql: string) =>
    (await alice.hoop(['policy', 'explain', 'pg-prod', '-c', sql], { env: { COLUMNS: '80' } }))
      .stdout

  test('it tells every fact, the decision, and the rule with its line', async () => {
    const { decision, rule, places, masked, facts } = await explain(
      "SELECT id, upper(ssn) AS s FROM people WHERE ssn = '078-05-1120' ORDER BY name",
    )
    assert.deepEqual([decision, rule, masked], ['allow', 'pg-prod.rules.read', ['s']])
    assert.match(places.join(), /^\S+:\d+$/)
    const [only] = facts
    assert.deepEqual(only?.columns_read, ['people.id', 'people.name', 'people.ssn'])
    assert.deepEqual(only?.functions, [
      { name: 'pg_catalog.upper', volatility: 'immutable', harmless: true },
    ])
    assert.deepEqual(only?.predicates, [
      { use: 'equality', columns: ['people.ssn'], guesses: 1, masked: true },
      { use: 'order', columns: ['people.name'], guesses: 0, masked: false },
    ])
    assert.deepEqual(only?.output, [
      { name: 'id', origins: ['people.id'], mask: null },
      { name: 's', origins: ['people.ssn'], mask: 'redact' },
    ])
  })

  test('it tells why a predicate is refused, as the statement itself is', async () => {
    const sql = "SELECT name FROM people WHERE ssn LIKE '0%'"
    const { decision, rule, reason } = await explain(sql)
    assert.deepEqual([decision, rule], ['deny', 'pg-prod.predicates.filter'])
    assert.match(reason ?? '', /^this statement selects rows by people\.ssn, /)
    const ran = await alice.hoop(['exec', 'pg-prod', '-c', sql])
    assert.notEqual(ran.code, 0)
    assert.match(ran.stderr, /selects rows by people\.ssn/)
  })

  test('a person reads it at 80 columns', async () => {
    const shown = await screen(
      "DELETE FROM orders WHERE item IN (SELECT notes FROM people WHERE ssn > '0')",
    )
    for (const line of shown.split('\n')) assert.ok(line.length <= 80, line)
    assert.match(shown, /^decision {3}hold, needs one of dba$/m)
    assert.match(shown, /^predicate {2}filter: people\.ssn, masked$/m)
    assert.match(shown, /^writes {5}public\.orders/m)
  })
})
