import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HoopError } from '../../../protocol/errors.ts'
import { type RunningPostgres, startPostgres } from '../../support/postgres.ts'
import { BOB, SessionStack } from '../../support/sessions.ts'

/** An emergency that lasts a second: its end, and what is owed then. */

const POLICY = `connections:
  pg-prod:
    request: [dba]
    rules: { read: allow, write: { hold: dba } }
    break_glass: { groups: [engineers], lasts: 1s, review: dba }
`

let postgres: RunningPostgres
let stack: SessionStack

before(async () => {
  postgres = await startPostgres()
  stack = await SessionStack.open({
    postgres,
    user: postgres.superuser,
    password: postgres.password,
    databases: ['postgres'],
    mask: [],
    policy: POLICY,
  })
})
after(async () => {
  await stack.close()
  await postgres.stop()
})

const emergency = { breakGlass: true, reason: 'fire' }
async function open() {
  const client = await stack.client('postgres', {}, emergency)
  const { notices } = await client.take()
  assert.match(notices[0]?.get('M') ?? '', /break glass: r-\w+ lets you in for 1s/)
  return client
}

test('it ends by itself, and who owes its review has no second one', async () => {
  await assert.rejects(stack.client('postgres'), /you may not use|there is no connection/)
  const client = await open()
  assert.ok((await client.take()).closed)
  const [review] = await stack.desk.list({ kind: 'break_glass' })
  await assert.rejects(
    open(),
    (error) => error instanceof HoopError && error.code === 'review_owed' && error.exit === 4,
  )
  await stack.desk.approve(review!.id, BOB)
  await open()
})
