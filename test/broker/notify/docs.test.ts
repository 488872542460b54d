/** docs/notifications.md is run: its configuration, and its check of a signature. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { configFile } from '../../../broker/config/schema.ts'
import { signatureOf } from '../../../broker/notify/sign.ts'
import { HAPPENINGS } from '../../../protocol/api/happenings.ts'

const DOCS = readFileSync(new URL('../../../docs/notifications.md', import.meta.url), 'utf8')
const block = (mark: string) =>
  new RegExp(`<!-- ${mark} -->\\n\`\`\`\\w+\\n(.*?)\`\`\``, 's').exec(DOCS)?.[1]

test('the configuration that it shows is a good one', () => {
  const { notify } = parse(block('config') ?? '')
  assert.ok(configFile.shape.notify.safeParse(notify).success)
})

test('it names every event', () => {
  for (const event of HAPPENINGS) assert.match(DOCS, new RegExp(`\`${event}\``), event)
})

test('the check takes what hoop signs, and nothing else', async () => {
  const source = Buffer.from(block('verify') ?? '').toString('base64')
  const { isFromHoop } = await import(`data:text/javascript;base64,${source}`)
  const now = 1_800_000_000_000
  const body = '{"event":"held","said":"é"}'
  const headers = {
    'hoop-timestamp': String(now / 1000),
    'hoop-signature': signatureOf('the key', now / 1000, body),
  }
  assert.equal(isFromHoop(headers, body, 'the key', now), true)
  assert.equal(isFromHoop(headers, `${body} `, 'the key', now), false)
  assert.equal(isFromHoop(headers, body, 'another', now), false)
  assert.equal(isFromHoop(headers, body, 'the key', now + 301_000), false)
  assert.equal(isFromHoop({ ...headers, 'hoop-timestamp': 'x' }, body, 'the key', now), false)
  assert.equal(isFromHoop({}, body, 'the key', now), false)
})
