import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kind } from '../../../../broker/masking/detect/kinds.ts'
import { AWS_ID, AWS_SECRET, detectorOf, GITHUB, JWT, PEM } from './support.ts'

/** One of each form, as short as it may be. */
const SHORTEST: readonly (readonly [Kind, string])[] = [
  ['email', 'a@b.cd'],
  ['phone', '+12345678'],
  ['phone', '(415)555-0123'],
  ['jwt', `eyJ${'a'.repeat(9)}....`],
  ['jwt', `eyJ${'a'.repeat(9)}.eyJ.`],
  ['private_key', `-----BEGIN PRIVATE KEY-----${'a'.repeat(40)}`],
  ...['ghp', 'gho', 'ghu', 'ghs', 'ghr', 'npm'].map(
    (name) => ['cloud_key', `${name}_${'a'.repeat(36)}`] as const,
  ),
  ['cloud_key', `github_pat_${'a'.repeat(60)}`],
  ['cloud_key', `sk_live_${'a'.repeat(16)}`],
  ['cloud_key', `rk_live_${'a'.repeat(16)}`],
  ['cloud_key', `whsec_${'a'.repeat(24)}`],
  ...['xoxa', 'xoxb', 'xoxp', 'xoxr', 'xoxs', 'xapp'].map(
    (name) => ['cloud_key', `${name}-${'a'.repeat(20)}`] as const,
  ),
  ...['AKIA', 'ASIA', 'ABIA'].map((name) => ['cloud_key', `${name}${'A'.repeat(16)}`] as const),
  ['cloud_key', `AIza${'a'.repeat(35)}`],
  ['cloud_key', `GOCSPX-${'a'.repeat(28)}`],
  ['cloud_key', `aaa7Q~${'a'.repeat(31)}`.padStart(37, 'a')],
]

test('the shortest of each form is found alone and at each place, by its kind alone', () => {
  for (const [kind, secret] of SHORTEST) {
    const detector = detectorOf('redact', [kind])
    for (let places = 0; places <= 20; places++) {
      for (const text of [
        secret,
        `${' '.repeat(places)}${secret}`,
        `${secret}${' '.repeat(places)}`,
      ]) {
        const bytes = Buffer.from(text)
        assert.equal(detector.find(bytes, 0, bytes.length).count, 1, text)
        assert.ok(detector.mayHold(bytes, 0, bytes.length), text)
      }
    }
  }
})

test('names before a secret give it away in whatever case', () => {
  const names = ['SecretAccessKey', 'secret_access_key', 'SECRET_ACCESS_KEY', 'SecretAccess_kEY']
  for (const name of [...names, 'secretaccessKEY']) {
    const bytes = Buffer.from(`${name}=${AWS_SECRET}`)
    assert.equal(detectorOf().find(bytes, 0, bytes.length).count, 1, name)
    assert.ok(detectorOf().mayHold(bytes, 0, bytes.length), name)
  }
})

test('marks without a secret, however many, hide none behind them', () => {
  const secrets = [AWS_ID, GITHUB, JWT, PEM, ...SHORTEST.map(([, secret]) => secret)]
  const marks = [
    ...'@+(JVxIXK~_',
    'eyJ',
    'PRIV',
    'PRIVATE KEY',
    'xox',
    'AKIA',
    'AIza',
    'Key',
    '_key',
  ]
  const detector = detectorOf()
  for (const mark of [...marks, 'ghp_', 'GOCSPX-', '7Q~', '\u00e9', '\u0000', '\ud83d\ude00']) {
    for (const secret of secrets) {
      const before = Buffer.from(`${`${mark} `.repeat(300)}: `)
      const bytes = Buffer.concat([before, Buffer.from(secret)])
      const { ends } = detector.find(bytes, 0, bytes.length)
      assert.ok(
        ends.some((end) => end > before.length),
        `${mark} ${secret}`,
      )
      assert.ok(detector.mayHold(bytes, 0, bytes.length), `${mark} ${secret}`)
    }
  }
})

test('a mark outside of a value is none of it', () => {
  const bytes = Buffer.from(`ghp_${'a'.repeat(36)}`)
  const detector = detectorOf()
  assert.equal(detector.find(bytes, 1, bytes.length).count, 0)
  assert.equal(detector.find(bytes, 4, bytes.length).count, 0)
  assert.equal(detector.find(bytes, 0, bytes.length - 1).count, 0)
  assert.equal(detector.find(bytes, 0, bytes.length).count, 1)
})

test('a text full of marks is read to its end once, not for each of them', () => {
  const detector = detectorOf()
  const openings = ['eyJ', 'xoxb-', 'ghp_', '7Q~', '-----BEGIN PRIVATE KEY-----', 'AccountKey']
  for (const mark of openings) {
    const bytes = Buffer.alloc(1 << 20, mark)
    bytes.write(` ${AWS_ID} `, bytes.length - AWS_ID.length - 2)
    const { ends } = detector.find(bytes, 0, bytes.length)
    assert.ok(ends.includes(bytes.length - 1), mark)
    assert.ok(detector.mayHold(bytes, 0, bytes.length), mark)
  }
})

test('each beginning within a secret is told from what its own end says', () => {
  const countOf = (text: string) => detectorOf().find(Buffer.from(text), 0, text.length).count
  assert.equal(countOf(`eyJeyJ${'a'.repeat(9)}.a.b.c.d eyJ`), 2)
  assert.equal(countOf(`eyJ${'a'.repeat(6)}eyJ${'a'.repeat(8)}.a.b.c.d`), 1)
  assert.equal(countOf(`eyJ${'a'.repeat(9)}.eyJ${'a'.repeat(9)}.b eyJ${'a'.repeat(9)}.c.d.e.f`), 2)
  assert.equal(countOf(`abc7Q~aa7Q~${'x'.repeat(30)}`), 1)
  assert.equal(countOf(`${PEM}${PEM}`), 2)
})
