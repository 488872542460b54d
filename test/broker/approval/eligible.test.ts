import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eligible, maySee } from '../../../broker/approval/eligible.ts'
import { samePerson } from '../../../broker/approval/person.ts'
import { ownKeys } from '../../../broker/store/keys.ts'
import { joined } from '../../../broker/store/people.ts'
import { alice, alone, bob, carol, dave, erin, person } from './support.ts'

const asked = {
  kind: 'statement',
  requester: alice,
  needs: [{ group: 'dba', count: 1 }],
  alternatives: [],
  opens: [],
  rule: { labels: [], authors: [] },
  separate: [],
} as const
const code = (who: typeof alice) => {
  const answer = eligible(asked, who, { now: 0, join: alone })
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
  const bare = (issuer: string, subject: string, email: string | null = null) => ({
    keys: ownKeys({ issuer, subject, email }),
  })
  assert.ok(samePerson(bare('i', 's'), bare('i', 's')))
  assert.ok(!samePerson(bare('i', 's'), bare('j', 's')))
  assert.ok(!samePerson(bare('i', 's'), bare('i', 't')))
  assert.ok(samePerson(bare('i', 's'), bare('i', 's', 'x@y')))
})

test('who sees it: the requester, who could decide it, auditors and admins', () => {
  const admin = person('root', 'admin', { roles: ['admin'] })
  for (const who of [alice, bob, dave, carol, admin])
    assert.ok(maySee(asked, who, { now: 0, join: alone }))
  for (const who of [erin, { ...bob, roles: ['requester'] }])
    assert.ok(!maySee(asked, who, { now: 0, join: alone }))
})

const ci = person('ci-deploy', 'engineers dba', {
  email: null,
  machine: true,
  keys: ['account:idp ci-deploy', 'account:idp bob'],
  roles: ['requester', 'approver', 'admin'],
})

test('a machine decides nothing, whatever groups and roles somebody gave it', () => {
  assert.equal(code(ci), 'not_eligible')
})

test('the owner of a machine does not decide what it asks, nor does another account of the owner', () => {
  const of = { ...asked, requester: ci }
  const join = joined([
    { keys: ['account:idp bob', 'email:bob@example.test'], groups: [] },
    { keys: ['account:idp robert', 'email:bob@example.test'], groups: [] },
  ])
  const answer = (who: typeof alice) => {
    const one = eligible(of, who, { now: 0, join: join })
    return one.may ? 'may' : one.why
  }
  assert.equal(answer(bob), 'the owner of ci-deploy, which asks, does not decide')
  const other = person('robert', 'dba', { email: null })
  assert.equal(answer(other), 'the owner of ci-deploy, which asks, does not decide')
  assert.equal(answer(dave), 'may')
})

test('who last changed the rule does not decide by it', () => {
  const of = { ...asked, rule: { labels: ['pg-prod.rules.write'], authors: ['account:idp bob'] } }
  const answer = eligible(of, bob, { now: 0, join: alone })
  assert.deepEqual(answer, {
    may: false,
    code: 'own_rule',
    why: 'who last changed pg-prod.rules.write does not decide by it',
  })
  assert.equal(eligible(of, dave, { now: 0, join: alone }).may, true)
})

test('changes of what hoop goes by are for administrators, and for nobody else', () => {
  const admin = person('root', 'dba', { roles: ['admin'] })
  for (const kind of ['policy', 'secret', 'connection'] as const) {
    const of = { ...asked, kind }
    assert.equal(eligible(of, admin, { now: 0, join: alone }).may, true)
    assert.equal(eligible(of, bob, { now: 0, join: alone }).may, false)
    assert.equal(eligible({ ...of, requester: admin }, admin, { now: 0, join: alone }).may, false)
  }
  for (const kind of ['statement', 'exec', 'window'] as const) {
    assert.equal(eligible({ ...asked, kind }, admin, { now: 0, join: alone }).may, false)
  }
})

test('groups that never hold together: with all accounts of the person, whichever decides', () => {
  const groups = ['engineers', 'dba']
  const never = { ...asked, requester: erin, separate: [{ groups, mayNot: 'approve' as const }] }
  const may = (of: typeof never, who: typeof alice, join = alone) =>
    eligible(of, who, { now: 0, join: join }).may
  assert.equal(may(never, dave), false)
  assert.equal(may(never, bob), true)
  const another = joined([{ keys: ['account:idp b2', ...bob.keys], groups: ['engineers'] }])
  assert.equal(may(never, bob, another), false)

  const each = { ...never, separate: [{ groups, mayNot: 'approve-each-other' as const }] }
  assert.equal(may(each as never, dave), true, 'erin is in neither')
  assert.equal(may({ ...each, requester: person('al', 'engineers') } as never, dave), false)
  assert.equal(may({ ...each, requester: person('al', 'engineers') } as never, bob), true)
  const hidden = joined([{ keys: ['account:idp e2', ...erin.keys], groups: ['dba'] }])
  assert.equal(may(each as never, dave, hidden), false, 'another account of erin is in dba')
})
