import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from '../../../broker/store/open.ts'
import type { Person, RequestContent, StateEntry, Store } from '../../../broker/store/store.ts'

/** Every store passes these: add the next one to the list. */
const STORES: readonly { readonly name: string; open(): Promise<Store> }[] = [
  { name: 'node:sqlite', open: () => openStore({ dataDir: null, now: () => 0 }) },
]

const person = (subject: string): Person => ({
  issuer: 'idp',
  subject,
  email: `${subject}@x.org`,
  groups: ['dba'],
  keys: [`account:idp ${subject}`, `email:${subject}@x.org`],
  machine: false,
})

const content = (id: string, more: Partial<RequestContent> = {}): RequestContent => ({
  id,
  kind: 'exec',
  session: null,
  requester: person('alice'),
  connection: 'pg',
  database: 'app',
  statement: 'delete from t where name = $1',
  parameters: ['é', null],
  class: 'write',
  effect: 'deletes',
  digest: 'a'.repeat(64),
  size: 29,
  reason: 'why',
  inTransaction: false,
  needs: [{ group: 'dba', count: 1 }],
  alternatives: [],
  opens: [],
  separate: [],
  rule: { labels: [], authors: [] },
  facts: { writes: ['public.t'] },
  spool: { rows: 2, size: 8, firstRows: ['1\ta', '2\tb'], digest: 'b'.repeat(64) },
  policyVersion: 1,
  ...more,
})

const first = (at = 10, until = 100): StateEntry => ({
  state: 'pending',
  at,
  until,
  by: null,
  why: null,
})

const cancelled: StateEntry = {
  state: 'cancelled',
  at: 20,
  until: null,
  by: person('alice'),
  why: 'no',
}

