/** Endpoints as they are: slow, broken, gone, and the broker restarted in the middle. Nothing is lost. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, test } from 'node:test'
import type { NotifyConfig } from '../../../broker/config.ts'
import { Courier } from '../../../broker/notify/courier.ts'
import { type Notifier, startNotifier } from '../../../broker/notify/notifier.ts'
import type { Send } from '../../../broker/notify/send.ts'
import { signatureOf } from '../../../broker/notify/sign.ts'
import { HoopError } from '../../../protocol/errors.ts'
import { bob, type Office, openOffice, request } from '../approval/support.ts'
import { answers, endpoint, Receiver, until } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'hoop-notify-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let receiver: Receiver
let office: Office
let notifier: Notifier

beforeEach(async () => {
  receiver = await Receiver.start()
})
afterEach(async () => {
  await notifier.close()
  await office.close()
  await receiver.stop()
  assert.deepEqual(office.faults, [])
})

async function open(endpoints: NotifyConfig[], dataDir: string | null = null): Promise<void> {
  office = await openOffice(dataDir)
  const { store, runtime, desk, faults } = office
  await store.outbox.endpoints(endpoints.map(({ name }) => name))
  const onFault = (error: unknown): void => void faults.push(error)
  notifier = startNotifier({ endpoints, store, runtime, onFault })
  desk.onChange(() => notifier.ring())
}

const waiting = async () => (await office.store.outbox.states())[0]
const settled = () => until(async () => (await waiting())?.waiting === 0)
/** The clock goes on while it is tried again. */
const settledInTime = () =>
  until(async () => {
    office.runtime.advance(200)
    return (await waiting())?.waiting === 0
  })
const asks = () => office.desk.open(request(office.runtime, { kind: 'exec', session: null }))

test('a request is told from its beginning to its end, in order, with a signature', async () => {
  await open([endpoint(receiver.url)])
  const { id } = await asks()
  await office.desk.approve(id, bob)
  await settled()
  assert.deepEqual(receiver.events, [`${id} held`, `${id} decided`, `${id} approved`])
  const [{ headers, body }] = receiver.heard as [(typeof receiver.heard)[0]]
  assert.equal(headers['hoop-event'], 'held')
  assert.equal(headers['hoop-event-id'], JSON.parse(body).id)
  const timestamp = Number(headers['hoop-timestamp'])
  assert.equal(timestamp, Math.floor(office.runtime.now() / 1000))
  assert.equal(headers['hoop-signature'], signatureOf('the key', timestamp, body))
  assert.deepEqual(await notifier.checks(), [
    { name: 'notify ops', status: 'ok', message: 'nothing waits', hint: null },
  ])
})

test('an endpoint hears of what it asked for', async () => {
  await open([endpoint(receiver.url, { events: ['held'], connections: ['pg-prod'] })])
  const here = await asks()
  await office.desk.open(request(office.runtime, { connection: 'elsewhere' }))
  await office.desk.reject(here.id, bob, 'no')
  await settled()
  assert.deepEqual(receiver.events, [`${here.id} held`])
})

test('500s are tried again, later each time, and those behind wait', async () => {
  await open([endpoint(receiver.url)])
  receiver.next.push(answers(500), answers(503))
  const { id } = await asks()
  await office.desk.cancel(id, 'session', 'gone')
  await settledInTime()
  assert.deepEqual(receiver.events, [`${id} held`, `${id} held`, `${id} held`, `${id} cancelled`])
  const at = receiver.heard.map(({ headers }) => Number(headers['hoop-timestamp']))
  assert.ok(at[1]! - at[0]! >= 1 && at[2]! - at[1]! >= 2, String(at))
  assert.equal((await waiting())?.lastError, null)
})

test('how long it asks to be left alone, it is', async () => {
  await open([endpoint(receiver.url)])
  receiver.next.push(answers(429, { 'retry-after': '120' }))
  await asks()
  await until(async () => (await waiting())?.lastError !== null)
  assert.equal(await office.store.outbox.nextDue('ops'), office.runtime.now() + 120_000)
})

test('a message that is refused is given up after three times, and the doctor says so', async () => {
  await open([endpoint(receiver.url)])
  receiver.next.push(answers(400), answers(400), answers(400))
  const { id } = await asks()
  await settledInTime()
  const [check] = await notifier.checks()
  assert.equal(check?.status, 'fail')
  assert.match(check?.message ?? '', /answered 400; nothing waits; 1 were given up/)
  assert.deepEqual(receiver.events, [`${id} held`, `${id} held`, `${id} held`])
})

