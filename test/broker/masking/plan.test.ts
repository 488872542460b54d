import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planCopy, planRows } from '../../../broker/masking/plan.ts'
import type { FieldDescription } from '../../../protocol/pg/backend.ts'
import type { OutputColumn, StatementFacts } from '../../../protocol/pg/statement.ts'
import { copyOptions } from './support.ts'
import {
  CITEXT,
  factsOf,
  field,
  ORDERS,
  output,
  PEOPLE,
  protectedBy,
  RULES,
  VIEW,
} from './targets.ts'

const PROTECT = protectedBy(RULES)
const EXPRESSION = field(0, 0)
const SSN = { table: PEOPLE, column: 3 }
const CARD = { table: PEOPLE, column: 4 }

function how(from: FieldDescription, facts: StatementFacts | null): string | null {
  return planRows([from], facts, PROTECT).columns[0]?.how ?? null
}

function reading(
  column: Partial<OutputColumn>,
  tables: readonly number[] = [PEOPLE],
): StatementFacts {
  return factsOf({ tables, output: [output(column)] })
}

test('the origin that the server names decides, whatever the column is called', () => {
  assert.equal(how(field(PEOPLE, 3, { name: 'id' }), factsOf()), 'redact')
  assert.equal(how(field(PEOPLE, 4), null), 'partial')
  assert.equal(how(field(PEOPLE, 1, { name: 'ssn' }), factsOf({ tables: [PEOPLE] })), null)
  assert.equal(how(field(ORDERS, 3), factsOf({ tables: [ORDERS] })), null)
  assert.equal(how(field(PEOPLE, 1), null), null)
})

test('the origin that the parse tree names is enough', () => {
  assert.equal(how(EXPRESSION, reading({ origins: [CARD], plain: true })), 'partial')
  assert.equal(how(EXPRESSION, reading({ origins: [CARD] })), 'redact')
  assert.equal(how(EXPRESSION, reading({ origins: [CARD, SSN], plain: true })), 'redact')
  assert.equal(how(EXPRESSION, reading({ origins: [{ table: PEOPLE, column: 0 }] })), 'redact')
  assert.equal(how(field(PEOPLE, 2), reading({ origins: [SSN], proved: false })), 'redact')
})

test('what is computed from columns that are NULL is NULL, and from others too it is redacted', () => {
  const protect = protectedBy([
    { column: 'people.ssn', how: 'null' },
    { column: 'people.card_number', how: 'hash' },
  ])
  const how = (origins: OutputColumn['origins']): string | undefined =>
    planRows([EXPRESSION], reading({ origins }), protect).columns[0]?.how
  assert.equal(how([SSN]), 'null')
  assert.equal(how([SSN, SSN]), 'null')
  assert.equal(how([SSN, CARD]), 'redact')
  assert.equal(how([CARD]), 'redact')
})

test('an expression is clear only if it is proved so, or nothing protected is touched', () => {
  const name = { table: PEOPLE, column: 2 }
  assert.equal(how(EXPRESSION, reading({ origins: [name] })), null)
  assert.equal(how(EXPRESSION, reading({ origins: [name], proved: false })), 'redact')
  assert.equal(how(EXPRESSION, reading({ proved: false })), 'redact')
  assert.equal(how(EXPRESSION, reading({ proved: false }, [ORDERS])), null)
  assert.equal(how(EXPRESSION, factsOf({ tables: [PEOPLE] })), 'redact')
  assert.equal(how(EXPRESSION, factsOf({ tables: [ORDERS] })), null)
  assert.equal(how(EXPRESSION, null), 'redact')
})

test('NULL is hidden in what is computed, for it tells of what', () => {
  const hides = (from: FieldDescription, facts: StatementFacts | null): boolean | undefined =>
    planRows([from], facts, PROTECT).columns[0]?.hidesNull
  assert.equal(hides(field(PEOPLE, 3), null), false)
  assert.equal(hides(EXPRESSION, reading({ origins: [SSN], plain: true })), false)
  assert.equal(hides(EXPRESSION, reading({ origins: [SSN] })), true)
  assert.equal(hides(EXPRESSION, reading({ proved: false })), true)
  assert.equal(hides(field(VIEW, 2), factsOf({ tables: [VIEW, PEOPLE] })), true)
})

