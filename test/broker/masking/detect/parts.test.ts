import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Findings } from '../../../../broker/masking/detect/findings.ts'
import { PartDetector, wholeCutter } from '../../../../broker/masking/detect/parts.ts'
import { AWS_ID, AWS_SECRET, DEFAULT_KINDS, detectorOf, GITHUB, JWT, PEM } from './support.ts'

const detector = detectorOf('hash', DEFAULT_KINDS)

const value = fc.constantFrom(
  ...['4111111111111111', '4111-1111-1111-1111', '078-05-1120', 'GB82 WEST 1234 5698 7654 32'],
  ...['1-078-05-1120', '0.4111111111111111', '2026-11-22 10:00:00', JWT, GITHUB, PEM],
  `${AWS_ID},${AWS_SECRET}`,
)
/** Long enough that pieces go out before the last one is there. */
const words = fc.nat(9_000).map((length) => ' some words.'.repeat(length / 12))
const texts = fc
  .array(fc.tuple(value, fc.oneof(words, fc.constantFrom('', ' ', ',', '-', 'a', '0'))), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.flat().join(''))
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 })

function inPieces(bytes: Buffer, places: readonly number[]): Buffer {
  const parts = new PartDetector(detector, new Findings(), wholeCutter())
  const edges = [...places.map((place) => Math.floor(place * bytes.length)), bytes.length]
  let from = 0
  const out = edges
    .sort((one, other) => one - other)
    .map((to, at) => {
      const piece = Buffer.from(bytes.subarray(from, to))
      from = to
      return Buffer.from(parts.push(piece, at === edges.length - 1))
    })
  return Buffer.concat(out)
}

test('wherever a value is cut, what comes out is what comes out of it in one piece', () => {
  fc.assert(
    fc.property(texts, cuts, (text, places) => {
      const whole = Buffer.from(text)
      detector.text('text', whole, 0, whole.length, new Uint32Array(8))
      assert.equal(inPieces(Buffer.from(text), places).toString(), whole.toString())
    }),
    { numRuns: 300 },
  )
})
