import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openStore } from '../../../broker/store/open.ts'
import { joined } from '../../../broker/store/people.ts'
import type { KnownPerson, Store } from '../../../broker/store/store.ts'

const DAY = 24 * 3_600_000

async function withStore(run: (store: Store, clock: { now: number }) => Promise<void>) {
  const clock = { now: 1000 * DAY }
  const store = await openStore({ dataDir: null, now: () => clock.now })
  await run(store, clock)
  await store.close()
}

function known(subject: string, more: Partial<KnownPerson> = {}): KnownPerson {
  const email = more.email ?? null
  const own = [`account:i ${subject}`, ...(email === null ? [] : [`email:${email}`])]
  const keys = [...own, ...(more.keys ?? [])]
  const rest = { roles: [], seenAt: 1000 * DAY, groups: [], machine: false, ...more }
  return { issuer: 'i', subject, email, ...rest, keys }
}

const same = async (store: Store, a: string, b: string): Promise<boolean> =>
  (await store.people.joining([`account:i ${a}`]))([`account:i ${a}`]).keys.includes(
    `account:i ${b}`,
  )

test('A by e-mail to B, B by claim to C: one person, once B was met', async () => {
  await withStore(async (store) => {
    await store.people.saw(known('a', { email: 'x@y' }))
    await store.people.saw(known('c', { keys: ['claim:id=7'] }))
    assert.equal(await same(store, 'a', 'c'), false)
    await store.people.saw(known('b', { email: 'x@y', keys: ['claim:id=7'] }))
    assert.equal(await same(store, 'a', 'c'), true)
    assert.equal(await same(store, 'c', 'a'), true)
    await store.people.saw(known('d'))
    assert.equal(await same(store, 'a', 'd'), false)
  })
})

test('who changes the address stays who they were, for ninety days', async () => {
  await withStore(async (store, clock) => {
    await store.people.saw(known('a', { email: 'x@y' }))
    await store.people.saw(known('b', { email: 'x@y' }))
    clock.now += DAY
    await store.people.saw(known('b', { email: 'other@y', seenAt: clock.now }))
    assert.equal(await same(store, 'a', 'b'), true)
    clock.now += 90 * DAY
    assert.equal(await same(store, 'a', 'b'), false)
  })
})

test('what the configuration says holds as long as it says so', async () => {
  await withStore(async (store) => {
    await store.people.saw(known('a'))
    const links = ['a', 'ci'].map((subject) => ({ issuer: 'i', subject, keys: ['person:a'] }))
    await store.people.configure(links, 'id')
    assert.equal(await same(store, 'a', 'ci'), true)
    await store.people.saw(known('a', { keys: ['person:a', 'claim:id=7'] }))
    await store.people.saw(known('b', { keys: ['claim:id=7'] }))
    assert.equal(await same(store, 'b', 'ci'), true)
    await store.people.configure([], 'id')
    assert.equal(await same(store, 'a', 'ci'), false)
    assert.equal(await same(store, 'a', 'b'), true)
    await store.people.configure([], null)
    assert.equal(await same(store, 'a', 'b'), false)
  })
})

test('a machine brings its owner by configuration alone, and all groups of one person are known', async () => {
  await withStore(async (store) => {
    await store.people.saw(known('owner', { groups: ['engineers'] }))
    await store.people.saw(
      known('ci', { machine: true, keys: ['account:i owner'], groups: ['deploy'] }),
    )
    assert.equal(await same(store, 'owner', 'ci'), false)
    const link = { issuer: 'i', subject: 'ci', keys: ['account:i owner'] }
    await store.people.configure([link], null)
    assert.equal(await same(store, 'owner', 'ci'), true)
    const start = ['account:i ci']
    const { groups } = (await store.people.joining(start))(start)
    assert.deepEqual([...groups].sort(), ['deploy', 'engineers'])
  })
})

/** Union-find, in another way than the code does it. */
function oneOf(accounts: readonly (readonly string[])[]): (a: string, b: string) => boolean {
  const parent = new Map<string, string>()
  const root = (key: string): string => {
    const up = parent.get(key) ?? key
    return up === key ? key : root(up)
  }
  for (const keys of accounts) {
    for (const key of keys) parent.set(root(key), root(keys[0]!))
  }
  return (a, b) => root(a) === root(b)
}

test('closing over keys agrees with a plain partition, in memory and in SQL', async () => {
  const key = fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k6')
  const all = fc.array(fc.uniqueArray(key, { maxLength: 2 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(all, async (lists) => {
      const accounts = lists.map((keys, i) => ({
        keys: [`account:i ${i}`, ...keys.map((one) => `claim:${one}=x`)],
        groups: [],
      }))
      const isOne = oneOf(accounts.map((one) => one.keys))
      await withStore(async (store) => {
        for (const [i, { keys }] of accounts.entries()) {
          await store.people.saw(known(String(i), { keys: keys.slice(1) }))
        }
        const plain = joined(accounts)
        for (const [i, { keys }] of accounts.entries()) {
          const start = [keys[0]!]
          const expected = accounts
            .map((one) => one.keys[0]!)
            .filter((other) => isOne(other, keys[0]!))
          const found = (list: readonly string[]) =>
            list.filter((one) => one.startsWith('account:')).sort()
          assert.deepEqual(found(plain(start).keys), expected.sort(), String(i))
          const stored = await store.people.joining(start)
          assert.deepEqual(found(stored(start).keys), expected.sort(), String(i))
        }
      })
    }),
    { numRuns: 60 },
  )
})
