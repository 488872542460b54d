import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkConfig, configTemplate } from '../../../broker/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'hoop-persons-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** The template with these lines below `identity`. */
function check(lines: string) {
  const file = join(folder, 'broker.yaml')
  const at = '  groups_claim: groups'
  const template = configTemplate()
  assert.ok(template.includes(at))
  writeFileSync(file, template.replace(at, `${lines.replace(/^/gm, '  ')}\n${at}`))
  const { config, faults } = checkConfig(file, { HOOP_PG_PASSWORD: 'x' })
  const first = template.slice(0, template.indexOf(at)).split('\n').length
  return {
    identity: config?.identity ?? null,
    faults: faults.map(({ line, column, message }) => `${line - first + 1}:${column} ${message}`),
  }
}

test('persons, a claim and machines are read; an account is of this issuer unless it says another', () => {
  const { identity, faults } = check(
    `person_claim: employee_id
persons:
  - name: Alice Winter
    accounts: [{ subject: alice }, { issuer: https://old.example.com, subject: aw }]
machines:
  - { subject: ci-deploy, owner: Alice Winter, groups: [engineers] }
  - { subject: nightly, owner: { subject: bob } }`,
  )
  assert.deepEqual(faults, [])
  const issuer = 'https://id.example.com'
  assert.equal(identity?.personClaim, 'employee_id')
  assert.deepEqual(identity?.persons, [
    {
      name: 'Alice Winter',
      accounts: [
        { issuer, subject: 'alice' },
        { issuer: 'https://old.example.com', subject: 'aw' },
      ],
    },
  ])
  assert.deepEqual(identity?.machines, [
    { issuer, subject: 'ci-deploy', owner: { person: 'Alice Winter' }, groups: ['engineers'] },
    { issuer, subject: 'nightly', owner: { account: { issuer, subject: 'bob' } }, groups: null },
  ])
})

test('faults are named where they stand', () => {
  const first = (lines: string) => check(lines).faults[0] ?? ''
  const alice = 'persons: [{ name: alice, accounts: [{ subject: a }] }'
  assert.match(first('machines: [{ subject: ci }]'), /^1:\d+ .*owner/)
  assert.match(
    first(`${alice}]\nmachines: [{ subject: ci, owner: alcie }]`),
    /^2:\d+ there is no person alcie: did you mean "alice"\?/,
  )
  assert.match(
    first(
      'machines: [{ subject: ci, owner: { subject: x } }, { subject: x, owner: { subject: ci } }]',
    ),
    /^1:\d+ a machine cannot own another/,
  )
  assert.match(
    first(`${alice},\n  { name: bob, accounts: [{ subject: a }] }]`),
    /^2:\d+ this account is alice already/,
  )
  assert.match(
    first(`${alice}]\nmachines: [{ subject: a, owner: alice }]`),
    /^2:\d+ this account is alice already/,
  )
  assert.match(first(`${alice},\n  { name: alice, accounts: [{ subject: b }] }]`), /^2:\d+ .*twice/)
  assert.match(first('persons: [{ name: alice, accounts: [] }]'), /^1:\d+ name at least one/)
  assert.match(
    first('persons: [{ name: alice, accounts: [{ subject: a }], age: 7 }]'),
    /^1:\d+ .*age/,
  )
})
