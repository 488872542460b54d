import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AWS_ID, AWS_SECRET, detectorOf, foundIn, GITHUB, JWT, PEM } from './support.ts'

/** What must be found, and where it stands in the text around it. */
const FOUND: readonly (readonly [text: string, ...found: string[]])[] = [
  ['4111111111111111', 'card: 4111111111111111'],
  ['4111-1111-1111-1111', 'card: 4111-1111-1111-1111'],
  ['paid with 4111 1111 1111 1111 today', 'card: 4111 1111 1111 1111'],
  ['3782 822463 10005', 'card: 3782 822463 10005'],
  ['{"pan":4111111111111111}', 'card: 4111111111111111'],
  ['{4111111111111111,5555555555554444}', 'card: 4111111111111111', 'card: 5555555555554444'],
  ['4111111111111111|5555555555554444', 'card: 4111111111111111', 'card: 5555555555554444'],
  ['(1,"Visa 378282246310005",t)', 'card: 378282246310005'],
  ['Ann4111111111111111', 'card: 4111111111111111'],
  ['078-05-1120', 'ssn: 078-05-1120'],
  ['Ann078-05-1120', 'ssn: 078-05-1120'],
  ['078-05-1120, 219-09-9999', 'ssn: 078-05-1120', 'ssn: 219-09-9999'],
  ['GB82 WEST 1234 5698 7654 32', 'iban: GB82 WEST 1234 5698 7654 32'],
  ['pay GB82WEST12345698765432.', 'iban: GB82WEST12345698765432'],
  ['gb82west12345698765432', 'iban: gb82west12345698765432'],
  ['NO9386011117947', 'iban: NO9386011117947'],
  ['NL91ABNA0417164300', 'iban: NL91ABNA0417164300'],
  ['Bob <bob.b+x@mail.example.com>', 'email: bob.b+x@mail.example.com'],
  ['BOB@EXAMPLE.COM', 'email: BOB@EXAMPLE.COM'],
  ['{"a":"josé@exämple.org"}', 'email: josé@exämple.org'],
  ['line\\nbob@example.com', 'email: bob@example.com'],
  ['call +1 (415) 555-0123!', 'phone: +1 (415) 555-0123'],
  ['+14155550123', 'phone: +14155550123'],
  ['+49 30 901820', 'phone: +49 30 901820'],
  ['(415) 555-0123', 'phone: (415) 555-0123'],
  [`Bearer ${JWT}`, `jwt: ${JWT}`],
  [`id=${AWS_ID}`, `cloud_key: ${AWS_ID}`],
  [`${AWS_ID},${AWS_SECRET}`, `cloud_key: ${AWS_ID}`, `cloud_key: ${AWS_SECRET}`],
  [`aws_secret_access_key = ${AWS_SECRET}`, `cloud_key: ${AWS_SECRET}`],
  [`{"SecretAccessKey":"${AWS_SECRET}"}`, `cloud_key: ${AWS_SECRET}`],
  [`AccountKey=${'aB3'.repeat(28)}xY==;`, `cloud_key: ${'aB3'.repeat(28)}xY==`],
  [`abC8Q~${'x'.repeat(34)}`, `cloud_key: abC8Q~${'x'.repeat(34)}`],
  [`token ${GITHUB}`, `cloud_key: ${GITHUB}`],
  [`AIza${'a'.repeat(35)}`, `cloud_key: AIza${'a'.repeat(35)}`],
  [`xoxb-${'12345678-'.repeat(3)}x`, `cloud_key: xoxb-${'12345678-'.repeat(3)}x`],
  [`sk_live_${'4eC39HqLyjWDarjt'}`, `cloud_key: sk_live_${'4eC39HqLyjWDarjt'}`],
  [PEM, `private_key: ${PEM}`],
  [`{"k":"${PEM.replaceAll('\n', '\\n')}"}`, `private_key: ${PEM.replaceAll('\n', '\\n')}`],
]

