/** What statements do to the conversation, and where names and queries stand in the bytes. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { emptyCatalogue } from '../../../../protocol/pg/catalogue.ts'
import type { Command, Span } from '../../../../protocol/pg/statement.ts'
import { loadParser, statements } from './target.ts'

before(loadParser)

function commands(sql: string): readonly Command[] {
  return statements(sql, emptyCatalogue()).map((facts) => facts.command)
}

function only(sql: string): Command {
  return commands(sql)[0]!
}

function cut(sql: string, span: Span | null): string | null {
  return (
    span &&
    Buffer.from(sql)
      .subarray(span.offset, span.offset + span.length)
      .toString()
  )
}

/** Comments, strings and names that look like keywords, of more than one byte a character. */
const NOISE = fc.constantFrom(' ', '\n', ' /* ü execute /* x */ */ ', ' -- ✓ from\n', '\t')
const NAME = fc.oneof(
  fc.constantFrom('plan1', 'Ünï', '_x$1', 'U&"d\\0061t"', 'U&"d!0061t" UESCAPE \'!\''),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((name) => {
    const clean = name.replaceAll('\0', 'x').replaceAll('\ufffd', 'x')
    return `"${clean.replaceAll('"', '""')}"`
  }),
)

const FORMS: readonly (readonly [string, (n: string, s: string) => string])[] = [
  ['prepare', (n, s) => `PREPARE${s}${n}${s}AS SELECT 1`],
  ['execute', (n, s) => `EXECUTE${s}${n} (1, 'x')`],
  ['execute', (n, s) => `EXPLAIN${s}(ANALYZE, VERBOSE)${s}EXECUTE${s}${n}`],
  ['deallocate', (n, s) => `DEALLOCATE${s}${n}`],
  ['deallocate', (n, s) => `DEALLOCATE${s}PREPARE${s}${n}`],
  ['declare', (n, s) => `DECLARE${s}${n}${s}NO SCROLL CURSOR FOR SELECT 'x'`],
  ['fetch', (n, s) => `FETCH${s}FORWARD 3 FROM${s}${n}`],
  ['fetch', (n, s) => `MOVE${s}ALL IN${s}${n}`],
  ['fetch', (n, s) => `FETCH${s}${n}`],
  ['close', (n, s) => `CLOSE${s}${n}`],
]

test('names are found in the bytes, whatever stands around them', () => {
  fc.assert(
    fc.property(fc.constantFrom(...FORMS), NAME, NOISE, ([type, form], name, space) => {
      const sql = `SELECT 'ü;'; ${form(name, ` ${space} `)} ;SELECT 1`
      const command = commands(sql)[1]!
      assert.equal(command.type, type)
      assert.ok('nameSpan' in command)
      assert.equal(cut(sql, command.nameSpan), name)
    }),
  )
})

test('each statement has its own bytes', () => {
  const sql = "select '🙂🙂'; delete from a ;\n select 'ä' -- ;"
  const texts = statements(sql, emptyCatalogue()).map(({ span }) => cut(sql, span)?.trim())
  assert.deepEqual(texts, ["select '🙂🙂'", 'delete from a', "select 'ä' -- ;"])
})

test('transaction modes', () => {
  const modes = (sql: string) => {
    const command = only(sql)
    assert.ok(command.type === 'begin' || command.type === 'set-transaction')
    return command.modes
  }
  assert.deepEqual(modes('BEGIN'), { access: null, others: '' })
  assert.deepEqual(modes('begin isolation level serializable, read write, not deferrable'), {
    access: 'read write',
    others: 'ISOLATION LEVEL SERIALIZABLE, NOT DEFERRABLE',
  })
  assert.equal(modes('BEGIN READ WRITE, READ ONLY').access, 'read only')
  assert.deepEqual(modes('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'), {
    access: 'read only',
    others: 'ISOLATION LEVEL REPEATABLE READ',
  })
  assert.deepEqual(modes("SET TRANSACTION SNAPSHOT '00000003-0000001B-1'"), {
    access: null,
    others: "SNAPSHOT '00000003-0000001B-1'",
  })
  assert.equal(modes("SET TRANSACTION SNAPSHOT E'a''; b\\\\'").others, "SNAPSHOT 'a''; b\\'")
})

