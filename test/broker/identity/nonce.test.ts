import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNonces, NONCE_PERIOD_MS } from '../../../broker/identity/nonce.ts'

const SECRET = Buffer.alloc(32, 1)

test('the same secret gives the same nonces, on every broker of an installation', () => {
  const [here, there] = [createNonces(SECRET), createNonces(Buffer.from(SECRET))]
  assert.equal(here.current(NONCE_PERIOD_MS * 9), there.current(NONCE_PERIOD_MS * 9 + 1))
  assert.ok(there.accepts(here.current(0), NONCE_PERIOD_MS))
})

test('another secret, another period: not accepted', () => {
  const nonces = createNonces(SECRET)
  const other = createNonces(Buffer.alloc(32, 2))
  assert.equal(nonces.accepts(other.current(0), 0), false)
  assert.equal(nonces.accepts(nonces.current(0), 2 * NONCE_PERIOD_MS), false)
})

test('a short secret is refused', () => {
  assert.throws(() => createNonces(Buffer.alloc(31)), RangeError)
})
