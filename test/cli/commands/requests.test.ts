import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { failure } from '../../support/hoop.ts'
import { FakeBroker, PG_PROD, request } from '../fake-broker.ts'

describe('requests, show, approve, reject, cancel, sod explain', () => {
  let broker: FakeBroker

  before(async () => {
    broker = await FakeBroker.start()
    await broker.login('alice')
    await broker.login('bob')
  })
  beforeEach(() => {
    broker.requests.clear()
    broker.calls.length = 0
    broker.requests.set('r-7k2mq8w9xe', request())
    broker.connections = [PG_PROD]
  })
  after(() => broker.stop())

  test('the inbox, for people and for programs', async () => {
    const text = await broker.hoop('bob', ['requests'])
    assert.equal(text.code, 0, text.stderr)
    assert.match(text.stdout, /^ID +WHO +CONNECTION +CLASS +AGE +STATEMENT\n/)
    assert.match(
      text.stdout,
      /\nr-7k2mq8w9xe {2}alice@example.com {2}pg-prod {5}write {2}1\ds {2}UPDATE people SET notes = 'x' WHERE id = \$1\n$/,
    )
    const json = await broker.hoop('bob', ['requests', '--json'])
    assert.deepEqual(JSON.parse(json.stdout), [broker.requests.get('r-7k2mq8w9xe')])
  })

  test('nothing to decide: [] for programs, a sentence for people', async () => {
    broker.requests.clear()
    assert.equal((await broker.hoop('bob', ['requests', '--json'])).stdout, '[]\n')
    const text = await broker.hoop('bob', ['requests'])
    assert.equal(text.stdout, '')
    assert.equal(text.stderr, 'Nothing waits for your decision.\n')
  })

  test('show tells everything, and nothing in it can pass for something else', async () => {
    const statement = 'SELECT 1 -- \u202etxet\n  decisions\n\x1b[2J'
    broker.requests.set('r-7k2mq8w9xe', request({ statement, reason: 'a\nb', parameters: [null] }))
    const { stdout, code } = await broker.hoop('bob', ['show', 'r-7k2mq8w9xe'])
    assert.equal(code, 0)
    assert.match(stdout, /^r-7k2mq8w9xe {2}pending, 59m left\n/)
    assert.match(stdout, /\n {2}reason {7}a⏎b\n/)
    assert.match(stdout, /\n {2}parameters {3}\$1 = NULL\n/)
    assert.match(
      stdout,
      /\n {2}│ SELECT 1 -- ⟨U\+202E⟩txet\n {2}│ {3}decisions\n {2}│ ⟨U\+001B⟩\[2J\n/,
    )
    assert.match(stdout, /Characters that cannot be seen/)
    assert.match(stdout, new RegExp(`sha256 {7}${'ab'.repeat(32)}`))
  })

  test('AP-25: show says how often the same was rejected before', async () => {
    const last = { by: 'bob@example.com', at: new Date(Date.now() - 300_000).toISOString() }
    const before = { count: 2, last: { ...last, reason: 'no ticket' } }
    broker.requests.set('r-7k2mq8w9xe', request({ rejected_before: before }))
    const { stdout } = await broker.hoop('bob', ['show', 'r-7k2mq8w9xe'])
    const said = stdout.replaceAll(/\s+/g, ' ')
    assert.match(
      said,
      /before the same was rejected 2 times, last by bob@example.com 5m ago: no ticket/,
    )
  })

  test('a long one shows its ends; --output gives every byte to the person alone', async () => {
    const statement = `SELECT '${'é'.repeat(60_000)}'`
    broker.requests.set('r-7k2mq8w9xe', request({ statement }))
    const file = join(tmpdir(), `hoop-show-${process.pid}.sql`)
    const shown = await broker.hoop('bob', ['show', 'r-7k2mq8w9xe', '--output', file])
    assert.match(shown.stdout, /of 120010 bytes in all, the middle is not shown/)
    assert.equal(await readFile(file, 'utf8'), statement)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  test('approve prints the request at once', async () => {
    const args = ['approve', 'r-7k2mq8w9xe', '--comment', 'fine', '--max-rows', '3', '--json']
    const { stdout, code } = await broker.hoop('bob', args)
    assert.equal(code, 0)
    assert.equal(JSON.parse(stdout).state, 'approved')
    assert.deepEqual(broker.calls, ['approve r-7k2mq8w9xe {"comment":"fine","max_rows":3}'])
    const text = await broker.hoop('bob', ['approve', 'r-7k2mq8w9xe'])
    assert.match(text.stdout, /^Approved r-7k2mq8w9xe, alice@example.com on pg-prod\./)
  })

  test('flags have variables', async () => {
    const env = { HOOP_COMMENT: 'by variable', HOOP_MAX_ROWS: '2' }
    await broker.hoop('bob', ['approve', 'r-7k2mq8w9xe'], { env })
    assert.deepEqual(broker.calls, ['approve r-7k2mq8w9xe {"comment":"by variable","max_rows":2}'])
  })

  test('exit codes: own request 4, unknown and impossible ids 1, wrong usage 2', async () => {
    const own = await broker.hoop('alice', ['approve', 'r-7k2mq8w9xe', '--json'])
    assert.equal(own.code, 4)
    assert.deepEqual(failure(own), {
      ...{ code: 'self_approval', message: 'Nobody approves what they asked for.' },
      ...{ hint: null, exit: 4 },
    })
    assert.equal(own.stdout, '')
    for (const id of ['r-0000000000', 'nonsense', '../whoami']) {
      assert.equal((await broker.hoop('bob', ['approve', id])).code, 1, id)
    }
    assert.equal((await broker.hoop('bob', ['reject', 'r-7k2mq8w9xe'])).code, 2)
    assert.equal((await broker.hoop('bob', ['approve'])).code, 2)
    assert.equal((await broker.hoop('bob', ['show', 'r-7k2mq8w9xe', 'more'])).code, 2)
  })

  test('reject and cancel', async () => {
    await broker.hoop('bob', ['reject', 'r-7k2mq8w9xe', '--reason', 'no'])
    await broker.hoop('alice', ['cancel', 'r-7k2mq8w9xe'])
    assert.deepEqual(broker.calls, ['reject r-7k2mq8w9xe "no"', 'cancel r-7k2mq8w9xe null'])
  })

  test('review without a terminal is show', async () => {
    const args = ['r-7k2mq8w9xe', '--json']
    const [review, show] = await Promise.all([
      broker.hoop('bob', ['review', ...args]),
      broker.hoop('bob', ['show', ...args]),
    ])
    assert.equal(review.stdout, show.stdout)
    const { stdout, code } = await broker.hoop('bob', ['review', 'r-7k2mq8w9xe'])
    assert.equal(code, 0)
    assert.match(stdout, /^r-7k2mq8w9xe {2}pending, 59m left\n\n {2}who {10}alice@example.com\n/)
    assert.equal((await broker.hoop('bob', ['review', 'r-0000000000'])).code, 1)
  })

  test('ask and answer: what others say is shown, and it still waits', async () => {
    const asked = await broker.hoop('bob', ['ask', 'r-7k2mq8w9xe', 'why\u001b[2J all?'])
    assert.equal(asked.stdout, 'Asked alice@example.com about r-7k2mq8w9xe; it still waits.\n')
    const answered = await broker.hoop('alice', ['answer', 'r-7k2mq8w9xe', 'ticket 41', '--json'])
    assert.equal(JSON.parse(answered.stdout).questions[1].text, 'ticket 41')
    const { stdout } = await broker.hoop('alice', ['show', 'r-7k2mq8w9xe'])
    assert.match(stdout, /\n {2}\S+ \S+ {2}bob@example.com asks: why⟨U\+001B⟩\[2J all\?\n/)
    assert.match(stdout, /\n {2}\S+ \S+ {2}alice@example.com answers: ticket 41\n/)
    assert.equal((await broker.hoop('bob', ['ask', 'r-7k2mq8w9xe', ' '])).code, 2)
  })

  test('sod explain names who may', async () => {
    const { stdout } = await broker.hoop('bob', ['sod', 'explain', 'r-7k2mq8w9xe'])
    assert.match(stdout, /bob@example.com \(you\) {2}yes {2}an approver in dba/)
  })

  test('--watch gives each request as a line', async () => {
    const watching = broker.running('bob', ['requests', '--watch', '--json'])
    const first = await watching.line((event) => event['id'] === 'r-7k2mq8w9xe')
    const again = await watching.line((event) => event['id'] === 'r-7k2mq8w9xe')
    assert.deepEqual([first['state'], again['state']], ['pending', 'approved'])
    assert.equal((await watching.interrupt()).code, 0)
  })

  test('connections: rules in words, port once there is one', async () => {
    const { stdout } = await broker.hoop('alice', ['ls'])
    assert.match(
      stdout,
      /pg-prod +postgres +- +read passes; write, ddl, unknown held for dba; admin denied +people.ssn, people.card_number\n/,
    )
    const [connection] = JSON.parse((await broker.hoop('alice', ['connections', '--json'])).stdout)
    assert.deepEqual(Object.keys(connection), [
      ...['name', 'kind', 'classes', 'masked', 'port', 'databases'],
    ])
  })
})
