import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KINDS } from '../../../../broker/masking/detect/kinds.ts'
import { reference } from './reference.ts'
import { AWS_ID, DEFAULT_KINDS, detectorOf, GITHUB, JWT } from './support.ts'

const detector = detectorOf('redact', DEFAULT_KINDS)

function found(text: string): string[] {
  const bytes = Buffer.from(text, 'latin1')
  const { kinds, starts, ends } = detector.find(bytes, 0, bytes.length)
  return kinds
    .map((kind, at) => `${KINDS[kind]}@${starts[at]}: ${text.slice(starts[at], ends[at])}`)
    .sort()
}

const TRUE = [
  ...['4111111111111111', '4111-1111-1111-1111', '5555 5555 5555 4444', '3782 822463 10005'],
  ...['378282246310005', '36227206271667', '6011000990139424', '078-05-1120', '219-09-9999'],
  ...['GB82WEST12345698765432', 'GB82 WEST 1234 5698 7654 32', 'gb82west12345698765432'],
  ...['NO9386011117947', 'NL91ABNA0417164300', 'NO93-8601-1117-947', 'DE89370400440532013000'],
  ...[JWT, AWS_ID, GITHUB, `AIza${'a'.repeat(35)}`, `xoxb-${'1a'.repeat(12)}`],
  ...[`GOCSPX-${'b'.repeat(28)}`, `npm_${'c'.repeat(36)}`, `sk_live_${'4e'.repeat(9)}`],
  ...[`whsec_${'d'.repeat(24)}`, `github_pat_${'e'.repeat(60)}`, 'eyJhbGciOiJkaXIifQ..aa.bb.cc'],
]
const NEAR = [
  ...['2026-11-22 10:00:00.123456+00', '2026-11-22', '550e8400-e29b-41d4-a716-446655440000'],
  ...['1700000000000', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', '415-555-0123', '000-05-1120'],
  ...['1234-5678-9012', '12-34-5678', 'eyJhbGciOiJIUzI1NiJ9', 'ghp_short', 'AKIA', 'user_id'],
]
/** One character left out, or another in its place. */
const changed = fc
  .tuple(fc.constantFrom(...TRUE, ...NEAR), fc.nat(80), fc.constantFrom('', '0', '5', 'A', '-'))
  .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at + 1))
const piece = fc.oneof(
  fc.constantFrom(...TRUE),
  fc.constantFrom(...NEAR),
  changed,
  fc.constantFrom(
    ' ',
    '-',
    '.',
    '_',
    '\\',
    '\\u',
    '\\n',
    '"',
    ',',
    '\t',
    '0',
    '7',
    'a',
    'Z',
    'Visa',
  ),
  fc.stringMatching(/^[0-9 -]{0,24}$/),
)
const texts = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(''))

test('what is found is what the plain reading of the rules finds', () => {
  fc.assert(
    fc.property(texts, (text) => assert.deepEqual(found(text), reference(text))),
    { numRuns: 4_000, examples: [...TRUE, ...NEAR].map((text) => [text]) },
  )
})
