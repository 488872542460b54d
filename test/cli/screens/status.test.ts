import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { render } from 'ink-testing-library'
import { createElement as h } from 'react'
import type { ListenerEvent } from '../../../cli/local/listener.ts'
import { widthOf } from '../../../cli/output/width.ts'
import { type Status, StatusFeed } from '../../../cli/screens/held.ts'
import { ConnectionStatus } from '../../../cli/screens/status.ts'
import { request } from '../fake-broker.ts'

/** `hoop connect` at a terminal: what was said, and what is held. */

const ID = 'r-7k2mq8w9xe'

function event(name: 'held' | 'approved' | 'cancelled', at = Date.now()): ListenerEvent {
  const message = `${name} \x1b[2J`
  return { event: name, request: ID, message, at: new Date(at).toISOString(), session: 's-1' }
}

async function connection(
  run: (feed: StatusFeed, until: (pattern: RegExp) => Promise<string>) => Promise<void>,
  columns = 80,
): Promise<void> {
  const feed = new StatusFeed()
  const style = (_style: unknown, text: string) => text
  const screen = render(h(ConnectionStatus, { feed, style, onInterrupt: () => feed.interrupted() }))
  Object.defineProperty(screen.stdout, 'columns', { value: columns, configurable: true })
  Object.defineProperty(screen.stdout, 'rows', { value: 24, configurable: true })
  screen.stdout.emit('resize')
  const until = async (pattern: RegExp): Promise<string> => {
    for (const end = Date.now() + 15_000; ; await pause(5)) {
      const text = screen.lastFrame() ?? ''
      if (pattern.test(text)) return text
      if (Date.now() > end) throw new Error(`never ${pattern}:\n${text}`)
    }
  }
  try {
    await until(/Ctrl-C ends the connection/)
    await run(feed, until)
  } finally {
    screen.unmount()
    screen.cleanup()
  }
}

test('what is held: since when, until when, by whom it can be decided, what is asked', () =>
  connection(async (feed, until) => {
    feed.say('06:31:02  opened  psql is connected')
    feed.event(event('held', Date.now() - 65_000))
    await until(/psql is connected\n\nheld 01:0\d {2}r-7k2mq8w9xe\n {2}held ⟨U\+001B⟩\[2J\n/)
    const at = new Date().toISOString()
    const asked = { part: 'question' as const, by: 'bob@example.com', text: 'why?', at }
    const seen = request({ questions: [asked], effect: 'UPDATE on people' })
    feed.learn(ID, { request: seen, deciders: ['bob@example.com', 'dave@example.com'] })
    await until(/held 01:0\d {2}r-7k2mq8w9xe {2}expires in 5\d:\d\d\n {2}UPDATE on people\n/)
    await until(/ {2}decided by one of dba: bob@example.com, dave@example.com\n/)
    await until(/ {2}bob@example.com asks: why\?\n {2}hoop answer r-7k2mq8w9xe TEXT\n/)
    await until(/\nCtrl-C cancels what is held; a second one ends the connection\.$/)
  }))

test('what was decided is no longer held', () =>
  connection(async (feed, until) => {
    feed.event(event('held'))
    await until(/held 00:0\d/)
    feed.event(event('approved'))
    const text = await until(/^\s*Ctrl-C ends the connection\.$/)
    assert.doesNotMatch(text, /held/)
    feed.learn(ID, { request: request() })
    assert.deepEqual(feed.status().held, [])
  }))

test('after the first Ctrl-C it says what the next one does, until something else is held', () =>
  connection(async (feed, until) => {
    feed.event(event('held'))
    feed.interrupted()
    await until(/held 00:0\d[\s\S]*\nCtrl-C ends the connection\.$/)
    feed.event(event('cancelled'))
    feed.event(event('held'))
    const status: Status = feed.status()
    assert.equal(status.isInterrupted, false)
    await until(/Ctrl-C cancels what is held/)
  }))

test('at 40 columns nothing is wider', () =>
  connection(async (feed, until) => {
    feed.event(event('held'))
    const effect = `UPDATE on ${'山田'.repeat(30)}`
    feed.learn(ID, { request: request({ effect }), deciders: ['x'.repeat(60)] })
    const text = await until(/山田/)
    assert.ok(text.split('\n').every((line) => widthOf(line.trimEnd()) <= 40))
  }, 40))