test('a function that is not known to be harmless may return anything', () => {
  const use = { name: 'public.leak', volatility: 'stable', harmless: false } as const
  assert.equal(how(EXPRESSION, factsOf({ functions: [use] })), 'redact')
})

test('facts that count the columns differently prove nothing', () => {
  const facts = factsOf({ tables: [PEOPLE], output: [output(), output()] })
  assert.equal(how(EXPRESSION, facts), 'redact')
})

test('a column of a view is clear only if the facts prove it, one of an unknown table never', () => {
  const name = { table: PEOPLE, column: 2 }
  assert.equal(how(field(VIEW, 2), factsOf({ tables: [VIEW, PEOPLE] })), 'redact')
  assert.equal(how(field(VIEW, 2), reading({ origins: [SSN], plain: true })), 'redact')
  assert.equal(how(field(VIEW, 2), reading({ origins: [name], plain: true })), null)
  assert.equal(how(field(VIEW, 1), factsOf({ tables: [VIEW, ORDERS] })), null)
  assert.equal(how(field(99_999, 1), factsOf()), 'redact')
  assert.equal(how(field(99_999, 1), reading({ origins: [] }, [])), 'redact')
})

test('without rules everything is clear', () => {
  const plan = planRows([field(PEOPLE, 3)], null, protectedBy([]))
  assert.deepEqual(plan, { clear: true, columns: [null], masked: [false] })
})

test('the plan says which columns are masked', () => {
  const plan = planRows([field(PEOPLE, 1), field(PEOPLE, 3)], factsOf(), PROTECT)
  assert.deepEqual([plan.clear, plan.masked], [false, [false, true]])
})

const FORMS: readonly (readonly [string, number, string | null, string | null])[] = [
  ['text', 25, '***', '***'],
  ['varchar', 1043, '***', '***'],
  ['citext', CITEXT, '***', '***'],
  ['"char"', 18, '*', '*'],
  ['json', 114, '"***"', '"***"'],
  ['jsonb', 3802, '"***"', '\x01"***"'],
  ['bytea', 17, '\\x2a2a2a', '***'],
  ['text[]', 1009, '{***}', `${'\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x01\0\0\0\x01\0\0\0\x03'}***`],
  ['integer', 23, null, null],
  ['date', 1082, null, null],
  ['uuid', 2950, null, null],
  ['numeric', 1700, null, null],
  ['an enum or composite', 16_999, null, null],
]

for (const [name, type, text, binary] of FORMS) {
  test(`a masked ${name} is valid in both formats`, () => {
    for (const [format, form] of [text, binary].entries()) {
      const mask = planRows([field(PEOPLE, 3, { type, format })], null, PROTECT).columns[0]
      assert.equal(mask?.how === 'null' ? null : mask?.fixed.toString('latin1'), form)
    }
  })
}

test('a partial mask is for text alone', () => {
  assert.equal(how(field(PEOPLE, 4, { type: 20 }), null), 'null')
  assert.equal(how(field(PEOPLE, 4, { type: 114 }), null), 'redact')
})

test('a plan for COPY is in the format of the COPY', () => {
  for (const [format, fixed] of [
    ['text', '"***"'],
    ['csv', '"***"'],
    ['binary', '\x01"***"'],
  ] as const) {
    const command = { type: 'copy-out', options: copyOptions(format), query: 'SELECT …' } as const
    const fields = [field(PEOPLE, 3, { type: 3802, format: 1 })]
    const plan = planCopy(fields, factsOf({ command }), PROTECT)
    assert.equal(plan.columns[0]?.fixed.toString('latin1'), fixed)
  }
})
