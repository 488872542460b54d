import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serialize } from 'node:v8'
import fc from 'fast-check'
import { MalformedBytes } from '../../../protocol/bytes/cursor.ts'
import {
  decodeAuthentication,
  decodeSaslInitial,
  decodeSaslResponse,
} from '../../../protocol/pg/authentication.ts'
import {
  BACKEND_RULES,
  decodeCommandTag,
  decodeErrorFields,
  decodeParameterStatus,
  decodeReadyForQuery,
  decodeRowDescription,
  rowsOfTag,
  withFormats,
} from '../../../protocol/pg/backend.ts'
import { BackendKeyWatch, readBackendKey } from '../../../protocol/pg/backend-key.ts'
import { Framer, type FramerRules } from '../../../protocol/pg/framer.ts'
import { decodeFrontend, FRONTEND_RULES } from '../../../protocol/pg/frontend.ts'
import { ScramClient, ScramError, ScramServer, scramVerifier } from '../../../protocol/pg/scram.ts'
import {
  checkStartup,
  decodeFirstPacket,
  firstPacketSize,
  StartupRefused,
} from '../../../protocol/pg/startup.ts'
import {
  bind,
  columns,
  complete,
  error,
  execute,
  message,
  parse,
  query,
  ready,
  row,
} from '../../support/messages.ts'

/**
 * Any bytes into any decoder of the protocol: a value, not larger than a multiple of the bytes, or an
 * error that its caller knows. Those of the tunnel, the log and COPY have theirs in their own tests.
 */

const VERIFIER = scramVerifier(Buffer.alloc(32), Buffer.alloc(16), 4096)

function frames(rules: FramerRules, bytes: Buffer): { type: number; bytes: Buffer }[] {
  const framer = new Framer(rules)
  framer.push(bytes)
  const all: { type: number; bytes: Buffer }[] = []
  for (let frame = framer.next(); frame !== null; frame = framer.next()) all.push(frame)
  assert.ok(framer.buffered <= bytes.length)
  return all
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'frames of a client': (bytes) => frames(FRONTEND_RULES, bytes),
  'frames of a server': (bytes) => frames(BACKEND_RULES, bytes),
  'messages of a client': (bytes) =>
    frames(FRONTEND_RULES, bytes).map((frame) =>
      decodeFrontend({ ...frame, count: 1, part: 'whole' }),
    ),
  RowDescription: decodeRowDescription,
  'RowDescription with formats': (bytes) => withFormats(bytes, [1]),
  ErrorResponse: decodeErrorFields,
  CommandComplete: (bytes) => rowsOfTag(decodeCommandTag(bytes)),
  ParameterStatus: decodeParameterStatus,
  ReadyForQuery: decodeReadyForQuery,
  BackendKeyData: readBackendKey,
  'the beginning of a session': (bytes) => new BackendKeyWatch().see(bytes),
  Authentication: decodeAuthentication,
  SASLInitialResponse: decodeSaslInitial,
  SASLResponse: decodeSaslResponse,
  'the first packet': (bytes) => [firstPacketSize(bytes), decodeFirstPacket(bytes)],
  'the start-up': (bytes) => checkStartup({ user: 'a', options: bytes.toString('latin1') }),
  "SCRAM, a client's first": (bytes) =>
    new ScramServer(VERIFIER, 'nonce').challenge(bytes.toString('latin1')),
  "SCRAM, a client's last": (bytes) => {
    const server = new ScramServer(VERIFIER, 'nonce')
    server.challenge('n,,n=,r=abc')
    return server.verify(bytes.toString('latin1'))
  },
  "SCRAM, a server's first": (bytes) => {
    const client = new ScramClient('abc', { type: 'none' })
    client.first()
    return client.challenge(bytes.toString('latin1'))
  },
}

const GOOD = [
  ...[query('select 1'), parse('select $1', 's'), bind({ values: ['a', null] }), execute()],
  ...[columns('a', 'b'), row('1', null), complete('SELECT 1'), ready(), error('22012')],
  ...[message('S', 'TimeZone', 'UTC'), message('K', 1, 2), message('R', 10, 'SCRAM-SHA-256', '')],
  Buffer.from('n,,n=,r=abc'),
  Buffer.from('r=abcdef,s=c2FsdA==,i=4096'),
  Buffer.from('c=biws,r=abcnonce,p=AAAA'),
]

const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))

/** A good message with a byte or two changed, something cut off or put on. */
const nearlyGood = fc
  .tuple(
    fc.constantFrom(...GOOD),
    fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 3 }),
    noise,
  )
  .chain(([good, changes, more]) =>
    fc.nat(good.length).map((length) => {
      const bytes = Buffer.from(good)
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
      return length % 3 === 0 ? bytes.subarray(0, length) : Buffer.concat([bytes, more])
    }),
  )

for (const [what, decode] of Object.entries(DECODERS)) {
  test(`property: ${what}: a value in proportion, or an error`, () => {
    fc.assert(
      fc.property(fc.oneof(noise, nearlyGood), (bytes) => {
        try {
          const value = decode(bytes)
          assert.ok(serialize(value ?? null).length <= 200 * bytes.length + 1_000)
        } catch (error) {
          if (!isKnown(error)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })
}

function isKnown(error: unknown): boolean {
  return [MalformedBytes, ScramError, StartupRefused].some((kind) => error instanceof kind)
}
