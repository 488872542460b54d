import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OnCall, withOnCall } from '../../../broker/policy/on-call.ts'
import { parseSpan } from '../../../protocol/calendar.ts'

const span = (text: string) => parseSpan(text, 'Europe/Berlin')!
const ON_CALL: OnCall = new Map([
  [
    'oncall',
    [
      { members: 'dba', span: span('mon-fri 09:00-17:00') },
      { members: 'sre', span: span('fri-mon 22:00-06:00') },
    ],
  ],
])
const TUESDAY_NOON = Date.parse('2026-01-13T11:00:00Z')
const SATURDAY_NIGHT = Date.parse('2026-01-17T22:30:00Z')

test('whose turn it is, is in the group on call, and in their own', () => {
  assert.deepEqual(withOnCall(['dba'], ON_CALL, TUESDAY_NOON), ['dba', 'oncall'])
  assert.deepEqual(withOnCall(['sre'], ON_CALL, TUESDAY_NOON), ['sre'])
  assert.deepEqual(withOnCall(['sre', 'x'], ON_CALL, SATURDAY_NIGHT), ['sre', 'x', 'oncall'])
})

test('a claim to be on call is worth nothing where there are turns', () => {
  assert.deepEqual(withOnCall(['oncall'], ON_CALL, TUESDAY_NOON), [])
  assert.deepEqual(withOnCall(['oncall'], new Map(), TUESDAY_NOON), ['oncall'])
})

test('nobody is on call by being on call', () => {
  const chained: OnCall = new Map([
    ['a', [{ members: 'dba', span: span('daily 00:00-24:00') }]],
    ['b', [{ members: 'a', span: span('daily 00:00-24:00') }]],
  ])
  assert.deepEqual(withOnCall(['dba'], chained, TUESDAY_NOON), ['dba', 'a'])
})
