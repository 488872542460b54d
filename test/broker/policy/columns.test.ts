import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseColumn, parseTable, showColumn } from '../../../broker/policy/columns.ts'

test('names are folded as PostgreSQL folds them', () => {
  assert.deepEqual(parseColumn('People.SSN'), { schema: null, table: 'people', column: 'ssn' })
  assert.deepEqual(parseColumn('"People".ssn'), { schema: null, table: 'People', column: 'ssn' })
  assert.deepEqual(parseColumn('hr."a.""b".c'), { schema: 'hr', table: 'a."b', column: 'c' })
})

test('what is no column is refused', () => {
  for (const text of [
    '',
    'ssn',
    'a.b.c.d',
    '.a',
    'a.',
    'a..b',
    'a b.c',
    '1a.b',
    '"".a',
    '"a.b',
    'a.*',
  ]) {
    assert.equal(parseColumn(text), null, text)
  }
})

test('a shown name is read as the same name', () => {
  const part = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(fc.option(part), part, part, (schema, table, column) => {
      const name = { schema, table, column }
      assert.deepEqual(parseColumn(showColumn(name)), name)
    }),
  )
})

test('tables may be named with their columns, or all of a schema', () => {
  assert.deepEqual(parseTable('Orders'), { schema: null, table: 'orders', columns: null })
  assert.deepEqual(parseTable('hr.*'), { schema: 'hr', table: null, columns: null })
  assert.deepEqual(parseTable('hr."A(b)"'), { schema: 'hr', table: 'A(b)', columns: null })
  assert.deepEqual(parseTable('hr.people (Pay, "x y")'), {
    schema: 'hr',
    table: 'people',
    columns: ['pay', 'x y'],
  })
  for (const text of ['', '*', 'a.b.c', 'a.*(b)', 'a()', 'a(b', 'a b', 'a(b.c)', '.*', 'a.b.*']) {
    assert.equal(parseTable(text), null, text)
  }
})
