import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Presence, Present } from '../../../broker/identity/presence.ts'
import type { Principal } from '../../../broker/identity/principal.ts'

const principal = (issuedAt: number, more: Partial<Principal> = {}): Principal => ({
  ...{ issuer: 'i', subject: 'alice', email: null, groups: ['dba'], roles: ['requester'] },
  ...{ keys: ['account:i alice'], machine: false, jkt: 'key', issuedAt, expiresAt: 1e9 },
  ...more,
})

const NEVER = new AbortController().signal
const at = (now: number) => () => now

test('a token of sixty seconds is fresh, one of sixty-one is not', async () => {
  const present = new Present(principal(0), at(60_000))
  assert.equal((await present.fresh(NEVER)).issuedAt, 0)
  const stale = new Present(principal(0), at(60_001))
  await assert.rejects(stale.fresh(AbortSignal.abort(new Error('late'))), /late/)
})

test('who waits is told of the first fresh token, and of no stale one', async () => {
  let now = 61_000
  const present = new Present(principal(0), () => now)
  const told = present.fresh(NEVER)
  assert.ok(present.renew(principal(500, { groups: ['stale'] })))
  assert.ok(present.renew(principal(60_000, { groups: ['oncall'] })))
  assert.deepEqual((await told).groups, ['oncall'])
  now = 200_000
  const stop = new AbortController()
  const later = present.fresh(stop.signal)
  stop.abort(new Error('too late'))
  await assert.rejects(later, /too late/)
})

test('nobody takes the place of another: person and key stay, and time does not run back', () => {
  const present = new Present(principal(1000), at(2000))
  assert.ok(!present.renew(principal(1500, { subject: 'bob' })))
  assert.ok(!present.renew(principal(1500, { issuer: 'j' })))
  assert.ok(!present.renew(principal(1500, { jkt: 'other' })))
  assert.ok(present.renew(principal(500, { groups: ['of before'] })))
  assert.deepEqual(present.who.groups, ['dba'])
})

test('any call of the same login shows who it is now, to all that wait of it', async () => {
  const presence = new Presence(at(100_000))
  const one = presence.enter(principal(0))
  const two = presence.enter(principal(0))
  presence.saw(principal(99_000, { jkt: 'other', groups: ['of another login'] }))
  presence.saw(principal(99_000, { groups: ['now'] }))
  assert.deepEqual((await one.present.fresh(NEVER)).groups, ['now'])
  assert.deepEqual(two.present.who.groups, ['now'])
  one.leave()
  presence.saw(principal(100_000, { groups: ['later'] }))
  assert.deepEqual(one.present.who.groups, ['now'])
  assert.deepEqual(two.present.who.groups, ['later'])
  two.leave()
})
