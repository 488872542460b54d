import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { pack as packAnything } from 'msgpackr'
import { MalformedBytes } from '../../../protocol/bytes/cursor.ts'
import { MAX_FRAME } from '../../../protocol/tunnel/frames.ts'
import {
  type ClientMessage,
  decodeClientMessage,
  decodeServerMessage,
  encodeMessage,
  type ServerMessage,
} from '../../../protocol/tunnel/messages.ts'

const OPEN: ClientMessage = {
  t: 'open',
  connection: 'pg-prod',
  client: { pid: 4711, program: 'psql' },
  reason: 'ticket 12 — ünïcode',
  startup: { user: 'alice', database: 'app', TimeZone: 'UTC' },
}

const FROM_CLIENT: ClientMessage[] = [
  { t: 'hello', version: 1 },
  OPEN,
  { ...OPEN, reason: null, client: { pid: 1 }, startup: {} },
  { t: 'cancel', connection: 'pg-prod', pid: -5, key: Buffer.from([1, 2, 3, 4]) },
  { t: 'token', token: 'eyJ.eyJ.sig', proof: 'eyJ.eyJ.sig' },
]

const FROM_SERVER: ServerMessage[] = [
  { t: 'hello', version: 1, limits: { frame: MAX_FRAME } },
  { t: 'opened', session: 's-0123456789' },
  { t: 'prove', nonce: 'abc', fresh: true },
  {
    t: 'refused',
    code: 'unknown_connection',
    message: 'There is none.',
    hint: null,
    exit: 4,
    sqlstate: '42501',
  },
  {
    t: 'event',
    event: {
      event: 'held',
      request: 'r-0123456789',
      message: 'waits for dba',
      at: '2026-11-22T06:00:00Z',
      needs: [{ group: 'dba', count: 1 }],
    },
  },
]

