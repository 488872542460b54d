import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shownStatement, withoutConstants } from '../../../broker/notify/statement.ts'
import { record } from './support.ts'

const FITS = { characters: 2_000, lines: 40 }

test('constants and comments stay here; names, words and parameters are told', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['DELETE FROM orders WHERE id = 7', 'DELETE FROM orders WHERE id = …'],
    [
      "UPDATE people SET ssn = '078-05-1120' WHERE id=$1",
      'UPDATE people SET ssn = ‘…’ WHERE id=$1',
    ],
    ["SELECT E'a\\'b', U&'\\0041', B'01', x'ff'", 'SELECT ‘…’, ‘…’, ‘…’, ‘…’'],
    ["SELECT 'it''s' -- 078-05-1120\nFROM t", 'SELECT ‘…’ FROM t'],
    ['SELECT /* 4111 /* 1111 */ */ 1', 'SELECT …'],
    ['SELECT 1.5e-7, .5, 0xFF, 1_000, a1, "b 2"', 'SELECT …, …, …, …, a1, "b 2"'],
    ['DO $x$ BEGIN PERFORM 4111; END $x$', 'DO ‘…’'],
    ["SELECT 'é' AS ключ", 'SELECT ‘…’ AS ключ'],
  ]
  for (const [sql, told] of cases) assert.equal(withoutConstants(sql), told)
})

test('no constant leaks, wherever it stands', () => {
  const secret = fc.stringMatching(/^[0-9]{6,12}$/)
  const around = fc.constantFrom(
    ...[
      'SELECT @',
      "SELECT '@'",
      "SELECT 'x''@'",
      'SELECT $$@$$',
      'SELECT $a$ $$ @ $$ $a$',
      '-- @\n',
    ],
    ...[
      "SELECT E'\\'@'",
      '/* @ */ SELECT a',
      "SELECT N'@'",
      'SELECT a FROM t LIMIT @',
      'SELECT -@.@',
    ],
    ...["SELECT 'a' '@'", 'SELECT (@)', 'SELECT a=@', "VALUES ('@',@)", "SELECT 'unclosed @"],
  )
  fc.assert(
    fc.property(fc.array(around, { minLength: 1, maxLength: 4 }), secret, (parts, value) => {
      const text = parts.map((part) => part.replaceAll('@', value)).join(' ')
      assert.ok(!withoutConstants(text).includes(value), text)
    }),
  )
})

test('what nobody could parse is not told, unless all of it is', () => {
  const unread = record({ class: 'unknown', statement: "SELEKT '078-05-1120'" })
  assert.equal(shownStatement(unread, 'without_values', FITS).text, null)
  assert.equal(shownStatement(unread, 'whole', FITS).text, "SELEKT '078-05-1120'")
  assert.equal(shownStatement(record(), 'none', FITS).text, null)
})

test('what does not fit is left out, never cut, and the reader is told', () => {
  const long = record({ statement: `SELECT ${'a, '.repeat(700)}b`, size: 2_109 })
  assert.deepEqual(shownStatement(long, 'whole', FITS), {
    text: null,
    why: 'It does not fit here (2109 bytes).',
  })
  const tall = record({ statement: 'SELECT\n'.repeat(41) })
  assert.equal(shownStatement(tall, 'whole', FITS).text, null)
  const excerpt = record({ statement: 'SELECT a', tail: 'FROM b', size: 70_000 })
  assert.equal(shownStatement(excerpt, 'whole', FITS).text, null)
})

test('a prepared statement is told with what it runs; other kinds are not repeated', () => {
  const both = record({ statement: "EXECUTE p(7)\n-- which runs:\nDELETE FROM t WHERE a = '7'" })
  assert.equal(
    shownStatement(both, 'without_values', FITS).text,
    'EXECUTE p(…)\n-- which runs:\nDELETE FROM t WHERE a = ‘…’',
  )
  assert.equal(shownStatement(record({ kind: 'policy' }), 'whole', FITS).text, null)
  const emergency = record({ kind: 'break_glass', statement: 'break glass for 1h' })
  assert.equal(shownStatement(emergency, 'without_values', FITS).text, 'break glass for 1h')
})
