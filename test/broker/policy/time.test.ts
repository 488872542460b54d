/** What a policy says of time, and how it says what is wrong with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy, policyFaults } from '../../../broker/policy/parse.ts'
import { policyWith } from './judging.ts'

const RULES = '    rules: { read: allow, write: { hold: dba } }\n'
const MINUTE = 60_000

test('unsaid: windows of eight hours, decided by whoever approves the statements; no emergencies, no escalation', () => {
  const policy = policyWith(RULES)
  assert.deepEqual(policy.windows, {
    atMost: 8 * 60 * MINUTE,
    classes: ['read', 'write', 'ddl', 'admin'],
    by: null,
  })
  assert.equal(policy.breakGlass, null)
  assert.equal(policy.remindAfter, null)
  assert.deepEqual(policy.escalate, [])
})

test('said', () => {
  const policy = policyWith(`${RULES}
    windows: { at_most: 2h, classes: [write], by: [dba, { group: security, count: 2 }] }
    break_glass: { groups: [oncall], lasts: 30m, classes: [write, ddl], review: security }
    remind: 5m
    escalate: [{ after: 1h, to: heads }, { after: 10m, to: oncall }]
`)
  assert.deepEqual(policy.windows, {
    atMost: 120 * MINUTE,
    classes: ['write'],
    by: [
      { group: 'dba', count: 1 },
      { group: 'security', count: 2 },
    ],
  })
  assert.deepEqual(policy.breakGlass, {
    groups: ['oncall'],
    lasts: 30 * MINUTE,
    classes: ['write', 'ddl'],
    review: [{ group: 'security', count: 1 }],
  })
  assert.equal(policy.remindAfter, 5 * MINUTE)
  assert.deepEqual(policy.escalate, [
    { after: 10 * MINUTE, to: 'oncall' },
    { after: 60 * MINUTE, to: 'heads' },
  ])
  assert.equal(policyWith(`${RULES}    windows: deny\n`).windows, null)
})

test('what is wrong is said with its place', () => {
  const text = `connections:
  pg-prod:
    request: [engineers]
    rules: { read: allow }
    windows: { at_most: soon }
    break_glass: { groups: [], review: dba }
    escalate: [{ after: 10m }]
on_call:
  oncall:
    - { members: dba, when: 'noon', zone: UTC }
    - { members: dba, when: 'mon-fri 09:00-17:00', zone: Mars/Olympus }
`
  const places = policyFaults(text, 'p.yaml').map(
    ({ line, column, message }) => `${line}:${column} ${message.slice(0, 40)}`,
  )
  assert.deepEqual(places, [
    '5:25 write a time like 10m, 1h30m or 2d',
    '6:28 name the groups whose members may do it',
    '7:16 "to" is missing here',
    "10:29 when is a span of the week: 'mon-fri 09:",
    '11:58 a zone is named as in Europe/Berlin or U',
  ])
})

test('who is on call stands beside the connections', () => {
  const { onCall } = parsePolicy(
    `connections: {}\non_call: { oncall: [{ members: dba, when: 'sat 22:00-02:00', zone: Europe/Berlin }] }\n`,
    'p.yaml',
  )
  assert.deepEqual([...onCall.keys()], ['oncall'])
  assert.equal(onCall.get('oncall')?.[0]?.span.zone, 'Europe/Berlin')
})
