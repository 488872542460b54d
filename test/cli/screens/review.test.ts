import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visible } from '../../../cli/output/visible.ts'
import { widthOf } from '../../../cli/output/width.ts'
import type { Request } from '../../../protocol/api/requests.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { request } from '../fake-broker.ts'
import { FakeDesk, KEYS, Screen } from './screen.ts'

const ID = 'r-7k2mq8w9xe'
const LONG = Array.from({ length: 40 }, (_, at) => `line ${at + 1},`).join('\n')

async function review(
  what: Partial<Request>,
  run: (screen: Screen, desk: FakeDesk) => Promise<void>,
  more: ConstructorParameters<typeof Screen>[1] = {},
): Promise<void> {
  const desk = new FakeDesk(request(what))
  const screen = new Screen(desk, { only: ID, ...more })
  try {
    await screen.until(/lines \d|larger/)
    await run(screen, desk)
  } finally {
    screen.close()
  }
}

test('a short one is approved after a look, with a comment', () =>
  review({ reason: 'ticket 4711' }, async (screen, desk) => {
    assert.match(screen.text, /^r-7k2mq8w9xe {2}pending, 59m left\n {2}who {10}alice@example.com\n/)
    assert.match(screen.text, /reason {7}ticket 4711/)
    assert.match(screen.text, /parameters {3}\$1 = '7'\n/)
    assert.match(screen.text, /│ UPDATE people\n {2}│ {4}SET notes = 'x'\n/)
    await screen.until(/all that will run was shown/)
    await screen.press('a')
    assert.match(
      screen.text,
      /comment \(may be empty\): ▏\nenter: approve r-7k2mq8w9xe {2}esc: back$/,
    )
    await screen.press('fine', '?', KEYS.backspace, KEYS.enter)
    assert.deepEqual(desk.done, [`approve ${ID} "fine"`])
    assert.match(screen.text, /Approved r-7k2mq8w9xe\. It may run, once\./)
  }))

test('a long one is not approved before all of it was on the screen', () =>
  review({ statement: LONG }, async (screen, desk) => {
    await screen.press('a')
    assert.match(screen.text, /Read all that will run first: space goes on\./)
    await screen.press('G', 'a')
    assert.match(screen.text, /line 40,/)
    assert.match(screen.text, /there is more to read/, 'the middle was never shown')
    await screen.press('g', KEYS.pageDown, 'jjj', '  ', ' ', 'aa')
    assert.deepEqual(desk.done, [])
    assert.match(screen.text, /all that will run was shown/)
    await screen.press('a', KEYS.enter)
    assert.deepEqual(desk.done, [`approve ${ID} ""`])
  }))

test('a narrower window breaks lines anew, and what was seen of whole lines stays seen', () =>
  review({ statement: `${LONG}\n${'x'.repeat(60)} END` }, async (screen) => {
    await screen.press(' ', ' ', ' ')
    assert.match(screen.text, /all that will run was shown/)
    screen.resize(40, 24)
    await screen.press('G')
    assert.match(screen.text, /┆ x+ END/)
    assert.match(screen.text, /all that will run/)
    await screen.press('g')
    assert.ok(screen.lines.every((line) => widthOf(line) <= 40))
  }))

test('half-read, then narrower: the rest is still to be read', () =>
  review({ statement: `${LONG}\n${LONG}` }, async (screen) => {
    await screen.press(' ')
    screen.resize(40, 24)
    await screen.press('G')
    assert.match(screen.text, /there is more/)
  }))

test('what is too long to be shown whole cannot be approved here', () =>
  review({ cut: { size: 70_000, tail: 'the end' } }, async (screen, desk) => {
    await screen.press('G', 'a')
    const said = screen.text.replaceAll(/\s+/g, ' ')
    assert.match(said, /hoop show r-7k2mq8w9xe --output FILE, then: hoop approve r-7k2mq8w9xe --di/)
    await screen.press(KEYS.enter)
    assert.deepEqual(desk.done, [])
  }))