test('transaction control', () => {
  assert.deepEqual(
    commands('COMMIT; ROLLBACK; ABORT; END; SAVEPOINT a; RELEASE a; ROLLBACK TO a'),
    [
      { type: 'commit', chain: false },
      { type: 'rollback', chain: false },
      { type: 'rollback', chain: false },
      { type: 'commit', chain: false },
      { type: 'savepoint', name: 'a' },
      { type: 'release', name: 'a' },
      { type: 'rollback-to', name: 'a' },
    ],
  )
  assert.deepEqual(only("PREPARE TRANSACTION 'x'"), { type: 'two-phase', verb: 'prepare' })
})

test('COPY: way, form and query', () => {
  const copy = only(
    `COPY /* ( */ (SELECT ')' AS "a)" FROM (VALUES (1)) v) TO STDOUT (FORMAT csv, HEADER, NULL 'x')`,
  )
  assert.ok(copy.type === 'copy-out')
  assert.equal(copy.query, `SELECT ')' AS "a)" FROM (VALUES (1)) v`)
  assert.deepEqual(copy.options, {
    ...{ format: 'csv', delimiter: ',', null: 'x', quote: '"', escape: '"', header: true },
  })
  const table = only('COPY "Odd".t ("A", b) TO STDOUT BINARY')
  assert.ok(table.type === 'copy-out')
  assert.equal(table.query, 'SELECT "A", "b" FROM ONLY "Odd"."t"')
  assert.equal(table.options.format, 'binary')
  const into = only("COPY t (a, b) FROM STDIN WITH DELIMITER ';'")
  assert.ok(into.type === 'copy-in')
  assert.equal(into.columns, 2)
  assert.equal(into.options.delimiter, ';')
})

test('settings, cursors and the rest', () => {
  assert.deepEqual(only('SET LOCAL Work_Mem = 1'), { type: 'set', name: 'work_mem', local: true })
  assert.deepEqual(only('RESET ALL'), { type: 'set', name: 'all', local: false })
  assert.deepEqual(only('SHOW TimeZone'), { type: 'show', name: 'timezone' })
  assert.deepEqual(only('DISCARD PLANS'), { type: 'discard', what: 'plans' })
  assert.deepEqual(only('CLOSE ALL'), { type: 'close', name: null, nameSpan: null })
  assert.deepEqual(only('DEALLOCATE ALL'), { type: 'deallocate', name: null, nameSpan: null })
  assert.deepEqual(only('VACUUM'), { type: 'utility', returnsRows: false })
  assert.deepEqual(only('EXPLAIN SELECT 1'), { type: 'utility', returnsRows: true })
})

test('names are those that PostgreSQL keeps: folded, and cut after 63 bytes', () => {
  const long = 'x'.repeat(70)
  const command = only(`EXECUTE ${long}`)
  assert.ok(command.type === 'execute')
  assert.equal(command.name, long.slice(0, 63))
  assert.equal((only('EXECUTE "Pd"') as { name: string }).name, 'Pd')
  assert.equal((only('EXECUTE Pd') as { name: string }).name, 'pd')
})

test('what has no WHERE is unbounded', () => {
  const unbounded = (sql: string) => statements(sql, emptyCatalogue())[0]!.unbounded
  assert.equal(unbounded('DELETE FROM a'), true)
  assert.equal(unbounded('UPDATE a SET b = 1'), true)
  assert.equal(unbounded('TRUNCATE a'), true)
  assert.equal(unbounded('DELETE FROM a WHERE b = 1'), false)
})

test('a vertical tab between tokens is no white space before PostgreSQL 16', async () => {
  const { facts } = await import('../../../../protocol/pg/facts.ts')
  const { parseSync } = await import('libpg-query')
  const judge = (sql: string, server: number) =>
    facts(parseSync(sql), Buffer.from(sql), { ...emptyCatalogue(), server }, []).ok
  assert.equal(judge('select\v1', 150000), false)
  assert.equal(judge('select\v1', 160000), true)
  assert.equal(judge("select '\v'", 150000), true)
})
