import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  configuredLinks,
  identify,
  isOfClient,
  NO_PERSONS,
  type PersonsConfig,
} from '../../../broker/identity/persons.ts'
import { meet } from '../../../broker/store/keys.ts'

const idp = 'https://idp.test'
const account = (subject: string, email: string | null = null) => ({ issuer: idp, subject, email })
const at = (subject: string) => ({ issuer: idp, subject })

const config: PersonsConfig = {
  persons: [
    { name: 'alice', accounts: [at('alice'), at('alice-admin')] },
    { name: 'bob', accounts: [at('bob')] },
  ],
  personClaim: 'employee_id',
  machines: [
    { ...at('ci-deploy'), owner: { person: 'alice' }, groups: ['engineers'] },
    { ...at('nightly'), owner: { account: at('bob') }, groups: null },
    { ...at('robot'), owner: { account: at('zoe') }, groups: null },
  ],
}

const keys = (subject: string, email: string | null = null, claims = {}) =>
  identify(account(subject, email), claims, config).keys

test('accounts of one configured person are that person', () => {
  assert.ok(meet(keys('alice'), keys('alice-admin')))
  assert.ok(!meet(keys('alice'), keys('bob')))
  assert.ok(!meet(keys('alice'), keys('Alice')))
})

test('the same subject of another issuer is another account', () => {
  const other = identify({ ...account('alice'), issuer: 'https://other.test' }, {}, config)
  assert.ok(!meet(keys('alice'), other.keys))
})

test('accounts with the same verified address are one person, however it is written', () => {
  assert.ok(meet(keys('x', 'Zoë@Example.test'), keys('y', 'zoe\u0308@example.TEST')))
  assert.ok(!meet(keys('x', 'zoe@example.test'), keys('y', 'zoe@example.com')))
})

test('accounts with the same value of the configured claim are one person', () => {
  assert.ok(meet(keys('x', null, { employee_id: '7' }), keys('y', null, { employee_id: 7 })))
  assert.ok(!meet(keys('x', null, { employee_id: '7' }), keys('y', null, { employee_id: '8' })))
  assert.ok(!meet(keys('x', null, { staff: '7' }), keys('y', null, { staff: '7' })))
})

test('what says nothing joins nobody', () => {
  for (const value of ['', '  ', null, true, [], ['7'], {}, 'x'.repeat(501), undefined]) {
    const of = { employee_id: value }
    assert.ok(!meet(keys('x', null, of), keys('y', null, of)), JSON.stringify(value))
  }
  const inherited = Object.create({ employee_id: '7' })
  assert.ok(!meet(keys('x', null, inherited), keys('y', null, inherited)))
})

test('a claim cannot be made to look like another key', () => {
  const made = keys('x', null, { employee_id: 'account:https://idp.test bob' })
  assert.ok(!meet(made, keys('bob')))
  assert.ok(!meet(keys('person:bob'), keys('bob')))
})

test('a machine is its owner, named as a person or by the account; the claim does not say who it is', () => {
  assert.ok(meet(keys('ci-deploy'), keys('alice')))
  assert.ok(meet(keys('ci-deploy'), keys('alice-admin')))
  assert.ok(meet(keys('nightly'), keys('bob')))
  assert.ok(meet(keys('robot'), keys('zoe')))
  assert.ok(!meet(keys('ci-deploy'), keys('bob')))
  assert.ok(!meet(keys('robot', null, { employee_id: '7' }), keys('y', null, { employee_id: '7' })))
  assert.equal(identify(account('ci-deploy'), {}, config).machine?.groups?.[0], 'engineers')
  assert.equal(identify(account('alice'), {}, config).machine, null)
})

test('a token of a client alone is known as one', () => {
  const tokens = [
    { sub: 'ci', client_id: 'ci' },
    { sub: 'ci', azp: 'ci' },
    { sub: 'abc@clients', azp: 'abc' },
    { sub: 'x', gty: 'client-credentials' },
    { sub: 'x', idtyp: 'app' },
    { sub: 'uuid', azp: 'ci', preferred_username: 'service-account-ci' },
  ]
  for (const claims of tokens) assert.ok(isOfClient(claims), JSON.stringify(claims))
  assert.ok(!isOfClient({ sub: 'alice', client_id: 'hoop-cli', azp: 'hoop-cli' }))
  assert.ok(!isOfClient({ sub: 'alice' }))
})

test('what is configured links accounts before anybody has come', () => {
  const links = configuredLinks(config)
  const of = (subject: string) => links.find((link) => link.subject === subject)?.keys
  assert.deepEqual(of('alice-admin'), ['person:alice'])
  assert.deepEqual(of('ci-deploy'), ['person:alice'])
  assert.deepEqual(of('nightly'), [`account:${idp} bob`, 'person:bob'])
  assert.deepEqual(configuredLinks(NO_PERSONS), [])
})
