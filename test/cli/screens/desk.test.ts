import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerApi, RequestOptions } from '../../../cli/broker-api.ts'
import { type Deed, deskOf } from '../../../cli/screens/desk.ts'
import { request } from '../fake-broker.ts'

const ID = 'r-7k2mq8w9xe'
const REQUEST = request()

async function calls(deed: Deed, text: string): Promise<unknown> {
  const made: unknown[] = []
  const api: Pick<BrokerApi, 'request'> = {
    request: <T>(method: string, path: string, options: RequestOptions<T> = {}): Promise<T> => {
      const { body, fresh, schema } = options
      made.push([method, path, body, fresh])
      return Promise.resolve(schema?.parse(REQUEST) as T)
    },
  }
  assert.deepEqual(await deskOf(api).act(deed, ID, text), REQUEST)
  return made[0]
}

test('a decision is made with a fresh token, however long the screen was open', async () => {
  const path = `/v1/requests/${ID}`
  assert.deepEqual(await calls('approve', ''), ['POST', `${path}/approve`, {}, true])
  assert.deepEqual(await calls('approve', 'x'), ['POST', `${path}/approve`, { comment: 'x' }, true])
  assert.deepEqual(await calls('reject', 'no'), ['POST', `${path}/reject`, { reason: 'no' }, true])
})

test('words and what one takes back need none', async () => {
  const path = `/v1/requests/${ID}`
  assert.deepEqual(await calls('ask', 'why?'), ['POST', `${path}/ask`, { text: 'why?' }, false])
  assert.deepEqual(await calls('answer', 'so'), ['POST', `${path}/answer`, { text: 'so' }, false])
  assert.deepEqual(await calls('cancel', ''), ['POST', `${path}/cancel`, {}, false])
})
