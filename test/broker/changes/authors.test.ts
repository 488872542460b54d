import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decider } from '../../../broker/approval/person.ts'
import { appliedRule, authorsOf } from '../../../broker/changes/authors.ts'
import { parsePolicy } from '../../../broker/policy/parse.ts'
import { dana, POLICY, root, ruth } from './support.ts'

const of = (...versions: readonly (readonly [string, Decider | null])[]) =>
  authorsOf(
    versions.map(([text, author]) => {
      return { policy: parsePolicy(text, 'p'), authors: author === null ? [] : [author] }
    }),
  )
const FIRST = [POLICY, null] as const
const who = (
  authors: ReturnType<typeof of>,
  ...classes: ('read' | 'write' | 'ddl' | 'unknown')[]
) => appliedRule(authors, 'pg-prod', classes).authors

test('the first policy is nobody’s', () => {
  assert.deepEqual(who(of(FIRST), 'read', 'write'), [])
})

test('a rule is of who changed it last, and stays theirs when others change others', () => {
  const looser = POLICY.replace('{ hold: dba }', 'allow')
  const denied = looser.replace('ddl: deny', 'ddl: { hold: dba }')
  const authors = of(FIRST, [looser, root], [denied, ruth])
  assert.deepEqual(who(authors, 'write'), root.keys)
  assert.deepEqual(who(authors, 'ddl'), ruth.keys)
  assert.deepEqual(who(authors, 'read'), [])
  assert.deepEqual(who(authors, 'write', 'ddl'), [...root.keys, ...ruth.keys])
})

test('spelling is no change, nor are comments and the order of keys', () => {
  const spelled = `# mine now\n${POLICY.replace('{ hold: dba }', '{ hold: [{ group: dba, count: 1 }] }')}`
  assert.deepEqual(who(of(FIRST, [spelled, root]), 'write'), [])
})

test('what was changed and changed back is of who changed it back', () => {
  const looser = POLICY.replace('{ hold: dba }', 'allow')
  assert.deepEqual(who(of(FIRST, [looser, root], [POLICY, ruth]), 'write'), ruth.keys)
})

test('a rule that follows another is changed with it', () => {
  const other = POLICY.replace('{ hold: dba }', '{ hold: security }')
  assert.deepEqual(who(of(FIRST, [other, root]), 'unknown'), root.keys, 'unknown is as write')
})

test('a line that is gone, a mask, who may connect: all of it decides', () => {
  const line = `${POLICY}    statements: [{ deny: { ddl: drop } }]\n`
  assert.deepEqual(who(of([line, null], [POLICY, root]), 'read'), root.keys)
  const shown = POLICY.replace('people.ssn: redact', 'people.name: redact')
  assert.deepEqual(who(of(FIRST, [shown, ruth]), 'read'), ruth.keys)
  const wider = POLICY.replace('[engineers, dba]', '[engineers, dba, interns]')
  assert.deepEqual(who(of(FIRST, [wider, dana]), 'read'), dana.keys)
})

test('a connection that went and came back is of who brought it back', () => {
  const gone = 'connections: { other: { request: [x], rules: {} } }'
  assert.deepEqual(who(of(FIRST, [gone, root], [POLICY, ruth]), 'read'), ruth.keys)
})
