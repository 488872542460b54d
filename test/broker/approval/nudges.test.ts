import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Silence, startNudges } from '../../../broker/approval/nudges.ts'
import { bob, HOUR, type Office, openOffice, request, settle } from './support.ts'

const MINUTE = 60_000
let office: Office
let told: string[]
let stop: () => void = () => undefined

beforeEach(async () => {
  office = await openOffice()
  told = []
})
afterEach(async () => {
  stop()
  await office.close()
})

async function start(silence: Partial<Silence>): Promise<void> {
  const { desk, runtime, faults } = office
  const said = { remindAfter: null, escalate: [], ...silence }
  stop = await startNudges({
    desk: {
      list: (filter) => desk.list(filter),
      onChange: (handler) => desk.onChange(handler),
      nudge: async (id, event, detail) => {
        const minutes = (runtime.now() - 1_000_000) / MINUTE
        told.push(`${minutes} ${event}${detail === null ? '' : ` ${detail}`}`)
        await desk.nudge(id, event, detail)
      },
    },
    runtime,
    silenceOf: () => said,
    onFault: (error) => faults.push(error),
  })
}

async function pass(minutes: number): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    office.runtime.advance(MINUTE)
    await settle()
  }
}

test('those who are asked are reminded again and again, until somebody decides', async () => {
  await start({ remindAfter: 10 * MINUTE })
  const { id } = await office.desk.open(request(office.runtime))
  await pass(25)
  assert.deepEqual(told, ['10 reminder', '20 reminder'])
  await office.desk.approve(id, bob)
  await pass(30)
  assert.equal(told.length, 2)
})

test('after a silence others are told; nothing comes once it is over', async () => {
  await start({
    remindAfter: 30 * MINUTE,
    escalate: [
      { after: 10 * MINUTE, to: 'oncall' },
      { after: 30 * MINUTE, to: 'heads' },
    ],
  })
  await office.desk.open(request(office.runtime, { expiresAt: office.runtime.now() + HOUR }))
  await pass(90)
  assert.deepEqual(told, ['10 escalated oncall', '30 escalated heads', '30 reminder'])
  assert.equal(office.runtime.timers, 0)
})

test('a broker that starts goes on where it is by now', async () => {
  await office.desk.open(request(office.runtime, { kind: 'exec', session: null }))
  await pass(15)
  await start({ remindAfter: 10 * MINUTE, escalate: [{ after: 12 * MINUTE, to: 'oncall' }] })
  await pass(10)
  assert.deepEqual(told, ['20 reminder'])
})

test('what people are told of is written for those who are to be told', async () => {
  await office.store.outbox.endpoints(['chat'])
  await start({ remindAfter: 10 * MINUTE })
  const { id } = await office.desk.open(request(office.runtime))
  await pass(11)
  const due = await office.store.outbox.due('chat', office.runtime.now(), 10, [])
  assert.deepEqual(
    due.map(({ request: of, event }) => [of, event]),
    [[id, 'held']],
  )
  await office.store.outbox.told('chat', due[0]!.number, office.runtime.now())
  const [next] = await office.store.outbox.due('chat', office.runtime.now(), 10, [])
  assert.equal(next?.event, 'reminder')
})
