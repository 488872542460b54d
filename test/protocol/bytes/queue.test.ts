import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteQueue } from '../../../protocol/bytes/queue.ts'

test('gives back what was put in, however it was cut', () => {
  const sizes = fc.array(fc.nat({ max: 300 }), { maxLength: 40 })
  fc.assert(
    fc.property(sizes, sizes, (puts, takes) => {
      const queue = new ByteQueue()
      const all = Buffer.from(Array.from({ length: total(puts) }, (_, i) => i % 251))
      let at = 0
      for (const size of puts) {
        queue.push(all.subarray(at, at + size))
        at += size
      }
      const taken: Buffer[] = []
      for (const size of takes) taken.push(queue.take(Math.min(size, queue.length)))
      taken.push(queue.take(queue.length))
      assert.deepEqual(Buffer.concat(taken), all)
    }),
  )
})

test('bytes that come one at a time, some used up in between, stay in order', () => {
  const queue = new ByteQueue()
  const all = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251))
  const taken: Buffer[] = []
  queue.push(all.subarray(0, 3))
  taken.push(queue.take(1))
  for (let i = 3; i < all.length; i++) {
    queue.push(all.subarray(i, i + 1))
    if (i % 3_000 === 0) taken.push(queue.take(1_500))
  }
  taken.push(queue.take(queue.length))
  assert.deepEqual(Buffer.concat(taken), all)
})

function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}