test('a window that shows nothing approves nothing', () =>
  review(
    {},
    async (screen, desk) => {
      assert.match(screen.text, /Make the window/)
      await screen.press('a', KEYS.enter)
      assert.deepEqual(desk.done, [])
    },
    { columns: 60, rows: 5 },
  ))

test('a rejection and a question need a text', () =>
  review({}, async (screen, desk) => {
    await screen.press('r', ' ', KEYS.enter)
    assert.match(screen.text, /It needs a reason\./)
    await screen.press('no', KEYS.ctrlU, 'no ticket', KEYS.enter)
    await screen.until(/Rejected r-7k2mq8w9xe; alice@example.com is told why\./)
    await screen.press('?', 'why?', KEYS.enter)
    assert.deepEqual(desk.done, [`reject ${ID} "no ticket"`, `ask ${ID} "why?"`])
  }))

test('esc takes it back, and keys that are typed do nothing else', () =>
  review({}, async (screen, desk) => {
    await screen.press('r', 'aqr?', KEYS.esc)
    assert.doesNotMatch(screen.text, /reason:/)
    assert.deepEqual(desk.done, [])
  }))

test('a paste is text where text is asked for, and no key elsewhere', () =>
  review({}, async (screen, desk) => {
    const paste = (text: string) => `\x1b[200~${text}\x1b[201~`
    await screen.press(paste('a\r'))
    assert.deepEqual(desk.done, [])
    assert.doesNotMatch(screen.text, /comment/)
    await screen.press('r', paste('two\nlines\r\n'), KEYS.enter)
    assert.deepEqual(desk.done, [`reject ${ID} "two lines"`])
  }))

test('the broker’s no is shown with what to do', () =>
  review({}, async (screen, desk) => {
    const hint = '`hoop sod explain` names who can.'
    desk.refusal = new HoopError({
      ...{ code: 'not_eligible', message: 'You cannot decide it.', hint, exit: EXIT.refused },
    })
    await screen.press('a', KEYS.enter)
    assert.match(screen.text, /You cannot decide it\. `hoop sod explain` names who can\./)
  }))

test('one’s own is answered and cancelled, never approved', () =>
  review({ requester: 'bob@example.com' }, async (screen, desk) => {
    assert.match(screen.text, /\? answer {2}c cancel it/)
    await screen.press('a', '?', 'ticket 41', KEYS.enter)
    await screen.until(/Answered/)
    await screen.press('c', KEYS.enter)
    assert.deepEqual(desk.done, [`answer ${ID} "ticket 41"`, `cancel ${ID} ""`])
  }))

test('what becomes of it meanwhile is shown', () =>
  review({}, async (screen, desk) => {
    const at = new Date().toISOString()
    const said = { part: 'answer' as const, by: 'alice@example.com', text: 'ticket 41', at }
    const changed = request({ questions: [said] })
    desk.requests.set(ID, changed)
    screen.feed.changed(changed)
    await screen.until(/alice@example.com answers: ticket 41/)
    const outcome = { status: 'ok', sqlstate: null, rows: 1 } as const
    desk.requests.set(ID, request({ state: 'executed', outcome }))
    screen.feed.changed(request({ state: 'executed', outcome }))
    await screen.until(/^r-7k2mq8w9xe {2}executed\n[\s\S]*outcome {6}ok, 1 row/)
    assert.doesNotMatch(screen.text, /a approve/)
  }))

test('what others wrote stays in its place, at any width', () =>
  review(
    {
      statement: "SELECT '山田太郎 e\u0301 \u202e' -- \x1b[2J\n  who  bob",
      reason: `${'長い'.repeat(40)} \x1b]0;x\x07`,
      parameters: ['\u2066x', null],
      requester: 'eve\u200b@example.com',
    },
    async (screen) => {
      for (const columns of [80, 40, 24]) {
        screen.resize(columns, 60)
        await screen.press('g')
        assert.ok(
          screen.lines.every((line) => widthOf(line) <= columns),
          String(columns),
        )
        assert.match(screen.text, /⟨U\+200B⟩/)
        assert.equal(visible(screen.text), screen.text)
        assert.match(screen.text, /│ {3}who {2}bob/)
      }
    },
  ))
