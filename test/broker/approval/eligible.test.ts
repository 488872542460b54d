import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eligible, maySee } from '../../../broker/approval/eligible.ts'
import { samePerson } from '../../../broker/approval/person.ts'
import { alice, bob, carol, dave, erin, person } from './support.ts'

const asked = { kind: 'statement' as const, requester: alice, needs: [{ group: 'dba', count: 1 }] }
const code = (who: typeof alice) => {
  const answer = eligible(asked, who)
  return answer.may ? 'may' : answer.code
}

test('AP-14: who decides', () => {
  assert.equal(code(bob), 'may')
  assert.equal(code(dave), 'may')
  assert.equal(code(carol), 'not_eligible')
  assert.equal(code(erin), 'not_eligible')
  assert.equal(code(alice), 'self_approval')
})

test('AP-16: no role goes round it', () => {
  const all = ['requester', 'approver', 'auditor', 'admin']
  assert.equal(code({ ...alice, roles: all }), 'self_approval')
  assert.equal(code({ ...erin, roles: all }), 'not_eligible')
  assert.equal(code({ ...bob, roles: ['requester', 'auditor', 'admin'] }), 'not_eligible')
  assert.equal(code({ ...bob, roles: [] }), 'not_eligible')
})

test('AP-13: another account with the same e-mail is the same person', () => {
  const email = 'ALICE@Example.Test'
  assert.equal(code(person('al', 'dba', { issuer: 'other', email })), 'self_approval')
  assert.equal(code(person('alice', 'dba', { issuer: 'other', email: null })), 'may')
})

test('without an e-mail only the account counts', () => {
  const bare = (issuer: string, subject: string) => ({ issuer, subject, email: null })
  assert.ok(samePerson(bare('i', 's'), bare('i', 's')))
  assert.ok(!samePerson(bare('i', 's'), bare('j', 's')))
  assert.ok(!samePerson(bare('i', 's'), bare('i', 't')))
  assert.ok(samePerson(bare('i', 's'), { issuer: 'i', subject: 's', email: 'x@y' }))
})

test('who sees it: the requester, who could decide it, auditors and admins', () => {
  const admin = person('root', 'admin', { roles: ['admin'] })
  for (const who of [alice, bob, dave, carol, admin]) assert.ok(maySee(asked, who))
  for (const who of [erin, { ...bob, roles: ['requester'] }]) assert.ok(!maySee(asked, who))
})
