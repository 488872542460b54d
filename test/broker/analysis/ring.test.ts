import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Answerer, Asker, createRing } from '../../../broker/analysis/ring.ts'

test('questions come in order, answers in order, whatever the sizes', () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 40 })
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 5 }), (all, slots) => {
      const memory = createRing(slots, 256)
      let told = 0
      const asker = new Asker(memory)
      const answerer = new Answerer(memory, () => told++)
      const waiting = [...all]
      const answers: (string | null)[] = []
      while (answers.length < all.length) {
        while (waiting.length > 0 && asker.ask('topic', Buffer.from(waiting[0]!))) waiting.shift()
        const question = answerer.wait()!
        assert.equal(question.topic, 'topic')
        answerer.answer(question.text.toString())
        assert.ok(told > 0)
        answers.push(...asker.take())
      }
      const readable = all.map((text) => Buffer.from(text).toString())
      assert.deepEqual(answers, readable)
    }),
  )
})

test('no more questions than slots, and none larger than a slot', () => {
  const asker = new Asker(createRing(2, 64))
  assert.equal(asker.ask('', Buffer.alloc(57)), false)
  assert.equal(asker.ask('', Buffer.alloc(56)), true)
  assert.equal(asker.ask('', Buffer.alloc(1)), true)
  assert.equal(asker.ask('', Buffer.alloc(1)), false)
})

test('an answer that does not fit is told as such', () => {
  const memory = createRing(1, 64)
  const asker = new Asker(memory)
  const answerer = new Answerer(memory, () => undefined)
  asker.ask('', Buffer.from('?'))
  answerer.wait()
  assert.equal(answerer.answer('x'.repeat(57)), false)
  assert.deepEqual(asker.take(), [null])
  asker.ask('', Buffer.from('?'))
  answerer.wait()
  assert.equal(answerer.answer('ü'.repeat(28)), true)
  assert.deepEqual(asker.take(), ['ü'.repeat(28)])
})

test('one wake-up for many answers', () => {
  const memory = createRing(8, 64)
  const asker = new Asker(memory)
  let told = 0
  const answerer = new Answerer(memory, () => told++)
  for (const text of ['a', 'b', 'c']) asker.ask('', Buffer.from(text))
  for (let i = 0; i < 3; i++) answerer.answer(answerer.wait()!.text.toString())
  assert.equal(told, 1)
  assert.deepEqual(asker.take(), ['a', 'b', 'c'])
})

test('news is seen before questions', () => {
  const memory = createRing(2, 64)
  const asker = new Asker(memory)
  const answerer = new Answerer(memory, () => undefined)
  asker.ask('', Buffer.from('a'))
  asker.news()
  assert.equal(answerer.wait(), null)
  assert.equal(answerer.wait()?.text.toString(), 'a')
})
