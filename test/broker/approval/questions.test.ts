import assert from 'node:assert/strict'
import type { Request } from '../../../protocol/api/requests.ts'
import { alice, bob, carol, dave, erin, HOUR, office, request, settle } from './support.ts'

/** Questions and answers beside the decision, and what became of requests that are alike. */

const refused = (code: string, exit: number) => (error: Error) => {
  assert.deepEqual(Reflect.get(error, 'code'), code)
  assert.equal(Reflect.get(error, 'exit'), exit)
  return true
}

office('who may decide asks, who requested answers, and it still waits', async (opened) => {
  const { desk, service, runtime } = opened
  const { id } = await desk.open(request(runtime))
  const told: Request[] = []
  service.watch(bob, 'inbox', (change) => void told.push(change))
  await service.ask(bob, id, 'why all of them?')
  runtime.time += 1000
  const answered = await service.answer(alice, id, 'a raise \u202e for all\0')
  assert.equal(answered.state, 'pending')
  assert.deepEqual(answered.questions, [
    {
      part: 'question',
      by: 'bob@example.test',
      text: 'why all of them?',
      at: '1970-01-01T00:16:40.000Z',
    },
    {
      part: 'answer',
      by: 'alice@example.test',
      text: 'a raise \u202e for all\0',
      at: '1970-01-01T00:16:41.000Z',
    },
  ])
  await settle()
  assert.deepEqual(
    told.map(({ questions }) => questions.length),
    [1, 2],
  )
  assert.equal((await service.approve(bob, id, {})).state, 'approved')
})

office('nobody else says anything there', async ({ desk, service, runtime }) => {
  const { id } = await desk.open(request(runtime))
  const robot = { ...bob, subject: 'robot', email: null, roles: [] }
  await assert.rejects(service.ask(alice, id, 'me?'), refused('not_eligible', 4))
  await assert.rejects(service.answer(bob, id, 'I know'), refused('not_eligible', 4))
  await assert.rejects(service.ask(carol, id, 'I look on'), refused('not_eligible', 4))
  for (const stranger of [erin, robot]) {
    await assert.rejects(service.ask(stranger, id, 'hm'), refused('unknown_request', 1))
    await assert.rejects(service.answer(stranger, id, 'hm'), refused('unknown_request', 1))
  }
  await assert.rejects(service.ask(bob, 'r-zzzzzzzzzz', 'hm'), refused('unknown_request', 1))
  assert.deepEqual((await service.get(bob, id)).questions, [])
})

office('what is over is not asked about', async ({ desk, service, runtime }) => {
  const { id } = await desk.open(request(runtime))
  await service.reject(bob, id, 'no')
  await assert.rejects(service.ask(dave, id, 'why?'), refused('not_pending', 1))
  await assert.rejects(service.answer(alice, id, 'but'), refused('not_pending', 1))
  const late = await desk.open(request(runtime))
  runtime.time += HOUR
  await assert.rejects(service.ask(bob, late.id, 'why?'), refused('expired', 6))
})

office('there is an end to it', async ({ desk, service, runtime }) => {
  const { id } = await desk.open(request(runtime))
  for (let i = 0; i < 200; i++) await desk.ask(id, bob, 'x'.repeat(4096))
  await assert.rejects(service.ask(bob, id, 'more'), refused('too_many_questions', 4))
})

office('requests that differ in values are alike, to those who may see them', async (opened) => {
  const { desk, service, runtime } = opened
  const open = async (statement: string, more = {}) =>
    (await desk.open(request(runtime, { statement, ...more }))).id
  const first = await open("update people set a = 1 where name = 'x'")
  await service.reject(bob, first, 'no ticket')
  await open('update people set b = 1 where id = 3')
  await open("update people set a = 1 where name = 'x'", { connection: 'pg-test' })
  const hidden = await open("update people set a = 9 where name = 'z'", {
    needs: [{ group: 'oncall', count: 1 }],
  })
  const second = await open("UPDATE people SET a = 22 -- now\n WHERE name = E'y\\''")
  const third = await open("update people set a=$1 where name='q'")
  const { similar } = await service.get(bob, third)
  const at = '1970-01-01T00:16:40.000Z'
  const common = { requester: 'alice@example.test', created_at: at }
  assert.deepEqual(similar, [
    { id: second, state: 'pending', ...common, by: null, comment: null },
    { id: first, state: 'rejected', ...common, by: 'bob@example.test', comment: 'no ticket' },
  ])
  const all = (await service.get(carol, third)).similar?.map(({ id }) => id)
  assert.deepEqual(all, [second, hidden, first])
  assert.deepEqual((await service.get(bob, first)).similar, [])
})