describe('control messages', () => {
  for (const message of FROM_CLIENT) {
    test(`client ${message.t} comes back as it was`, () => {
      assert.deepEqual(decodeClientMessage(encodeMessage(message)), message)
    })
  }

  for (const message of FROM_SERVER) {
    test(`server ${message.t} comes back as it was`, () => {
      assert.deepEqual(decodeServerMessage(encodeMessage(message)), message)
    })
  }

  test('a field that is undefined is left out', () => {
    const event = { event: 'closed', message: 'm', at: 'now', request: undefined } as never
    const decoded = decodeServerMessage(encodeMessage({ t: 'event', event }))
    assert.deepEqual(decoded, { t: 'event', event: { event: 'closed', message: 'm', at: 'now' } })
  })

  test('the cancel key does not keep its frame', () => {
    const frame = encodeMessage(FROM_CLIENT[3] as ClientMessage)
    const decoded = decodeClientMessage(frame)
    frame.fill(0)
    assert.deepEqual(decoded, FROM_CLIENT[3])
  })
})

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('hostile control messages are malformed', () => {
  const cases: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['an array of 4 G', hex('dd ff ff ff ff')],
    ['an array of 65,535 in three bytes', hex('dc ff ff')],
    ['a map of 4 G', hex('df ff ff ff ff')],
    ['a text of 4 G', hex('db ff ff ff ff 61')],
    ['bytes of 4 G', hex('c6 ff ff ff ff 61')],
    ['an extension: a record definition', hex('d4 72 40')],
    ['an extension: a regular expression', packAnything({ t: /a+/ })],
    ['an extension: a date', packAnything({ t: new Date(0) })],
    ['an extension: a set', packAnything({ t: new Set([1]) })],
    ['a big integer', packAnything({ t: 2n ** 60n })],
    ['nested 1,000 deep', Buffer.alloc(1_000, 0x91)],
    ['a key twice', hex('82 a1 74 a2 6869 a1 74 a2 6869')],
    ['a key that is a number', hex('81 01 02')],
    ['text that is not UTF-8', hex('81 a1 74 a2 c0 27')],
    ['a byte too many', Buffer.concat([encodeMessage(OPEN), Buffer.from([0])])],
    ['longer than a frame', Buffer.alloc(MAX_FRAME + 1, 0xc0)],
    ['an unknown type', packAnything({ t: 'resume' })],
    ['no type', packAnything({ version: 1 })],
    ['a type that is inherited', packAnything({ t: 'constructor' })],
    ['a version that is text', packAnything({ t: 'hello', version: '1' })],
    ['a version 0', packAnything({ t: 'hello', version: 0 })],
    ['a pid that is a fraction', packAnything({ ...OPEN, client: { pid: 1.5 } })],
    ['a pid that is not a number', packAnything({ ...OPEN, client: { pid: Number.NaN } })],
    ['no client', packAnything({ ...OPEN, client: null })],
    ['a client that is a list', packAnything({ ...OPEN, client: [1] })],
    ['a start-up value that is a number', packAnything({ ...OPEN, startup: { user: 1 } })],
    ['a start-up that is text', packAnything({ ...OPEN, startup: 'user' })],
    [
      'a hundred start-up keys',
      packAnything({
        ...OPEN,
        startup: Object.fromEntries(Array.from('x'.repeat(100), (x, i) => [x + i, ''])),
      }),
    ],
    [
      'start-up values of 24 kB',
      packAnything({
        ...OPEN,
        startup: { a: 'x'.repeat(8_000), b: 'x'.repeat(8_000), c: 'x'.repeat(8_000) },
      }),
    ],
    ['a connection of 300 characters', packAnything({ ...OPEN, connection: 'x'.repeat(300) })],
    ['a reason of 5,000 characters', packAnything({ ...OPEN, reason: 'x'.repeat(5_000) })],
    [
      'a cancel key of 3 bytes',
      packAnything({ t: 'cancel', connection: 'a', pid: 1, key: Buffer.alloc(3) }),
    ],
    [
      'a cancel key of 300 bytes',
      packAnything({ t: 'cancel', connection: 'a', pid: 1, key: Buffer.alloc(300) }),
    ],
    [
      'a cancel key that is text',
      packAnything({ t: 'cancel', connection: 'a', pid: 1, key: 'abcd' }),
    ],
    ['a message of a server', encodeMessage(FROM_SERVER[1] as ServerMessage)],
  ]

  for (const [name, bytes] of cases) {
    test(name, () => assert.throws(() => decodeClientMessage(bytes), MalformedBytes))
  }

  test('a refusal without an SQLSTATE, an event of no known name, bytes in an event', () => {
    const refused = FROM_SERVER[3] as object
    const event = { event: 'held', message: 'm', at: 'now' }
    for (const message of [
      { ...refused, sqlstate: '42' },
      { ...refused, sqlstate: '42\n01' },
      { t: 'event', event: { ...event, event: 'exploded' } },
      { t: 'event', event: { ...event, extra: Buffer.alloc(1) } },
    ]) {
      assert.throws(() => decodeServerMessage(packAnything(message)), MalformedBytes)
    }
  })

  test('__proto__ changes nothing', () => {
    const bytes = packAnything(
      Object.fromEntries([...Object.entries(OPEN), ['__proto__', { polluted: true }]]),
    )
    assert.deepEqual(decodeClientMessage(bytes), OPEN)
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })

  test('any bytes are a message or malformed, and nothing else is thrown', () => {
    const seeds = [...FROM_CLIENT, ...FROM_SERVER].map(encodeMessage)
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([seed, changes]) => {
        const bytes = Buffer.from(seed)
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        return bytes
      })
    const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(mutated, noise), (bytes) => {
        for (const decode of [decodeClientMessage, decodeServerMessage]) {
          try {
            decode(bytes)
          } catch (error) {
            assert.ok(error instanceof MalformedBytes, String(error))
          }
        }
      }),
      { numRuns: 5_000 },
    )
  })

  test('cut at any byte it is malformed', () => {
    for (const message of FROM_CLIENT) {
      const bytes = encodeMessage(message)
      for (let end = 0; end < bytes.length; end++) {
        assert.throws(() => decodeClientMessage(bytes.subarray(0, end)), MalformedBytes)
      }
    }
  })
})
