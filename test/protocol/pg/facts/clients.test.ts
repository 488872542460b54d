/** What honest clients send (taken from the log of a server that they worked with) must pass. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Catalogue } from '../../../../protocol/pg/catalogue.ts'
import { lines, loadParser, statements, Target } from './target.ts'

interface Sent {
  readonly client: string
  readonly sql: string
}

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  await target.run('fixture', ['CREATE TABLE pgbench_accounts (aid int, bid int, abalance int)'])
  await target.run('fixture', ['CREATE TABLE pgbench_branches (bid int, bbalance int)'])
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

test('psql, pg_dump, pgbench and drivers are never held or refused', () => {
  for (const { client, sql } of lines<Sent>('clients.jsonl')) {
    for (const facts of statements(sql, catalogue)) {
      const passes = ['read', 'session', 'transaction'].includes(facts.class)
      assert.ok(passes, `${client}: ${facts.class}, ${facts.why}: ${sql}`)
      assert.equal(facts.refusal, null, `${client}: ${sql}`)
    }
  }
})

test('all their output is understood', () => {
  for (const { client, sql } of lines<Sent>('clients.jsonl')) {
    for (const facts of statements(sql, catalogue)) {
      if (facts.node === 'SelectStmt') assert.notEqual(facts.output, null, `${client}: ${sql}`)
    }
  }
})

/** The server's own word (RowDescription) against lineage, on every query that this server runs. */
test('names and origins are those that the server gives', async () => {
  const client = await target.client('fixture')
  let compared = 0
  for (const { sql } of lines<Sent>('clients.jsonl')) {
    const all = statements(sql, catalogue)
    const [facts] = all
    if (all.length !== 1 || facts?.node !== 'SelectStmt' || facts.output === null) continue
    await client.query('BEGIN READ ONLY')
    try {
      const { fields } = await client.query({ text: sql, rowMode: 'array' })
      assert.deepEqual(
        facts.output.map((one) => one.name),
        fields.map((field) => field.name),
        sql,
      )
      for (const [index, { tableID, columnID }] of fields.entries()) {
        if (tableID === 0 || columnID <= 0) continue
        const { origins } = facts.output[index]!
        const found = origins.some((one) => one.table === tableID && one.column === columnID)
        assert.ok(found, `${fields[index]!.name}: ${sql}`)
      }
      compared++
    } catch (error) {
      // Written for another version of the server, or with parameters.
      if (!(error instanceof Error) || !('severity' in error)) throw error
    } finally {
      await client.query('ROLLBACK')
    }
  }
  await client.end()
  assert.ok(compared > 200, `${compared} compared`)
})
