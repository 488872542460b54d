import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters, styleText } from 'node:util'
import fc from 'fast-check'
import { diffSpans, type paintSpans, sqlSpans } from '../../../cli/output/highlight.ts'
import { requestScreen } from '../../../cli/output/request-screen.ts'
import { visible } from '../../../cli/output/visible.ts'
import { widthOf } from '../../../cli/output/width.ts'
import { request } from '../fake-broker.ts'

type Paint = Parameters<typeof paintSpans>[1]['style']

/** Each piece in the first letter of its kind. */
const kinds = (sql: string) =>
  sqlSpans(sql)
    .map(({ text, kind }) => (kind[0] ?? '').repeat(text.length))
    .join('')

test('words, strings, numbers and comments, as PostgreSQL divides them', () => {
  assert.equal(kinds("SELECT a, 'x' FROM t"), 'kkkkkkcppcssscckkkkcp'.replace('cck', 'ck'))
  assert.equal(kinds("select 1 -- 'no"), 'kkkkkkcncccccccc'.slice(0, 15))
  assert.equal(kinds("E'a\\'--' /* ' */ or"), `${'s'.repeat(8)}${'c'.repeat(9)}kk`)
  assert.equal(kinds('$$ drop $$'), 's'.repeat(10))
  assert.equal(kinds('"select"'), 'p'.repeat(8))
})

test('the pieces are the text, to the last character', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), SQL)
  fc.assert(
    fc.property(text, (sql) => {
      assert.equal(
        sqlSpans(sql)
          .map((span) => span.text)
          .join(''),
        sql,
      )
      assert.equal(
        diffSpans(sql)
          .map((span) => span.text)
          .join(''),
        sql,
      )
    }),
  )
})

const SQL = fc
  .array(fc.constantFrom("'", '"', '--', '\n', '/*', '*/', '$$', '$a$', 'é', 'x', ' ', "E'", '1'))
  .map((pieces) => pieces.join(''))

test('colours change nothing of what is read, at any width', () => {
  const paint: Paint = (style, text) => styleText(style, text, { validateStream: false })
  const without: Paint = (_style, text) => text
  fc.assert(
    fc.property(SQL, fc.integer({ min: 24, max: 90 }), (statement, width) => {
      const one = request({ statement })
      const out = { onTerminal: true, width }
      const painted = requestScreen(one, { ...out, style: paint }, 0)
      const plain = requestScreen(one, { ...out, style: without }, 0)
      assert.equal(stripVTControlCharacters(painted), plain)
      const lines = plain.split('\n')
      assert.ok(lines.every((line) => widthOf(line) <= width))
      const bars = lines.filter((line) => /^ {2}[│┆] /.test(line))
      const read = bars.map((line) => (line[2] === '│' ? `\n${line.slice(4)}` : line.slice(4)))
      assert.equal(read.join('').slice(1), visible(statement))
    }),
    { numRuns: 60 },
  )
})

test('a change of the rules is shown as a diff', () => {
  const style: Paint = (name, text) => (name === 'bold' ? text : `<${String(name)}>${text}`)
  const statement = '@@ -1 +1 @@\n-  write: deny\n+  write: allow\n'
  const out = { onTerminal: false, width: 80, style }
  const shown = requestScreen(request({ kind: 'policy', statement, parameters: [] }), out, 0)
  assert.match(shown, /│ <cyan>@@ -1 \+1 @@\n/)
  assert.match(shown, /│ <red>- {2}write: deny\n/)
  assert.match(shown, /│ <green>\+ {2}write: allow\n/)
})

test('facts and what became of its like', () => {
  const facts = {
    ...{
      class: 'write',
      verb: 'UPDATE',
      ddl: null,
      why: '',
      unbounded: true,
      rule: 'r.\u200bwrite',
    },
    ...{ reads: ['public.orders'], writes: ['public.people'], functions: ['now', 'f\u202e'] },
  }
  const alike = {
    ...{ id: 'r-0000000001', requester: 'alice@example.com', state: 'rejected' as const },
    ...{ created_at: '2026-11-22T05:00:00.000Z', by: 'bob@example.com', comment: 'no ticket' },
  }
  const out = { onTerminal: false, width: 120, style: ((_s, text) => text) as Paint }
  const now = Date.parse('2026-11-22T06:00:00.000Z')
  const shown = requestScreen(request({ facts: [facts, null], similar: [alike] }), out, now)
  assert.match(
    shown,
    /\n {2}reads {8}public.orders\n {2}calls {8}now, f⟨U\+202E⟩\n {2}rows {9}ALL: /,
  )
  assert.match(shown, /\n {2}policy {7}version 1: held by r\.⟨U\+200B⟩write\n/)
  assert.match(
    shown,
    /\n {2}alike {8}60m ago r-0000000001 of alice@example.com, rejected by bob@example.com: no ticket\n/,
  )
})