/** What looks nearly so, and people need to see. */
const CLEAR: readonly string[] = [
  ...['2024-01-01 12:34:56.789012+00', '550e8400-e29b-41d4-a716-446655440000'],
  ...['4111111111111112', '1700000000000', '1700000000000000', '0.4111111111111111'],
  ...['4111111111111111.5', 'ORD-1234-5678-9012', '12344111111111111111111', 'a_4111111111111111'],
  ...['000-05-1120', '666-12-1234', '123-45-67890', '1-078-05-1120-2', '078 05 1120', '078051120'],
  ...['GB82WEST12345698765433', 'XX82WEST12345698765432', 'GB82WEST123456987654321'],
  ...['a@b', 'git@github.com:org/repo', 'postgres://u:p@host.example.com/', 'icon@2x.png'],
  ...['pkg@1.2.3', '@types/node', 'x@y..com', '1.2.3.4', '2001:db8::8a2e:370:7334', 'v1.22.333'],
  ...[
    '+00:00',
    '1e+12345678',
    '+1 2',
    '415-555-0123',
    '5550123',
    'eyJhbGciOiJIUzI1NiJ9',
    'a.eyJ.b',
  ],
  ...['da39a3ee5e6b4b0d3255bfef95601890afd80709', 'AKIAshort', 'secret_access_key = none'],
  'client_secret_access_key: da39a3ee5e6b4b0d3255bfef95601890afd80709',
  '-----BEGIN PRIVATE KEY----- is how a key begins',
  '-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END CERTIFICATE-----',
]

describe('what detectors find', () => {
  for (const [text, ...found] of FOUND) {
    test(JSON.stringify(text).slice(0, 70), () => assert.deepEqual(foundIn(text), found))
  }
})

describe('what they leave', () => {
  for (const text of CLEAR) {
    test(JSON.stringify(text).slice(0, 70), () => assert.deepEqual(foundIn(text), []))
  }
})

const pieces = fc.oneof(
  fc.constantFrom(...FOUND.map(([text]) => text), ...CLEAR),
  fc.constantFrom(' ', '-', '.', '\\', '\\u', '"', ',', '{', '0', 'a', '_', '@', '+', '\n'),
  fc.string({ maxLength: 8 }),
)
const texts = fc.array(pieces, { maxLength: 8 }).map((parts) => Buffer.from(parts.join('')))

const NONE = new Uint8Array()
const ONE = new Uint8Array(1)
/** The letter of the next message follows at once. */
const AT_EDGES = ['4111-1111-1111-1111-', '078-05-1120-', '3782 822463 10005-'].map((text) =>
  Buffer.from(text),
)

test('a look at many values at once never says no where one of them holds something', () => {
  const detector = detectorOf()
  const framed = fc.record({
    before: fc.uint8Array({ maxLength: 9 }),
    text: texts,
    behind: fc.uint8Array({ maxLength: 9 }),
  })
  fc.assert(
    fc.property(framed, ({ before, text, behind }) => {
      // As DataRow frames a value: its length before it, another length or a message behind it.
      const length = Buffer.alloc(4)
      length.writeInt32BE(text.length)
      const next = Buffer.from(behind.length % 2 === 0 ? [0, 0, 0, 1] : [0x44, 0, 0, 0])
      const all = Buffer.concat([before, length, text, next, behind])
      const found = detector.find(text, 0, text.length).count > 0
      assert.ok(!found || detector.mayHold(all, 0, all.length))
    }),
    { numRuns: 3_000, examples: AT_EDGES.map((text) => [{ before: NONE, text, behind: ONE }]) },
  )
})

test('whatever the bytes are: nothing is thrown, finds lie within them, and no other byte is covered', () => {
  const detector = detectorOf('hash')
  const bytes = fc.oneof(
    texts,
    fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
  )
  fc.assert(
    fc.property(bytes, (value) => {
      const hits = detector.find(value, 0, value.length)
      const places = hits.starts.map((start, at) => [start, hits.ends[at]!] as const)
      for (const [start, end] of places) assert.ok(start >= 0 && start < end && end <= value.length)
      const covered = Buffer.from(value)
      detector.text('text', covered, 0, covered.length, new Uint32Array(8))
      const isCovered = (at: number) => places.some(([start, end]) => at >= start && at < end)
      for (let at = 0; at < value.length; at++) {
        if (!isCovered(at)) assert.equal(covered[at], value[at])
      }
    }),
    { numRuns: 3_000 },
  )
})

test('JSON stays JSON, whatever is found in it', () => {
  const leaf = fc.oneof(
    texts.map(String),
    fc.constantFrom(4111111111111111, 378282246310005, -4111111111111111, 1.5),
    fc.boolean(),
  )
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      leaf,
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(texts.map(String), tie('json'), { maxKeys: 3 }),
    ),
  }))
  const detector = detectorOf()
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 1), (value, indent) => {
      const bytes = Buffer.from(JSON.stringify(value, null, indent))
      detector.text('json', bytes, 0, bytes.length, new Uint32Array(8))
      JSON.parse(bytes.toString())
    }),
    { numRuns: 2_000 },
  )
})
