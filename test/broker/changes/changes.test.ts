import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appliedRule } from '../../../broker/changes/authors.ts'
import { request } from '../approval/support.ts'
import {
  alice,
  bob,
  dana,
  openRegister,
  POLICY,
  type Register,
  root,
  ruth,
  withFolder,
} from './support.ts'

function register(what: string, run: (register: Register, folder: string) => Promise<void>): void {
  test(what, () =>
    withFolder(async (folder) => {
      const opened = await openRegister(folder)
      try {
        await run(opened, folder)
      } finally {
        await opened.close()
      }
    }),
  )
}

const LOOSER = POLICY.replace('{ hold: dba }', 'allow')
const held = (group: string) => POLICY.replace('{ hold: dba }', `{ hold: ${group} }`)

register('the first policy is that of the file, and in the record', async ({ book, recorded }) => {
  assert.equal(book.rules().version, 1)
  assert.deepEqual(recorded, ['policy  1 file'])
  assert.equal(book.latest('policy', '')?.request, null)
})

register('another one comes by another administrator alone', async (r) => {
  const { id, needs } = await r.apply(root, LOOSER)
  assert.deepEqual(needs, [{ group: 'admin', count: 1 }])
  await assert.rejects(r.desk.approve(id, root), { code: 'self_approval' })
  await assert.rejects(r.desk.approve(id, bob), { code: 'not_eligible' })
  await assert.rejects(r.desk.approve(id, alice), { code: 'not_eligible' })
  assert.equal(r.book.rules().version, 1)
  await r.desk.approve(id, ruth)
  const done = await r.until(id, 'executed')
  assert.equal(done.outcome?.status, 'ok')
  assert.equal(r.book.rules().version, 2)
  assert.equal(r.book.rules().policy.connections.get('pg-prod')?.rules.write.decision, 'allow')
  assert.equal(r.recorded.at(-1), `policy  2 ${id} ruth@example.test`)
})

register('who is no administrator asks for nothing', async (r) => {
  assert.throws(() => r.apply(bob, LOOSER), { code: 'not_allowed', exit: 4 })
  await assert.rejects(r.set(alice, 'x'), { code: 'not_allowed', exit: 4 })
})

test('a restart keeps the version in force, and says that the file differs', () =>
  withFolder(async (folder) => {
    const first = await openRegister(folder)
    assert.equal(first.book.fileDiffers, false)
    const { id } = await first.apply(root, LOOSER)
    await first.desk.approve(id, ruth)
    await first.until(id, 'executed')
    assert.equal(first.book.fileDiffers, true)
    await first.close()
    const second = await openRegister(folder, { policy: `${POLICY}# said otherwise\n` })
    assert.equal(second.book.rules().version, 2)
    assert.equal(second.book.fileDiffers, true)
    assert.deepEqual(second.recorded, [], 'nothing came into force')
    await second.close()
    const third = await openRegister(folder, { policy: LOOSER })
    assert.equal(third.book.fileDiffers, false)
    await third.close()
  }))

register('what was made on another version is void', async (r) => {
  const first = await r.apply(root, LOOSER)
  const second = await r.apply(dana, held('security'))
  await r.desk.approve(first.id, ruth)
  await r.until(first.id, 'executed')
  const over = await r.until(second.id, 'cancelled')
  assert.match(over.history.at(-1)?.why ?? '', /version 2 of the policy came into force/)
  await assert.rejects(r.desk.approve(second.id, ruth), { code: 'not_pending' })
  assert.equal(r.book.rules().version, 2)
})

register('both approved at once: one comes into force, the other never', async (r) => {
  const first = await r.apply(root, LOOSER)
  const second = await r.apply(root, held('security'))
  await Promise.allSettled([r.desk.approve(first.id, ruth), r.desk.approve(second.id, dana)])
  const ends = await Promise.all(
    [first, second].map(({ id }) => r.until(id, 'executed', 'cancelled')),
  )
  assert.deepEqual(ends.map(({ state }) => state).sort(), ['cancelled', 'executed'])
  assert.equal(r.book.rules().version, 2)
})

test('what cannot be recorded does not come into force until it can', () =>
  withFolder(async (folder) => {
    const first = await openRegister(folder)
    const { id } = await first.apply(root, LOOSER)
    first.disk.full = true
    await first.desk.approve(id, ruth)
    while (first.faults.length === 0) await new Promise(setImmediate)
    assert.equal((await first.desk.get(id)).state, 'approved')
    assert.equal(first.book.rules().version, 1)
    await first.close()
    const second = await openRegister(folder)
    assert.equal((await second.desk.get(id)).state, 'executed', 'at the next start')
    assert.equal(second.book.rules().version, 2)
    await second.close()
  }))

register('who changed a rule last decides nothing by it, and asks for nothing by it', async (r) => {
  const { id } = await r.apply(dana, held('[dba, security]'))
  await r.desk.approve(id, ruth)
  await r.until(id, 'executed')
  const rule = appliedRule(r.book.rules().authors, 'pg-prod', ['write'])
  assert.deepEqual(rule.labels, ['pg-prod.rules.write'])
  const asked = (more: object) =>
    r.desk.open(request(r.runtime, { policyVersion: 2, rule, ...more }))
  const { id: write } = await asked({ requester: alice })
  await assert.rejects(r.desk.approve(write, dana), { code: 'own_rule', exit: 4 })
  await assert.rejects(r.desk.reject(write, dana, 'no'), { code: 'own_rule', exit: 4 })
  await r.desk.approve(write, bob)
  await assert.rejects(asked({ requester: dana }), { code: 'own_rule', exit: 4 })
  const reads = appliedRule(r.book.rules().authors, 'pg-prod', ['read'])
  assert.deepEqual(reads, { labels: [], authors: [] }, 'what she did not change is not hers')
})
