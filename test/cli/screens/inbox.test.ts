import assert from 'node:assert/strict'
import { test } from 'node:test'
import { widthOf } from '../../../cli/output/width.ts'
import type { Request } from '../../../protocol/api/requests.ts'
import { request } from '../fake-broker.ts'
import { FakeDesk, KEYS, Screen } from './screen.ts'

const made = (id: string, seconds: number, more: Partial<Request> = {}) =>
  request({ id, created_at: new Date(Date.now() - seconds * 1000).toISOString(), ...more })

const OLD = made('r-0000000001', 300, { requester: 'alice@example.com', effect: 'UPDATE on a' })
const NEW = made('r-0000000002', 60, { requester: 'dave@example.com', effect: 'DELETE on b' })

async function inbox(
  run: (screen: Screen, desk: FakeDesk) => Promise<void>,
  more: ConstructorParameters<typeof Screen>[1] = {},
): Promise<void> {
  const desk = new FakeDesk(OLD, NEW)
  const screen = new Screen(desk, more)
  try {
    screen.feed.listed([NEW, OLD])
    await screen.until(/UPDATE on a/)
    await run(screen, desk)
  } finally {
    screen.close()
  }
}

test('who waits, for how long, where, with what effect, and how much is there of the quorum', () =>
  inbox(async (screen) => {
    assert.deepEqual(screen.lines.slice(0, 6), [
      'Waiting (2)',
      '',
      '▸  dave@example.com  pg-prod  write  waits 60s  0/1 dba  59m left',
      '   DELETE on b',
      '   alice@example.com  pg-prod  write  waits 5m  0/1 dba  59m left',
      '   UPDATE on a',
    ])
    assert.match(screen.text, /j\/k ↑↓ move {2}enter open {2}a approve/)
  }))

test('what comes is marked until it was looked at, and the choice stays where it was', () =>
  inbox(async (screen, desk) => {
    const latest = made('r-0000000003', 1, { effect: 'INSERT on c' })
    desk.requests.set(latest.id, latest)
    screen.feed.changed(latest)
    await screen.until(/Waiting \(3, 1 new\)/)
    assert.match(screen.text, / ● alice@example.com[^\n]*\n {3}INSERT on c\n▸ {2}dave/)
    await screen.press('k', KEYS.enter)
    await screen.until(/r-0000000003 {2}pending/)
    await screen.press('q')
    await screen.until(/Waiting \(3\)/)
    assert.doesNotMatch(screen.text, /●/)
  }))

test('what is decided leaves, what is said about it is told', () =>
  inbox(async (screen) => {
    screen.feed.changed({ ...NEW, state: 'rejected' })
    await screen.until(/Waiting \(1\)/)
    const at = new Date().toISOString()
    const said = { part: 'answer' as const, by: 'alice@example.com', text: 'x', at }
    screen.feed.changed({ ...OLD, questions: [said] })
    await screen.until(/▸ {2}alice@example.com .* answered/)
    screen.feed.changed({ ...OLD, state: 'executed' })
    await screen.until(/Nothing yet\. What comes appears here\./)
    await screen.press(KEYS.enter, 'a', 'r', '?', 'j')
    assert.match(screen.text, /Nothing yet/)
  }))

test('a opens it to be read first; r and ? work at once', () =>
  inbox(async (screen, desk) => {
    await screen.press(KEYS.down, 'r', 'no ticket', KEYS.enter)
    assert.deepEqual(desk.done, ['reject r-0000000001 "no ticket"'])
    await screen.until(/Rejected/)
    await screen.press('k', '?', 'why?', KEYS.enter)
    assert.deepEqual(desk.done.slice(1), ['ask r-0000000002 "why?"'])
    await screen.until(/Asked/)
    await screen.press('a')
    await screen.until(/r-0000000002 {2}pending[\s\S]*Read it first, then press a\./)
    await screen.press('a', KEYS.enter)
    assert.deepEqual(desk.done.slice(2), ['approve r-0000000002 ""'])
  }))

test('many: the chosen one is always in the window', () =>
  inbox(
    async (screen) => {
      const many = Array.from({ length: 30 }, (_, at) =>
        made(`r-00000000${at + 10}`, at + 1, { effect: `effect ${at}.` }),
      )
      screen.feed.listed(many)
      await screen.until(/Waiting \(30/)
      for (const key of ['G', 'g', ...Array.from({ length: 12 }, () => 'j')]) {
        await screen.press(key)
        assert.match(screen.text, /▸/)
        assert.equal(screen.lines.length, 14)
      }
      assert.match(screen.text, /▸[^▸]*effect 12\./)
    },
    { rows: 15 },
  ))

test('trouble with the broker is told, and goes', () =>
  inbox(async (screen) => {
    screen.feed.trouble('The broker \x1b[2J does not answer.')
    await screen.until(/The broker ⟨U\+001B⟩\[2J does not answer\./)
    screen.feed.trouble(null)
    await screen.press('j')
    assert.doesNotMatch(screen.text, /does not answer/)
  }))

test('at 40 columns nothing is wider, whoever asks', () =>
  inbox(
    async (screen) => {
      const requester = `${'山田太郎'.repeat(8)}\u202e@example.com`
      screen.feed.changed(made('r-0000000004', 2, { requester, effect: 'e\u0301'.repeat(60) }))
      await screen.until(/山田/)
      assert.ok(screen.lines.every((line) => widthOf(line) <= 40))
    },
    { columns: 40 },
  ))