test('who hangs is left, and holds up nobody else', async () => {
  const other = await Receiver.start()
  await open([endpoint(receiver.url), endpoint(other.url, { name: 'other' })])
  receiver.next.push(() => undefined)
  const { id } = await asks()
  await until(() => receiver.heard.length === 1 && other.heard.length === 1)
  office.runtime.advance(10_000)
  await until(async () => (await waiting())?.lastError === 'no answer within 10 s')
  office.runtime.advance(60_000)
  await until(() => receiver.heard.length === 2)
  assert.deepEqual(other.events, [`${id} held`])
  await settled()
  await other.stop()
})

test('at most four at a time, however many wait', async () => {
  await open([endpoint(receiver.url)])
  const slow = Array.from({ length: 12 }, () => (to: { end(): unknown }) => {
    setTimeout(() => to.end(), 5)
  })
  receiver.next.push(...slow)
  for (let i = 0; i < 12; i++) await asks()
  await settled()
  assert.equal(receiver.heard.length, 12)
  assert.ok(receiver.most <= 4, `${receiver.most} at once`)
})

test('a restart in the middle loses none', async () => {
  const dataDir = join(folder, 'restart')
  await open([endpoint(receiver.url)], dataDir)
  receiver.next.push(() => undefined)
  const { id } = await asks()
  await until(() => receiver.heard.length === 1)
  await office.desk.cancel(id, 'session', 'gone')
  await notifier.close()
  await office.close()
  await open([endpoint(receiver.url)], dataDir)
  await settled()
  assert.deepEqual(receiver.events, [`${id} held`, `${id} held`, `${id} cancelled`])
  const [first, second] = receiver.heard.map(({ headers }) => headers['hoop-event-id'])
  assert.equal(first, second)
})

test('redirects are not followed, and nobody listening is no fault of the broker', async () => {
  const trap = await Receiver.start()
  await open([
    endpoint(receiver.url),
    endpoint('http://127.0.0.1:9/hooks/T0PSECRET', { name: 'void' }),
  ])
  receiver.next.push(answers(307, { location: trap.url }))
  await asks()
  await until(async () =>
    (await office.store.outbox.states()).every(({ lastError }) => lastError !== null),
  )
  const [ops, gone] = await office.store.outbox.states()
  assert.equal(ops?.lastError, 'answered 307: redirects are not followed')
  assert.match(gone?.lastError ?? '', /^not reached( \(\w+\))?$/)
  assert.equal(trap.heard.length, 0)
  await trap.stop()
})

test('neither address nor key is ever said', async () => {
  const unreadable = () => {
    throw new HoopError({ code: 'secret_missing', message: 'T0PSECRET is not there' })
  }
  await open([
    endpoint('https://user:T0PSECRET@127.0.0.1:9/', { name: 'a' }),
    endpoint(receiver.url, { name: 'b', secret: unreadable }),
    endpoint('nonsense T0PSECRET', { name: 'c' }),
  ])
  await asks()
  await until(async () =>
    (await office.store.outbox.states()).every(({ lastError }) => lastError !== null),
  )
  const said = JSON.stringify([await notifier.checks(), await office.store.outbox.states()])
  assert.doesNotMatch(said, /T0PSECRET|127\.0\.0\.1/)
  assert.match(said, /secret_missing/)
})

test('what no message can be made of is given up, and holds up nothing', async () => {
  await open([])
  await office.store.outbox.endpoints(['ops'])
  const { store, runtime, faults } = office
  const send: Send = (message) =>
    message.event === 'held'
      ? Promise.reject(new Error('a fault of hoop'))
      : Promise.resolve({ ok: true })
  const onFault = (error: unknown): void => void faults.push(error)
  const courier = new Courier({ endpoint: endpoint(receiver.url), store, runtime, send, onFault })
  const { id } = await asks()
  await office.desk.reject(id, bob, 'no')
  courier.ring()
  await settledInTime()
  assert.equal(faults.splice(0).length, 3)
  assert.equal((await waiting())?.givenUp, 1)
  await courier.close()
})

test('an endless answer is not read', async () => {
  await open([endpoint(receiver.url)])
  receiver.next.push((to) => {
    to.writeHead(200)
    const flood = (): void => {
      while (to.write(Buffer.alloc(65_536)));
      to.once('drain', flood)
    }
    flood()
  })
  await asks()
  await settled()
})
