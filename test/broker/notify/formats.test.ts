/** What somebody else wrote cannot become a part of the message: no mention, link, fence or hidden character. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonBody } from '../../../broker/notify/json.ts'
import { type Message, messageOf } from '../../../broker/notify/message.ts'
import { slackBody } from '../../../broker/notify/slack.ts'
import { teamsBody } from '../../../broker/notify/teams.ts'
import type { Undelivered } from '../../../broker/store/outbox.ts'
import type { RequestRecord } from '../../../broker/store/store.ts'
import { record } from './support.ts'

const HELD: Undelivered = {
  ...{ number: 1, request: 'r-0000000001', event: 'held', place: 0, at: 1_000_000 },
  ...{ detail: null, attempts: 0 },
}
const CHAT = { shown: 'whole', fits: { characters: 2_000, lines: 40 } } as const

const NOBODY = { keys: [], machine: false } as const

/** The same hostile text wherever somebody may write. */
function attacked(text: string): RequestRecord {
  const somebody = { issuer: 'idp', subject: text, email: null, groups: [], ...NOBODY }
  return record({
    ...{ statement: text, effect: text, reason: text, requester: somebody },
    needs: [{ group: text, count: 1 }],
  })
}

const message = (text: string): Message => messageOf(HELD, attacked(text), CHAT)

/** Every element with a text, in all depths. */
function texts(node: unknown): { readonly type: unknown; readonly text: string }[] {
  if (typeof node !== 'object' || node === null) return []
  const own = node as { type?: unknown; text?: unknown }
  const here = typeof own.text === 'string' ? [{ type: own.type, text: own.text }] : []
  return [...here, ...Object.values(node).flatMap(texts)]
}

const SNIPPETS = [
  ...['<!channel>', '<!here>', '<!everyone>', '<@U024BE7LH>', '<#C024BE7LR>', '@here', '@channel'],
  ...[
    '<https://evil.test|the console>',
    'https://evil.test',
    'www.evil.test',
    '[x](http://evil.test)',
  ],
  ...['```', '`', '*bold*', '_it_', '~no~', '> quote', ':x:', '\n', '\r', '\t', '\0', '\x1b[31m'],
  ...['\u202e', '\u2066', '\u200b', '\ufeff', '<at>Bob</at>', '{{DATE(2026-01-01,SHORT)}}'],
  ...['\ud800', '"', '\\', '&lt;', '&', '</script>', '"}],"text":"Approved', 'é', '戴', '𝕏'],
]
const HOSTILE = fc
  .array(fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ unit: 'grapheme' })), { maxLength: 12 })
  .map((parts) => parts.join(''))
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

function isHarmless(text: string): void {
  assert.doesNotMatch(text.replaceAll('\n', ''), HIDDEN)
  assert.doesNotMatch(text, /<[!@#]|<\/?at\b|:\/\/|```|\bwww\.|\]\(|\{\{/i)
  assert.doesNotMatch(text, /(^|[^\w.+-])@(here|channel|everyone)/i)
}

test('Slack: text of others stands in elements without markup, and is harmless there, too', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const body = slackBody(message(text)) as { text: string; blocks: unknown[] }
      const usual = slackBody(message('x')) as typeof body
      assert.equal(body.text, usual.text)
      assert.deepEqual(body.blocks[0], usual.blocks[0])
      for (const each of texts(body.blocks.slice(1))) {
        assert.equal(each.type, 'text')
        isHarmless(each.text)
      }
      const kinds = JSON.stringify(body).match(/"type":"\w+"/g) ?? []
      assert.ok(kinds.every((kind) => SLACK_KINDS.has(kind.slice(8, -1))))
    }),
  )
})

const SLACK_KINDS = new Set([
  ...['header', 'plain_text', 'rich_text', 'rich_text_section', 'rich_text_preformatted', 'text'],
])

