import assert from 'node:assert/strict'
import { test } from 'node:test'
import { windowFacts } from '../../../broker/approval/window.ts'
import { Sessions } from '../../../broker/session/sessions.ts'
import { LiveWindows } from '../../../broker/session/windows.ts'
import type { WindowUses } from '../../../broker/store/store.ts'
import { bob, HOUR, openOffice, request } from '../approval/support.ts'

const TERMS = { classes: ['write' as const], tables: null, max_rows: 5, for_ms: HOUR, every: null }

async function opened() {
  const office = await openOffice()
  const { desk, store, runtime } = office
  const trouble = { next: false }
  const uses: WindowUses = {
    begin: (id, use) => {
      if (!trouble.next) return store.windows.begin(id, use)
      trouble.next = false
      return Promise.reject(new Error('the disk is full'))
    },
    end: (id, place, rows, at) => store.windows.end(id, place, rows, at),
    used: (id) => store.windows.used(id),
  }
  const windows = await LiveWindows.open({ desk, uses, sessions: new Sessions(10), runtime })
  const facts = windowFacts(TERMS)
  const { id } = await desk.open(request(runtime, { kind: 'window', session: null, facts }))
  await desk.approve(id, bob)
  return { office, windows, id, trouble }
}

test('where rows are bounded one runs after the other, and the next gets what is left', async () => {
  const { office, windows, id } = await opened()
  const first = await windows.begin(id, 's-1')
  assert.equal(first?.maxRows, 5)
  const second = windows.begin(id, 's-2')
  await windows.end(id, first!, 2)
  assert.equal((await second)?.maxRows, 3)
  await office.close()
})

test('a store that fails keeps nobody waiting who comes later', async () => {
  const { office, windows, id, trouble } = await opened()
  trouble.next = true
  await assert.rejects(windows.begin(id, 's-1'), /the disk is full/)
  assert.equal((await windows.begin(id, 's-2'))?.maxRows, 5)
  await office.close()
})
