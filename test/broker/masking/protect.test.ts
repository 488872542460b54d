import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AUTHID,
  CITEXT,
  EVENTS,
  EVENTS_2024,
  factsOf,
  ORDERS,
  PEOPLE,
  protectedBy,
  RULES,
  STATS,
  TOAST,
  VIEW,
} from './targets.ts'

test('names become catalogue identities; other tables with such a column are untouched', () => {
  const protect = protectedBy(RULES)
  assert.deepEqual(protect.unresolved, [])
  assert.equal(protect.wanted(PEOPLE, 3)?.how, 'redact')
  assert.deepEqual(
    [protect.wanted(PEOPLE, 4)?.how, protect.wanted(PEOPLE, 4)?.last],
    ['partial', 4],
  )
  assert.equal(protect.wanted(PEOPLE, 1), null)
  assert.equal(protect.wanted(ORDERS, 3), null)
})

test('the whole row is protected if one of its columns is', () => {
  const protect = protectedBy(RULES)
  assert.equal(protect.wanted(PEOPLE, 0)?.how, 'redact')
  assert.equal(protect.wanted(ORDERS, 0), null)
})

test('partitions follow their parent and parents their partitions, by name and not by number', () => {
  for (const column of ['events.ssn', 'events_2024.ssn']) {
    const protect = protectedBy([{ column, how: 'hash' }])
    assert.equal(protect.wanted(EVENTS, 2)?.how, 'hash')
    assert.equal(protect.wanted(EVENTS_2024, 1)?.how, 'hash')
    assert.equal(protect.wanted(EVENTS, 1), null)
    assert.equal(protect.wanted(EVENTS_2024, 2), null)
  }
})

test('two rules that differ make the strictest', () => {
  const protect = protectedBy([
    { column: 'events.ssn', how: 'hash' },
    { column: 'events_2024.ssn', how: 'partial', last: 4 },
  ])
  assert.equal(protect.wanted(EVENTS, 2)?.how, 'redact')
  assert.equal(protect.wanted(EVENTS_2024, 1)?.how, 'redact')
})

test('TOAST chunks, generated columns and statistics of protected values are protected', () => {
  const protect = protectedBy(RULES)
  assert.equal(protect.wanted(TOAST, 2)?.how, 'redact')
  assert.equal(protect.wanted(PEOPLE, 5)?.how, 'redact')
  assert.equal(protect.wanted(STATS, 2)?.how, 'redact')
  assert.equal(protect.wanted(STATS, 1), null)
})

test('without rules nothing is protected, statistics neither', () => {
  const protect = protectedBy([])
  assert.equal(protect.wanted(STATS, 2), null)
  assert.equal(protect.touches(null), false)
})

test('rules that name nothing are reported', () => {
  const columns = [
    'people.SSN',
    'people."SSN"',
    'nobody.ssn',
    'hr.people.ssn',
    'ssn',
    'a.b.c.d',
    'people.',
  ]
  const rules = columns.map((column) => ({ column, how: 'redact' as const }))
  assert.deepEqual(protectedBy(rules).unresolved, columns.slice(1))
})

test('a rule for a column that its table has not, protects the whole table', () => {
  const protect = protectedBy([{ column: 'orders.tax_ref', how: 'partial', last: 4 }])
  assert.deepEqual(
    [1, 2, 3].map((column) => protect.wanted(ORDERS, column)?.how),
    Array(3).fill('redact'),
  )
  assert.deepEqual(protect.unresolved, ['orders.tax_ref'])
})

test('a star protects every column of a table', () => {
  const protect = protectedBy([{ column: 'orders.*', how: 'null' }])
  assert.deepEqual(
    [1, 2, 3].map((column) => protect.wanted(ORDERS, column)?.how),
    Array(3).fill('null'),
  )
})

test('citext is text, whatever its OID', () => {
  assert.ok(protectedBy(RULES).textTypes.has(CITEXT))
})

test('what a statement touches', () => {
  const { touches } = protectedBy(RULES)
  const use = { name: 'public.leak', volatility: 'volatile', harmless: false } as const
  assert.equal(touches(factsOf()), false)
  assert.equal(touches(factsOf({ tables: [ORDERS, VIEW] })), false)
  assert.equal(touches(factsOf({ tables: [ORDERS, PEOPLE] })), true)
  assert.equal(touches(factsOf({ writes: ['public.people'] })), true)
  assert.equal(touches(factsOf({ writes: ['public.orders'] })), false)
  assert.equal(touches(factsOf({ functions: [use] })), true)
  assert.equal(touches(factsOf({ functions: [{ ...use, harmless: true }] })), false)
  assert.equal(touches(null), true)
  assert.equal(touches(factsOf({ node: 'DoStmt' })), true)
  assert.equal(touches(factsOf({ class: 'unknown' })), true)
  const reader = { ...use, name: 'pg_catalog.table_to_xml', harmless: true }
  assert.equal(touches(factsOf({ functions: [reader] })), true)
})

test('what may be any value of the database is masked', () => {
  assert.equal(protectedBy(RULES).wanted(0, 0)?.how, 'redact')
  assert.equal(protectedBy([]).wanted(0, 0), null)
})

test('passwords of the target are never shown, masks or no masks', () => {
  for (const protect of [protectedBy(RULES), protectedBy([])]) {
    assert.equal(protect.empty, false)
    assert.equal(protect.wanted(AUTHID, 2)?.how, 'null')
    assert.equal(protect.wanted(AUTHID, 1), null)
    assert.equal(protect.touches(factsOf({ tables: [AUTHID] })), true)
  }
  assert.equal(protectedBy([]).touches(factsOf({ tables: [PEOPLE] })), false)
})
