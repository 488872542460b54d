import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration, parseSize, showDuration } from '../../protocol/units.ts'

test('durations', () => {
  assert.equal(parseDuration('250ms'), 250)
  assert.equal(parseDuration('90s'), 90_000)
  assert.equal(parseDuration('1h30m'), 5_400_000)
  assert.equal(parseDuration('2d'), 172_800_000)
  for (const text of ['', '1', '1 h', '-1h', '1.5h', '1w', 'h', '1h ', '1h-']) {
    assert.equal(parseDuration(text), null, text)
  }
})

test('sizes', () => {
  assert.equal(parseSize('1B'), 1)
  assert.equal(parseSize('64kB'), 65_536)
  assert.equal(parseSize('2GB'), 2 ** 31)
  for (const text of ['', '2', '2 GB', '2gb', '-1B', '1.5GB'])
    assert.equal(parseSize(text), null, text)
})

test('a duration is shown as it is read', () => {
  for (const text of ['30s', '1h30m', '2d', '1d1h1m1s']) {
    assert.equal(showDuration(parseDuration(text)!), text)
  }
  assert.equal(showDuration(90_500), '1m30s')
  assert.equal(showDuration(0), '0s')
})
