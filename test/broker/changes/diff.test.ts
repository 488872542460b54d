import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unifiedDiff } from '../../../broker/changes/diff.ts'

const diff = (before: string, after: string) => unifiedDiff(before, after, ['old', 'new'])

test('a change with what stands around it', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\n'
  assert.equal(
    diff(before, before.replace('e', 'E')),
    '--- old\n+++ new\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h',
  )
  assert.equal(diff('', 'a\n'), '--- old\n+++ new\n@@ -0,0 +1,1 @@\n+a')
  assert.equal(
    diff('a\n', 'a'),
    '--- old\n+++ new\n@@ -1,1 +1,1 @@\n-a\n+a\n\\ No newline at end of file',
  )
  assert.equal(diff('a\n', 'a\n'), '')
})

/** As `patch` does, by the numbers in the heads of hunks alone. */
function patched(before: string, text: string): string {
  const old = before === '' ? [] : before.split('\n').slice(0, -1)
  const out: string[] = []
  let at = 0
  for (const line of text.split('\n').slice(2)) {
    const head = /^@@ -(\d+),(\d+) /.exec(line)
    if (head !== null) {
      const start = Number(head[2]) === 0 ? Number(head[1]) : Number(head[1]) - 1
      while (at < start) out.push(old[at++]!)
    } else if (line.startsWith('+')) out.push(line.slice(1))
    else {
      assert.equal(old[at++], line.slice(1))
      if (line.startsWith(' ')) out.push(line.slice(1))
    }
  }
  return [...out, ...old.slice(at)].map((line) => `${line}\n`).join('')
}

test('it is whole: from the one text it makes the other', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', '', '+x', '-x', ' x', '@@ -1,1 +1,1 @@'), { maxLength: 30 })
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
  const plain = text.map((all) => all.replaceAll('@@ ', '@ '))
  fc.assert(
    fc.property(plain, plain, (before, after) => {
      assert.equal(patched(before, diff(before, after)), after)
    }),
  )
})

test('texts that have nothing in common are shown whole, however long', () => {
  const many = (word: string) => Array.from({ length: 3000 }, (_, i) => `${word} ${i}\n`).join('')
  assert.equal(patched(many('a'), diff(many('a'), many('b'))), many('b'))
})
