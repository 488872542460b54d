import assert from 'node:assert/strict'
import type { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Kysely } from 'kysely'
import { migrate } from '../../../broker/store/migrations.ts'
import { NodeSqliteDialect, openDatabase } from '../../../broker/store/sqlite.ts'

/** What the database refuses of versions and sealed values, tried with plain SQL. */

const DIGEST = 'a'.repeat(64)

async function database(): Promise<DatabaseSync> {
  const raw = openDatabase(':memory:', 'FULL')
  await migrate(new Kysely({ dialect: new NodeSqliteDialect(raw) }))
  return raw
}

function insert(raw: DatabaseSync, table: string, row: Record<string, string | number | null>) {
  const names = Object.keys(row)
  const values = Object.values(row)
  raw.prepare(`insert into ${table} (${names}) values (${names.map(() => '?')})`).run(...values)
}

const version = (raw: DatabaseSync, more: Record<string, string | number | null> = {}) =>
  insert(raw, 'version', {
    ...{ kind: 'policy', name: '', number: 1, body: 'one', digest: DIGEST },
    ...{ request_id: null, authors: '[]', at: 10, ...more },
  })

interface Asked {
  readonly kind: string
  readonly name?: string
  readonly base?: number
  readonly body?: string
  readonly box?: string
}

/** A request that is pending, with all that it must have. */
function pending(
  raw: DatabaseSync,
  id: string,
  asked: Asked,
  leave: 'proposal' | 'box' | null = null,
) {
  const { kind, name = '', base = 1, body = 'two', box = '{}' } = asked
  raw.exec('begin')
  try {
    insert(raw, 'request', {
      ...{ id, kind, session: null, issuer: 'idp', subject: 'root', email: null, groups: '[]' },
      ...{ keys: '["account:idp root"]', machine: 0, connection: 'hoop', database: '' },
      ...{ statement: 's', parameters: '[]', class: kind, effect: 'e', digest: DIGEST, size: 1 },
      ...{ reason: null, in_transaction: 0, facts: 'null', spool: null, separate: '[]' },
      ...{ rule_labels: '[]', rule_authors: '[]', state: 'pending', place: 0, until: 100 },
    })
    const need = {
      request_id: id,
      alternative: 0,
      place: 0,
      group_name: 'admin',
      count: 1,
      opens: 0,
    }
    insert(raw, 'request_need', need)
    if (leave !== 'proposal') {
      insert(raw, 'proposal', { request_id: id, kind, name, base, body })
      if (kind === 'secret' && leave !== 'box') insert(raw, 'sealed', { request_id: id, box })
    }
    state(raw, id, { from: 'new', to: 'pending', place: 0 })
    raw.exec('commit')
  } catch (error) {
    raw.exec('rollback')
    throw error
  }
}

function state(raw: DatabaseSync, id: string, step: { from: string; to: string; place: number }) {
  const { from, to, place } = step
  insert(raw, 'request_state', {
    ...{ request_id: id, place, previous_place: place === 0 ? null : place - 1 },
    ...{ from_state: from, to_state: to, at: 10 + place, until: to === 'pending' ? 100 : null },
  })
}

test('the first version needs no request, every other one does', async () => {
  const raw = await database()
  version(raw)
  assert.throws(() => version(raw, { number: 2 }), /constraint/)
  assert.throws(() => version(raw, { kind: 'secret', name: 'db' }), /constraint/)
  assert.throws(() => version(raw, { kind: 'connection', name: 'pg' }), /constraint/)
  assert.throws(() => version(raw, { number: 1 }), /follows/)
})

test('a version is never changed nor removed', async () => {
  const raw = await database()
  version(raw)
  for (const set of [`body = 'x'`, 'number = 2', `authors = '[1]'`, 'at = 0']) {
    assert.throws(() => raw.exec(`update version set ${set}`), /never changed/)
  }
  assert.throws(() => raw.exec('delete from version'), /never removed/)
  assert.throws(
    () => raw.exec('insert or replace into version select * from version'),
    /never|follows/,
  )
})

test('a version comes of an approved request alone, and is what was approved', async () => {
  const raw = await database()
  version(raw)
  pending(raw, 'r', { kind: 'policy' })
  const two = { number: 2, body: 'two', request_id: 'r' }
  assert.throws(() => version(raw, two), /what was approved/)
  assert.throws(() => version(raw, { ...two, request_id: 'nothing' }), /what was approved/)
  state(raw, 'r', { from: 'pending', to: 'cancelled', place: 1 })
  assert.throws(() => version(raw, two), /what was approved/)
})

test('a request for a change says what it would bring, before it is pending', async () => {
  const raw = await database()
  version(raw)
  for (const kind of ['policy', 'connection', 'secret']) {
    assert.throws(
      () => pending(raw, 'r', { kind }, 'proposal'),
      /says what it would bring|sealed when/,
    )
  }
  assert.throws(() => pending(raw, 'r', { kind: 'secret', base: 0 }, 'box'), /sealed when/)
  pending(raw, 'r', { kind: 'policy' })
  const late = { request_id: 'r', kind: 'policy', name: 'x', base: 0, body: 'y' }
  assert.throws(() => insert(raw, 'proposal', late), /before it is pending/)
  assert.throws(() => raw.exec(`update proposal set body = 'x'`), /never changed/)
  assert.throws(() => raw.exec('delete from proposal'), /never removed/)
})

test('it is made on what is in force', async () => {
  const raw = await database()
  version(raw)
  for (const base of [0, 2]) {
    assert.throws(() => pending(raw, 'r', { kind: 'policy', base }), /another version/)
  }
})

test('a sealed value is kept while it may come into force, and can only be destroyed', async () => {
  const raw = await database()
  version(raw)
  pending(raw, 'r', { kind: 'secret', name: 'db', base: 0 })
  assert.throws(() => raw.exec('update sealed set box = null'), /is not destroyed/)
  assert.throws(() => raw.exec(`update sealed set box = '{"a":1}'`), /never changed|not destroyed/)
  assert.throws(() => raw.exec('delete from sealed'), /never removed/)
  state(raw, 'r', { from: 'pending', to: 'cancelled', place: 1 })
  raw.exec('update sealed set box = null')
  assert.throws(() => raw.exec(`update sealed set box = '{}'`), /never changed/)
})

test('a policy has no sealed value', async () => {
  const raw = await database()
  version(raw)
  pending(raw, 'r', { kind: 'policy' })
  assert.throws(() => insert(raw, 'sealed', { request_id: 'r', box: '{}' }), /sealed when/)
})

test('a request names a version that there was', async () => {
  const raw = await database()
  version(raw)
  pending(raw, 'r', { kind: 'policy' })
  assert.throws(() => raw.exec('update request set policy_version = 2'), /never changes/)
})
