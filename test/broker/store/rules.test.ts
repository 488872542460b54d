import assert from 'node:assert/strict'
import type { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Kysely } from 'kysely'
import { migrate } from '../../../broker/store/migrations.ts'
import { NodeSqliteDialect, openDatabase } from '../../../broker/store/sqlite.ts'
import { STATES, TRANSITIONS } from '../../../broker/store/store.ts'

/**
 * What the database itself refuses, tried with plain SQL: no code of the store stands between. Time
 * is in small numbers: a request is made at 10 and ends at 100; approved at 50, it ends at 200.
 */

async function database(): Promise<DatabaseSync> {
  const raw = openDatabase(':memory:', 'FULL')
  await migrate(new Kysely({ dialect: new NodeSqliteDialect(raw) }))
  return raw
}

const DIGEST = 'a'.repeat(64)

function request(raw: DatabaseSync, id: string, more: Record<string, string | number | null> = {}) {
  const row = {
    id,
    kind: 'exec',
    session: null,
    issuer: 'idp',
    subject: 'alice',
    email: 'alice@x.org',
    groups: '[]',
    connection: 'pg',
    database: 'app',
    statement: 'delete from t',
    parameters: '[]',
    class: 'write',
    effect: 'deletes',
    digest: DIGEST,
    size: 13,
    reason: null,
    in_transaction: 0,
    facts: '{}',
    spool: null,
    keys: null as string | null,
    machine: 0,
    separate: '[]',
    rule_labels: '[]',
    rule_authors: '[]',
    state: 'pending',
    place: 0,
    until: 100,
    ...more,
  }
  row.keys ??= JSON.stringify([accountOf(row), `email:${row.email}`.toLowerCase()])
  const names = Object.keys(row)
  raw
    .prepare(`insert into request (${names}) values (${names.map(() => '?')})`)
    .run(...Object.values(row))
}

function accountOf({ issuer, subject }: { issuer: unknown; subject: unknown }): string {
  return `account:${issuer} ${subject}`
}

function need(raw: DatabaseSync, id: string, group = 'dba', count = 1, place = 0, alternative = 0) {
  raw
    .prepare('insert into request_need values (?, ?, ?, ?, ?, 0)')
    .run(id, alternative, place, group, count)
}

interface State {
  from: string
  to: string
  place: number
  previous?: number | null
  at?: number
  until?: number | null
  by?: readonly [string | null, string | null]
}