test('Teams: text of others stands in TextRun alone, and nobody can be mentioned', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const body = teamsBody(message(text)) as { attachments: [{ content: { body: unknown[] } }] }
      const { content } = body.attachments[0]
      assert.deepEqual(Object.keys(content).sort(), [
        '$schema',
        'body',
        'msteams',
        'type',
        'version',
      ])
      const all = texts(content.body)
      assert.deepEqual(
        all.filter(({ type }) => type !== 'TextRun').map((each) => each.text),
        ['Approval needed'],
      )
      for (const each of all) isHarmless(each.text)
    }),
  )
})

test('JSON: what cannot be seen is named', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const strings = JSON.stringify(jsonBody(message(text)))
      assert.doesNotMatch(strings, HIDDEN)
      assert.doesNotMatch(strings, /\\u[0-9a-f]{4}/)
    }),
  )
})

test('messages stay within what the chats take, whatever comes', () => {
  fc.assert(
    fc.property(HOSTILE, fc.integer({ min: 1, max: 400 }), (text, times) => {
      const long = message(text.repeat(times))
      assert.ok(Buffer.byteLength(JSON.stringify(teamsBody(long))) < 28_000)
      assert.ok((slackBody(long) as { blocks: unknown[] }).blocks.length <= 50)
      for (const each of texts(slackBody(long))) assert.ok(each.text.length < 3_000)
    }),
    { numRuns: 50 },
  )
})

test('ordinary text is told as it is', () => {
  const told = messageOf(HELD, record({ reason: 'ticket OPS-12, asked by bob@example.test' }), CHAT)
  const all = texts(slackBody(told)).map((each) => each.text)
  assert.ok(all.includes('ticket OPS-12, asked by bob@example.test\n'))
  assert.ok(all.includes('DELETE FROM orders WHERE id = 7'))
  assert.ok(all.includes('hoop approve r-0000000001'))
  assert.equal(told.note, 'It is decided in the CLI alone.')
})

test('an emergency says that it must be reviewed, and how', () => {
  const emergency = record({ kind: 'break_glass', expiresAt: Number.MAX_SAFE_INTEGER })
  const told = messageOf({ ...HELD, event: 'break_glass' }, emergency, CHAT)
  assert.match(told.headline, /^EMERGENCY ACCESS/)
  assert.ok(told.commands.includes('hoop approve r-0000000001'))
})

test('who may decide is told as it is at that moment', () => {
  const ways = [[{ group: 'dba', count: 2 }], [{ group: 'security', count: 1 }]]
  const asked = record({ needs: ways[0]!, alternatives: ways, opens: [0, 2_000_000] })
  const needs = (event: Undelivered) =>
    Object.fromEntries(messageOf(event, asked, CHAT).facts)['needs']
  assert.equal(needs(HELD), '2 of dba')
  const later = { ...HELD, event: 'escalated', at: 2_000_000 } as const
  assert.equal(needs(later), '2 of dba, or 1 of security')
})

test('each event says who, and what they said', () => {
  const bob = { issuer: 'idp', subject: 'bob', email: 'bob@x.test', groups: ['dba'], ...NOBODY }
  const rejected = record({
    state: 'rejected',
    decisions: [{ by: bob, verdict: 'reject', comment: 'not today', maxRows: null, at: 5 }],
    history: [
      { state: 'pending', at: 1, until: 9, by: null, why: null },
      { state: 'rejected', at: 5, until: null, by: bob, why: 'not today' },
    ],
  })
  const facts = (event: Undelivered['event'], place: number | null, detail: string | null = null) =>
    Object.fromEntries(messageOf({ ...HELD, event, place, detail }, rejected, CHAT).facts)
  assert.equal(facts('rejected', 1)['by'], 'bob@x.test')
  assert.equal(facts('rejected', 1)['said'], 'not today')
  assert.equal(facts('decided', 0)['verdict'], 'reject')
  assert.equal(facts('escalated', null, 'to oncall')['said'], 'to oncall')
  // It is over: nobody is asked to decide it, however late the message is.
  assert.deepEqual(messageOf(HELD, rejected, CHAT).commands, ['hoop show r-0000000001'])
})