for (const { name, open } of STORES) {
  const each = (what: string, run: (store: Store) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const store = await open()
      try {
        await run(store)
      } finally {
        await store.close()
      }
    })

  each('what was inserted is read as it was', async (store) => {
    const inserted = await store.requests.insert(content('r-1'), first())
    assert.deepEqual(inserted, await store.requests.read('r-1'))
    assert.deepEqual(inserted, {
      ...content('r-1'),
      state: 'pending',
      createdAt: 10,
      expiresAt: 100,
      tail: null,
      history: [first()],
      decisions: [],
      questions: [],
      outcome: null,
    })
    assert.equal(await store.requests.read('r-2'), null)
  })

  each('an id is used once', async (store) => {
    await store.requests.insert(content('r-1'), first())
    await assert.rejects(store.requests.insert(content('r-1'), first()), /UNIQUE/)
  })

  each('text of any shape comes back', async (store) => {
    const statement = `select '\u0000\u202e🙂''; drop table request; --'`
    await store.requests.insert(content('r-1', { statement, parameters: [statement] }), first())
    const read = await store.requests.read('r-1')
    assert.equal(read?.statement, statement)
    assert.deepEqual(read?.parameters, [statement])
  })

  each('additions are made in order, and all or none', async (store) => {
    await store.requests.insert(content('r-1'), first())
    const after = await store.requests.add('r-1', [], () => [{ add: 'state', entry: cancelled }])
    assert.equal(after?.state, 'cancelled')
    assert.deepEqual(after?.history, [first(), cancelled])
    await store.requests.insert(content('r-2'), first())
    const decision = {
      by: person('bob'),
      verdict: 'approve',
      comment: 'ok',
      maxRows: 5,
      at: 15,
    } as const
    const tooLittle = store.requests.add('r-2', [], () => [
      { add: 'decision', decision },
      { add: 'state', entry: { ...first(), state: 'approved' } },
    ])
    await assert.rejects(tooLittle, /not enough/)
    assert.deepEqual((await store.requests.read('r-2'))?.decisions, [])
    const kept = await store.requests.add('r-2', [], () => [{ add: 'decision', decision }])
    assert.deepEqual(kept?.decisions, [decision])
  })

  each('a step that throws changes nothing', async (store) => {
    await store.requests.insert(content('r-1'), first())
    const broken = store.requests.add('r-1', [], () => {
      throw new Error('no')
    })
    await assert.rejects(broken, /no/)
    assert.equal((await store.requests.read('r-1'))?.state, 'pending')
    assert.equal(await store.requests.add('r-9', [], () => []), null)
  })

  each('steps that race see each other', async (store) => {
    await store.requests.insert(content('r-1'), first())
    const seen = await Promise.all(
      Array.from({ length: 20 }, async () => {
        let state = ''
        await store.requests.add('r-1', [], (request) => {
          state = request.state
          return state === 'pending' ? [{ add: 'state', entry: cancelled }] : []
        })
        return state
      }),
    )
    assert.equal(seen.filter((state) => state === 'pending').length, 1)
  })

  each('lists: newest first, filtered, page by page', async (store) => {
    for (let i = 0; i < 6; i++) {
      const more = i % 2 ? { requester: person('dave'), connection: 'other' } : {}
      await store.requests.insert(content(`r-${i}`, more), first(10, 100 + i))
    }
    await store.requests.add('r-5', [], () => [{ add: 'state', entry: cancelled }])
    const ids = async (filter: Parameters<Store['requests']['list']>[0]) =>
      (await store.requests.list(filter)).map((request) => request.id).join(' ')
    assert.equal(await ids({}), 'r-5 r-4 r-3 r-2 r-1 r-0')
    assert.equal(await ids({ states: ['pending'] }), 'r-4 r-3 r-2 r-1 r-0')
    assert.equal(await ids({ limit: 2 }), 'r-5 r-4')
    assert.equal(await ids({ limit: 2, olderThan: 'r-4' }), 'r-3 r-2')
    assert.equal(await ids({ connection: 'other' }), 'r-5 r-3 r-1')
    assert.equal(await ids({ requester: person('dave') }), 'r-5 r-3 r-1')
    assert.equal(await ids({ requester: { keys: ['email:dave@x.org'] } }), 'r-5 r-3 r-1')
    assert.equal(await ids({ requester: { keys: ['account:other dave'] } }), '')
    assert.equal(await ids({ dueAt: 102, states: ['pending'] }), 'r-2 r-1 r-0')
    assert.equal(await ids({ kind: 'statement' }), '')
    assert.equal(await store.requests.nextDue(), 100)
  })

  each('lists carry long statements as excerpts, in characters that are whole', async (store) => {
    const statement = `head ${'🙂'.repeat(50_000)} tail`
    const parameters = ['short', 'x'.repeat(100_000), null]
    const size = Buffer.byteLength(statement) + 100_005
    await store.requests.insert(content('r-1', { statement, parameters, size }), first())
    const [short] = await store.requests.list({})
    assert.ok(short!.statement.startsWith('head 🙂') && short!.statement.length < 10_000)
    assert.ok(short!.tail!.endsWith('🙂 tail') && short!.tail!.isWellFormed())
    assert.deepEqual(short!.parameters, ['short', `${'x'.repeat(256)}…`, null])
    assert.equal(short!.size, size)
    assert.equal((await store.requests.read('r-1'))?.statement, statement)
  })

  each('people: the last that is known of them', async (store) => {
    const seen = (subject: string, seenAt: number, roles: string[] = []) =>
      store.people.saw({ ...person(subject), roles, seenAt })
    await seen('bob', 1, ['requester'])
    await seen('alice', 2)
    await seen('bob', 3, ['approver'])
    const all = await store.people.all(10)
    assert.deepEqual(
      all.map((known) => known.subject),
      ['bob', 'alice'],
    )
    assert.deepEqual(all[0]?.roles, ['approver'])
    assert.equal((await store.people.all(1)).length, 1)
  })

  each('a proof is remembered once', async (store) => {
    assert.equal(store.replay.remember('a', 100), true)
    assert.equal(store.replay.remember('a', 100), false)
    assert.equal(store.replay.remember('b', 100), true)
  })
}
