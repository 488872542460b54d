import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MalformedBytes } from '../../../protocol/bytes/cursor.ts'
import { CONTROL_MARK, FrameSorter, MAX_FRAME, pieces } from '../../../protocol/tunnel/frames.ts'
import { Liveness } from '../../../protocol/tunnel/liveness.ts'

test('an empty frame makes the next one a control message, and only that', () => {
  const sorter = new FrameSorter()
  const data = Buffer.from('data')
  const sorts = [data, CONTROL_MARK, data, data].map((frame) => sorter.sort(frame))
  assert.deepEqual(sorts, ['data', 'mark', 'control', 'data'])
})

test('two marks are malformed', () => {
  const sorter = new FrameSorter()
  sorter.sort(CONTROL_MARK)
  assert.throws(() => sorter.sort(CONTROL_MARK), MalformedBytes)
})

test('what was sent as data and control comes out the same, whatever the order', () => {
  const item = fc.oneof(
    fc.record({ type: fc.constant('data' as const), size: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ type: fc.constant('control' as const), size: fc.integer({ min: 1, max: 5 }) }),
  )
  fc.assert(
    fc.property(fc.array(item), (items) => {
      const sorter = new FrameSorter()
      const seen: string[] = []
      for (const { type, size } of items) {
        if (type === 'control') assert.equal(sorter.sort(CONTROL_MARK), 'mark')
        seen.push(sorter.sort(Buffer.alloc(size)))
      }
      assert.deepEqual(
        seen,
        items.map(({ type }) => type),
      )
    }),
  )
})

test('pieces are views, in order, none empty, none too long', () => {
  const bytes = Buffer.alloc(MAX_FRAME * 2 + 1, 7)
  const cut = [...pieces(bytes)]
  assert.deepEqual(
    cut.map((piece) => piece.length),
    [MAX_FRAME, MAX_FRAME, 1],
  )
  assert.ok(cut.every((piece) => piece.buffer === bytes.buffer))
  assert.deepEqual([...pieces(Buffer.alloc(0))], [])
})

test('an end that says nothing for four heartbeats is gone', () => {
  const life = new Liveness()
  const beats = [10, 10, 10, 10, 10].map((bytes) => life.beat(bytes, true))
  assert.deepEqual(beats, ['alive', 'alive', 'alive', 'alive', 'gone'])
})

test('every byte is a sign of life, and an end that does not read cannot know', () => {
  const life = new Liveness()
  for (let i = 0; i < 20; i++) assert.equal(life.beat(i, true), 'alive')
  for (let i = 0; i < 20; i++) assert.equal(life.beat(20, false), 'alive')
})