function state(raw: DatabaseSync, id: string, { from, to, place, ...more }: State) {
  const open = to === 'pending' || to === 'approved'
  const previous = more.previous === undefined ? (place === 0 ? null : place - 1) : more.previous
  const by = to === 'executed' ? ['idp', 'alice'] : [null, null]
  const until = more.until === undefined ? (open ? (place === 0 ? 100 : 200) : null) : more.until
  const at = more.at ?? (to === 'expired' ? 300 : 10 + place * 40)
  raw
    .prepare(
      `insert into request_state
         (request_id, place, previous_place, from_state, to_state, at, until, issuer, subject)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(id, place, previous, from, to, at, until, ...(more.by ?? by))
}

function decision(
  raw: DatabaseSync,
  id: string,
  subject: string,
  more: Record<string, string | number | null> = {},
) {
  const row = {
    request_id: id,
    place: 0,
    issuer: 'idp',
    subject,
    email: `${subject}@x.org`,
    groups: '["dba"]',
    keys: null as string | null,
    machine: 0,
    verdict: 'approve',
    comment: null,
    max_rows: null,
    at: 20,
    ...more,
  }
  row.keys ??= JSON.stringify([accountOf(row)])
  const names = Object.keys(row)
  raw
    .prepare(`insert into decision (${names}) values (${names.map(() => '?')})`)
    .run(...Object.values(row))
}

function decisionGroup(raw: DatabaseSync, id: string, place = 0, group = 'dba') {
  raw.prepare('insert into decision_group values (?, ?, ?)').run(id, place, group)
}

function seat(raw: DatabaseSync, id: string, place = 0, group = 'dba', alternative = 0) {
  raw.prepare('insert into seat values (?, ?, ?, ?)').run(id, place, group, alternative)
}

function pending(raw: DatabaseSync, id: string, needs: readonly [string, number][] = [['dba', 1]]) {
  raw.exec('begin')
  request(raw, id)
  for (const [place, [group, count]] of needs.entries()) need(raw, id, group, count, place)
  state(raw, id, { from: 'new', to: 'pending', place: 0 })
  raw.exec('commit')
}

function bobApproves(raw: DatabaseSync, id: string) {
  decision(raw, id, 'bob')
  decisionGroup(raw, id)
  seat(raw, id)
}

/** A request in any state, by the right way. */
function inState(raw: DatabaseSync, id: string, wanted: string) {
  pending(raw, id)
  if (wanted === 'pending') return
  if (wanted === 'rejected') decision(raw, id, 'bob', { verdict: 'reject' })
  if (wanted === 'approved' || wanted === 'executed') bobApproves(raw, id)
  const first = wanted === 'executed' ? 'approved' : wanted
  state(raw, id, { from: 'pending', to: first, place: 1 })
  if (wanted === 'executed') state(raw, id, { from: 'approved', to: 'executed', place: 2 })
}

function current(raw: DatabaseSync, id: string): unknown {
  return raw.prepare('select state from request where id = ?').get(id)?.['state']
}

test('the right way is open', async () => {
  const raw = await database()
  for (const wanted of ['pending', 'approved', 'executed', 'rejected', 'expired', 'cancelled']) {
    inState(raw, wanted, wanted)
    assert.equal(current(raw, wanted), wanted)
  }
})

test('every pair of states: the foreign key alone lets only the allowed ones through', async () => {
  const raw = await database()
  const triggers = raw.prepare(`select name from sqlite_schema where type = 'trigger'`).all()
  for (const { name } of triggers) {
    if (name !== 'request_state_moves') raw.exec(`drop trigger ${name}`)
  }
  const allowed = new Set(TRANSITIONS.map(([from, to]) => `${from} ${to}`))
  for (const from of STATES.filter((name) => name !== 'revoked')) {
    for (const to of STATES) {
      const id = `${from} ${to}`
      inState(raw, id, from)
      const { count } = raw
        .prepare('select count(*) as count from request_state where request_id = ?')
        .get(id) as { count: number }
      const late = from === 'expired' ? 400 : 90
      const move = () =>
        state(raw, id, { from, to, place: count, at: to === 'expired' ? 300 : late })
      if (allowed.has(id)) {
        move()
        assert.equal(current(raw, id), to)
      } else {
        assert.throws(move, /FOREIGN KEY/, id)
        assert.equal(current(raw, id), from)
      }
    }
  }
})

test('an allowed pair does not help where the request is in another state', async () => {
  const raw = await database()
  inState(raw, 'r', 'rejected')
  const lie = { from: 'approved', to: 'executed' }
  assert.throws(() => state(raw, 'r', { ...lie, place: 2 }), /FOREIGN KEY/)
  assert.throws(() => state(raw, 'r', { ...lie, place: 1 }), /FOREIGN KEY|UNIQUE/)
  assert.throws(() => state(raw, 'r', { ...lie, place: 2, previous: 0 }), /CHECK/)
  assert.throws(() => state(raw, 'r', { ...lie, place: 2, previous: null }), /CHECK/)
})

test('states are one line: a second step from the same state collides', async () => {
  const raw = await database()
  inState(raw, 'r', 'cancelled')
  const again = { from: 'pending', to: 'expired', place: 1 }
  assert.throws(() => state(raw, 'r', again), /UNIQUE/)
  assert.throws(() => state(raw, 'r', { ...again, place: 2, previous: 0 }), /CHECK/)
})

test('spent once', async () => {
  const raw = await database()
  inState(raw, 'r', 'executed')
  assert.throws(() => state(raw, 'r', { from: 'approved', to: 'executed', place: 2 }), /UNIQUE/)
  assert.throws(
    () => state(raw, 'r', { from: 'approved', to: 'executed', place: 3 }),
    /FOREIGN KEY/,
  )
})

const APPEND_ONLY: readonly (readonly [string, string, string])[] = [
  ['transition', `to_state = 'executed'`, 'from_state = from_state'],
  ['request_need', 'true', 'count = 20'],
  ['involved', 'true', `key = 'x'`],
  ['request_state', 'place = 0', 'at = 11'],
  ['decision', 'true', `verdict = 'approve'`],
  ['decision_group', 'true', `group_name = 'x'`],
  ['seat', 'true', `group_name = 'x'`],
  ['outcome', 'true', `status = 'ok'`],
]

for (const [table, where, set] of APPEND_ONLY) {
  test(`${table}: past entries are neither changed nor removed nor replaced`, async () => {
    const raw = await database()
    inState(raw, 'r', 'executed')
    raw.prepare('insert into outcome values (?, ?, ?, ?, ?)').run('r', 'error', '42501', null, 60)
    const before = raw.prepare(`select * from ${table}`).all()
    assert.ok(before.length > 0)
    const sayings = [
      `update ${table} set ${set} where ${where}`,
      `delete from ${table} where ${where}`,
      `insert or replace into ${table} select * from ${table} where ${where}`,
    ]
    for (const text of sayings)
      assert.throws(
        () => raw.exec(text),
        /never|takes part|decide|decision|needs|executed|last entry/,
        text,
      )
    assert.deepEqual(raw.prepare(`select * from ${table}`).all(), before)
  })
}

test('request: no column that says what was asked can be changed', async () => {
  const raw = await database()
  pending(raw, 'r')
  const columns = raw.prepare(`select name from pragma_table_info('request')`).all() as {
    name: string
  }[]
  const names = columns.map(({ name }) => name)
  const derived = ['state', 'place', 'until']
  const numbers = ['number', 'size', 'in_transaction', 'machine']
  const counted = ['number', 'size', 'policy_version']
  const json = ['groups', 'parameters', 'facts', 'spool', 'keys', 'separate', 'rule_labels']
  json.push('rule_authors')
  assert.equal(names.length, 29)
  for (const name of names.filter((column) => !derived.includes(column))) {
    const other = { kind: `'statement'`, digest: `'${'b'.repeat(64)}'` }[name]
    const value =
      other ??
      (numbers.includes(name) ? '1 - in_transaction' : json.includes(name) ? `'[1]'` : `'x'`)
    const set = counted.includes(name) ? `${name} + 7` : value
    assert.throws(() => raw.exec(`update request set ${name} = ${set}`), /never changes/, name)
  }
})

test('request: its state cannot be set beside its entries', async () => {
  const raw = await database()
  pending(raw, 'r')
  for (const set of [
    `state = 'approved'`,
    'place = 1',
    'until = 999',
    `state = 'approved', place = 1`,
  ]) {
    assert.throws(() => raw.exec(`update request set ${set}`), /its last entry/, set)
  }
})

test('request: it is not removed, nor replaced', async () => {
  const raw = await database()
  pending(raw, 'r')
  assert.throws(() => raw.exec('delete from request'), /never removed/)
  assert.throws(
    () => raw.exec('insert or replace into request select * from request'),
    /never removed/,
  )
})

test('request: it starts as pending, with an entry that says so', async () => {
  const raw = await database()
  for (const more of [{ state: 'approved' }, { state: 'executed' }, { place: 1 }]) {
    assert.throws(() => request(raw, 'r', more), /starts as pending/)
  }
  raw.exec('begin')
  request(raw, 'r')
  assert.throws(() => raw.exec('commit'), /FOREIGN KEY/)
  raw.exec('rollback')
})

test('request: it needs somebody, said before it is pending', async () => {
  const raw = await database()
  raw.exec('begin')
  request(raw, 'r')
  assert.throws(() => state(raw, 'r', { from: 'new', to: 'pending', place: 0 }), /at least one/)
  assert.throws(() => need(raw, 'r', 'dba', 0), /CHECK/)
  assert.throws(() => need(raw, 'r', ''), /CHECK/)
  need(raw, 'r')
  assert.throws(() => need(raw, 'r', 'dba', 2, 1), /UNIQUE/)
  const start = { from: 'new', to: 'pending', place: 0 }
  assert.throws(() => state(raw, 'r', { ...start, until: 999 }), /its last entry/)
  assert.throws(() => state(raw, 'r', { ...start, until: null }), /CHECK|its last entry/)
  state(raw, 'r', start)
  raw.exec('commit')
  assert.throws(() => need(raw, 'r', 'security', 1, 1), /before it is pending/)
})

test('request: odd content is refused', async () => {
  const raw = await database()
  const odd = [
    { kind: 'wish' },
    { kind: 'statement', session: null },
    { digest: 'A'.repeat(64) },
    { digest: 'a'.repeat(63) },
    { size: -1 },
    { in_transaction: 2 },
    { facts: '{' },
    { parameters: 'x' },
  ]
  for (const more of odd)
    assert.throws(() => request(raw, 'r', more), /CHECK/, JSON.stringify(more))
})

test('approved: only with every seat taken', async () => {
  const raw = await database()
  const approve = (id: string) => state(raw, id, { from: 'pending', to: 'approved', place: 1 })
  pending(raw, 'none')
  assert.throws(() => approve('none'), /not enough/)
  pending(raw, 'no seat')
  decision(raw, 'no seat', 'bob')
  decisionGroup(raw, 'no seat')
  assert.throws(() => approve('no seat'), /not enough/)
  pending(raw, 'one of two', [['dba', 2]])
  bobApproves(raw, 'one of two')
  assert.throws(() => approve('one of two'), /not enough/)
  pending(raw, 'one group of two', [
    ['dba', 1],
    ['security', 1],
  ])
  bobApproves(raw, 'one group of two')
  assert.throws(() => approve('one group of two'), /not enough/)
})

test('approved: a way that counts after a silence is not enough before it', async () => {
  const raw = await database()
  raw.exec('begin')
  request(raw, 'r')
  need(raw, 'r', 'security', 1)
  const later = raw.prepare('insert into request_need values (?, 1, 0, ?, 1, ?)')
  later.run('r', 'dba', 60)
  assert.throws(
    () => raw.prepare(`insert into request_need values ('r', 0, 1, 'x', 1, 60)`).run(),
    /CHECK/,
    'the first way counts from the beginning',
  )
  state(raw, 'r', { from: 'new', to: 'pending', place: 0 })
  raw.exec('commit')
  decision(raw, 'r', 'bob')
  decisionGroup(raw, 'r')
  seat(raw, 'r', 0, 'dba', 1)
  const approve = (at: number) => state(raw, 'r', { from: 'pending', to: 'approved', place: 1, at })
  assert.throws(() => approve(59), /not enough/)
  approve(60)
  assert.equal(current(raw, 'r'), 'approved')
})

test('approved: not where somebody has rejected', async () => {
  const raw = await database()
  pending(raw, 'r')
  bobApproves(raw, 'r')
  decision(raw, 'r', 'dave', { place: 1, verdict: 'reject' })
  const approve = () => state(raw, 'r', { from: 'pending', to: 'approved', place: 1 })
  assert.throws(approve, /has rejected/)
})

test('rejected: only by somebody', async () => {
  const raw = await database()
  pending(raw, 'r')
  const reject = () => state(raw, 'r', { from: 'pending', to: 'rejected', place: 1 })
  assert.throws(reject, /nobody has rejected/)
})

test('one seat for a person, of a group that they were in and that is needed', async () => {
  const raw = await database()
  pending(raw, 'r', [
    ['dba', 1],
    ['security', 1],
  ])
  decision(raw, 'r', 'bob', { groups: '["dba","security","oncall"]' })
  for (const group of ['dba', 'security', 'oncall']) decisionGroup(raw, 'r', 0, group)
  assert.throws(() => decisionGroup(raw, 'r', 0, 'other'), /that the person was in/)
  seat(raw, 'r')
  assert.throws(() => seat(raw, 'r', 0, 'security'), /UNIQUE/)
  assert.throws(() => seat(raw, 'r', 1, 'security'), /FOREIGN KEY/)
  decision(raw, 'r', 'dave', { place: 1, groups: '["dba"]' })
  decisionGroup(raw, 'r', 1)
  assert.throws(() => seat(raw, 'r', 1, 'security'), /FOREIGN KEY/)
  assert.throws(() => seat(raw, 'r', 1, 'oncall'), /FOREIGN KEY/)
})

test('one decision for a person, by account and by e-mail', async () => {
  const raw = await database()
  pending(raw, 'r', [['dba', 2]])
  decision(raw, 'r', 'bob')
  assert.throws(() => decision(raw, 'r', 'bob', { place: 1 }), /UNIQUE/)
  assert.throws(() => decision(raw, 'r', 'bob', { place: 1, email: null }), /UNIQUE/)
  assert.throws(() => decision(raw, 'r', 'robert', { place: 1, email: 'BOB@x.org' }), /UNIQUE/)
  decision(raw, 'r', 'bob', { place: 1, issuer: 'other', email: null })
})

test('nobody decides their own request', async () => {
  const raw = await database()
  pending(raw, 'r')
  for (const verdict of ['approve', 'reject']) {
    const own = /their own request/
    assert.throws(() => decision(raw, 'r', 'alice', { verdict }), own)
    assert.throws(() => decision(raw, 'r', 'alice', { verdict, email: null }), own)
    const other = { verdict, issuer: 'other', email: 'Alice@X.org' }
    assert.throws(() => decision(raw, 'r', 'al', other), own)
  }
})

test('nothing is decided once it is over, or late', async () => {
  const raw = await database()
  for (const over of ['approved', 'executed', 'rejected', 'expired', 'cancelled']) {
    inState(raw, over, over)
    assert.throws(() => decision(raw, over, 'dave', { place: 1 }), /only a pending/, over)
    assert.throws(() => seat(raw, over), /only a pending|UNIQUE/, over)
  }
  pending(raw, 'late')
  assert.throws(() => decision(raw, 'late', 'bob', { at: 100 }), /only a pending/)
  assert.throws(() => decision(raw, 'no request', 'bob'), /only a pending/)
})

test('what is over in time cannot be approved, nor spent', async () => {
  const raw = await database()
  pending(raw, 'r')
  bobApproves(raw, 'r')
  const approve = { from: 'pending', to: 'approved', place: 1 }
  assert.throws(() => state(raw, 'r', { ...approve, at: 100 }), /too late/)
  assert.throws(() => state(raw, 'r', { ...approve, until: null }), /CHECK/)
  state(raw, 'r', approve)
  const spend = { from: 'approved', to: 'executed', place: 2 }
  assert.throws(() => state(raw, 'r', { ...spend, at: 200 }), /too late/)
  state(raw, 'r', { ...spend, at: 199 })
})

test('nothing expires early, and time does not run backwards', async () => {
  const raw = await database()
  pending(raw, 'r')
  assert.throws(
    () => state(raw, 'r', { from: 'pending', to: 'expired', place: 1, at: 99 }),
    /not expired/,
  )
  assert.throws(
    () => state(raw, 'r', { from: 'pending', to: 'cancelled', place: 1, at: 9 }),
    /cannot begin/,
  )
})

test('an outcome belongs to what was executed, once', async () => {
  const raw = await database()
  const outcome = (id: string) =>
    raw.prepare('insert into outcome values (?, ?, ?, ?, ?)').run(id, 'ok', null, 1, 60)
  for (const other of ['pending', 'approved', 'rejected', 'expired', 'cancelled']) {
    inState(raw, other, other)
    assert.throws(() => outcome(other), /only what was executed/, other)
  }
  inState(raw, 'executed', 'executed')
  outcome('executed')
  assert.throws(() => outcome('executed'), /UNIQUE/)
})

test('questions: one after the other, while it waits, and they stay', async () => {
  const raw = await database()
  pending(raw, 'r-1')
  const say = (id: string, place: number, text = 'why?', part = 'question') =>
    raw
      .prepare('insert into question values (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(id, place, part, 'idp', 'bob', null, '[]', text, 20)
  say('r-1', 0)
  say('r-1', 1, '\0', 'answer')
  assert.throws(() => say('r-1', 1), /question/)
  assert.throws(() => say('r-1', 3), /one comes after the other/)
  assert.throws(() => say('r-1', 2, ''), /CHECK/)
  assert.throws(() => say('r-1', 2, 'x', 'order'), /CHECK/)
  assert.throws(() => raw.exec("update question set text = 'x'"), /never/)
  assert.throws(() => raw.exec('delete from question'), /never/)
  assert.throws(
    () => raw.exec('insert or replace into question select * from question'),
    /never|one/,
  )
  inState(raw, 'r-2', 'rejected')
  assert.throws(() => say('r-2', 0), /only a pending request/)
})

test('different persons: two parts of one person collide, whichever key they share', async () => {
  const raw = await database()
  const shared = ['person:alice', 'claim:employee_id=7', 'email:alice@x.org', 'account:idp alice']
  for (const key of shared) {
    raw.exec('begin')
    request(raw, key, {
      keys: JSON.stringify(['account:idp alice', ...new Set(shared)]),
    })
    need(raw, key)
    state(raw, key, { from: 'new', to: 'pending', place: 0 })
    raw.exec('commit')
    const keys = JSON.stringify(['account:other al', key])
    const other = { issuer: 'other', email: null, keys }
    assert.throws(() => decision(raw, key, 'al', other), /UNIQUE.*involved/, key)
  }
})

test('different persons: two deciders are not one, and no owner decides for a machine', async () => {
  const raw = await database()
  pending(raw, 'two', [['dba', 2]])
  const person = (account: string) => JSON.stringify([`account:idp ${account}`, 'person:bob'])
  decision(raw, 'two', 'bob', { keys: person('bob') })
  const again = { place: 1, email: null, keys: person('robert') }
  assert.throws(() => decision(raw, 'two', 'robert', again), /UNIQUE.*involved/)

  raw.exec('begin')
  const keys = JSON.stringify(['account:idp ci', 'person:bob'])
  request(raw, 'ci', { subject: 'ci', email: null, machine: 1, keys })
  need(raw, 'ci')
  state(raw, 'ci', { from: 'new', to: 'pending', place: 0 })
  raw.exec('commit')
  assert.throws(() => decision(raw, 'ci', 'bob', { keys: person('bob') }), /UNIQUE.*involved/)
})

test('different persons: who last changed the rule neither asks nor decides by it', async () => {
  const raw = await database()
  const rule = { rule_authors: '["account:idp bob"]' }
  raw.exec('begin')
  request(raw, 'r', rule)
  need(raw, 'r')
  state(raw, 'r', { from: 'new', to: 'pending', place: 0 })
  raw.exec('commit')
  assert.throws(() => decision(raw, 'r', 'bob'), /UNIQUE.*involved/)
  assert.throws(() => request(raw, 's', { ...rule, subject: 'bob', email: 'b@x' }), /UNIQUE/)
})

test('different persons: nobody takes part without keys, and keys cannot be made up', async () => {
  const raw = await database()
  assert.throws(() => request(raw, 'r', { keys: '[]' }), /key of their account/)
  assert.throws(() => request(raw, 'r', { keys: '["account:idp bob"]' }), /key of their account/)
  pending(raw, 'r')
  assert.throws(() => decision(raw, 'r', 'bob', { keys: '[]' }), /key of their account/)
  const involve = (part: string) =>
    raw.prepare('insert into involved values (?, ?, ?)').run('r', 'account:idp dave', part)
  for (const part of ['requester', 'rule', 'decider', 'owner']) {
    assert.throws(() => involve(part), /takes part|CHECK/)
  }
})

test('no machine decides', async () => {
  const raw = await database()
  pending(raw, 'r')
  assert.throws(() => decision(raw, 'r', 'ci', { machine: 1 }), /CHECK/)
})

test('executed: by somebody, and by nobody who decided', async () => {
  const raw = await database()
  inState(raw, 'r', 'approved')
  const spend = { from: 'approved', to: 'executed', place: 2 }
  assert.throws(() => state(raw, 'r', { ...spend, by: [null, null] }), /does not execute/)
  assert.throws(() => state(raw, 'r', { ...spend, by: ['idp', 'bob'] }), /does not execute/)
  state(raw, 'r', spend)
})

test('alternatives: one must be full by itself', async () => {
  const raw = await database()
  const approve = (id: string) => state(raw, id, { from: 'pending', to: 'approved', place: 1 })
  const open = (id: string) => {
    raw.exec('begin')
    request(raw, id)
    need(raw, id, 'dba', 2)
    need(raw, id, 'dba', 1, 0, 1)
    need(raw, id, 'security', 1, 1, 1)
    state(raw, id, { from: 'new', to: 'pending', place: 0 })
    raw.exec('commit')
  }
  open('half of each')
  bobApproves(raw, 'half of each')
  decision(raw, 'half of each', 'carol', { place: 1, groups: '["security"]' })
  decisionGroup(raw, 'half of each', 1, 'security')
  assert.throws(() => seat(raw, 'half of each', 1, 'security'), /FOREIGN KEY/)
  seat(raw, 'half of each', 1, 'security', 1)
  assert.throws(() => approve('half of each'), /not enough/)
  open('the second')
  decision(raw, 'the second', 'bob')
  decisionGroup(raw, 'the second')
  seat(raw, 'the second', 0, 'dba', 1)
  decision(raw, 'the second', 'carol', { place: 1, groups: '["security"]' })
  decisionGroup(raw, 'the second', 1, 'security')
  seat(raw, 'the second', 1, 'security', 1)
  approve('the second')
})
