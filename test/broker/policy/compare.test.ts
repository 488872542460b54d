import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comparePolicies } from '../../../broker/policy/compare.ts'
import { parsePolicy } from '../../../broker/policy/parse.ts'

const BASE = `connections:
  pg:
    request: [engineers, dba]
    rules: { read: allow, write: { hold: [{ group: dba, count: 2 }] }, ddl: deny }
    statements: [{ deny: { ddl: drop } }]
    predicates: { equality: { allow: 20 per session } }
    mask: { people.ssn: redact, people.card: { partial: { last: 4 } } }
`
const compare = (before: string, after: string) =>
  comparePolicies(parsePolicy(before, 'a'), parsePolicy(after, 'b')).map(({ part, how }) => [
    part,
    how,
  ])

const CASES: readonly (readonly [from: string, to: string, part: string, how: string])[] = [
  ['[engineers, dba]', '[engineers, dba, ops]', 'request', 'looser'],
  ['[engineers, dba]', '[dba]', 'request', 'stricter'],
  ['[engineers, dba]', '[engineers, ops]', 'request', 'other'],
  ['read: allow', 'read: deny', 'rules.read', 'stricter'],
  ['ddl: deny', 'ddl: { hold: dba }', 'rules.ddl', 'looser'],
  ['count: 2', 'count: 1', 'rules.write', 'looser'],
  ['[{ group: dba, count: 2 }]', '[{ group: dba, count: 2 }, security]', 'rules.write', 'stricter'],
  ['[{ group: dba, count: 2 }]', '[security]', 'rules.write', 'other'],
  ['20 per', '40 per', 'predicates.equality', 'looser'],
  ['{ allow: 20 per session }', 'deny', 'predicates.equality', 'stricter'],
  ['people.ssn: redact', 'people.ssn: hash', 'mask.people.ssn', 'looser'],
  ['people.ssn: redact, ', '', 'mask.people.ssn', 'looser'],
  ['last: 4', 'last: 2', 'mask.people.card', 'stricter'],
  ['    mask:', '    detect: { card: show }\n    mask:', 'detect.card', 'looser'],
  ['    mask:', '    detect: { email: redact }\n    mask:', 'detect.email', 'stricter'],
  ['[{ deny: { ddl: drop } }]', '[]', 'statements', 'looser'],
  ['drop } }]', 'drop } }, { deny: { without: where } }]', 'statements', 'stricter'],
]

test('what becomes looser or stricter is named, part by part', () => {
  for (const [from, to, part, how] of CASES) {
    const after = BASE.replace(from, to)
    assert.notEqual(after, BASE, from)
    const found = compare(BASE, after).filter(([name]) => name !== 'rules.unknown')
    assert.deepEqual(found, [[part, how]], `${from} → ${to}`)
  }
})

test('the same in other words is no change', () => {
  assert.deepEqual(compare(BASE, `# a remark\n${BASE}`), [])
  assert.deepEqual(compare(BASE, BASE.replace('ddl: deny', 'ddl: deny, admin: deny')), [])
})

test('a connection that comes or goes', () => {
  const more = `${BASE}  new: { request: [x], rules: { read: allow } }\n`
  assert.deepEqual(compare(BASE, more), [['connection', 'looser']])
  assert.deepEqual(compare(more, BASE), [['connection', 'stricter']])
})

test('whatever else differs is said, if not which way', () => {
  assert.deepEqual(compare(BASE, `${BASE}    remind: 5m\n`), [['remindAfter', 'other']])
})
