import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ExecOrder } from '../../../broker/api/deps.ts'
import type { ExecEvent } from '../../../protocol/api/exec.ts'
import { HoopError } from '../../../protocol/errors.ts'
import { failure } from '../../support/hoop.ts'
import { FakeBroker, PG_PROD, request, run } from '../fake-broker.ts'

const FIELDS = [
  { name: 'id', type: 'int4', masked: false },
  { name: 'name', type: 'text', masked: false },
  { name: 'ssn', type: 'text', masked: true },
]
const ROWS = [
  ['1', 'Ada "A", W.', '***'],
  ['20', null, '***'],
  ['3', '', '\x1b[31m山田'],
]
const SELECT: ExecEvent[] = [
  { event: 'result', fields: FIELDS },
  { event: 'rows', rows: ROWS.slice(0, 2) },
  { event: 'rows', rows: ROWS.slice(2) },
  { event: 'complete', command: 'SELECT', row_count: 3 },
]
const DONE: ExecEvent = { event: 'done', request: null }

describe('hoop exec', () => {
  let broker: FakeBroker
  let orders: ExecOrder[] = []

  const answer = (...events: ExecEvent[]) => {
    broker.exec = (order) => {
      orders.push(order)
      return run(events)
    }
  }
  const exec = (args: string[], input?: string) =>
    broker.hoop('alice', ['exec', ...args], input === undefined ? {} : { input })

  before(async () => {
    broker = await FakeBroker.start()
    await broker.login('alice')
  })
  beforeEach(() => {
    orders = []
    broker.calls.length = 0
    broker.connections = [PG_PROD]
    broker.requests.set('r-7k2mq8w9xe', request())
  })
  after(() => broker.stop())

  test('a table as psql prints it; what was masked is said on stderr', async () => {
    answer(...SELECT, DONE)
    const { stdout, stderr, code } = await exec(['pg-prod', '-c', 'SELECT 1'])
    assert.equal(code, 0, stderr)
    assert.equal(
      stdout,
      [
        ' id | name        | ssn',
        '----+-------------+------------------',
        '  1 | Ada "A", W. | ***',
        ' 20 | NULL        | ***',
        '  3 |             | ⟨U+001B⟩[31m山田',
        '(3 rows)\n\n',
      ].join('\n'),
    )
    assert.equal(stderr, 'masked: ssn\n')
  })

  test('CSV is data as it is', async () => {
    answer(...SELECT, DONE)
    const { stdout } = await exec(['pg-prod', '--csv'], 'SELECT 1')
    assert.equal(stdout, 'id,name,ssn\n1,"Ada ""A"", W.",***\n20,,***\n3,"",\x1b[31m山田\n')
  })

  test('JSON is one document', async () => {
    answer(...SELECT, { event: 'complete', command: 'CREATE TABLE', row_count: null }, DONE)
    const { stdout } = await exec(['pg-prod', '-c', 'x', '--json'])
    assert.deepEqual(JSON.parse(stdout), {
      request: null,
      results: [
        { command: 'SELECT', row_count: 3, fields: FIELDS, rows: ROWS },
        { command: 'CREATE TABLE', row_count: null, fields: [], rows: [] },
      ],
    })
  })

  test('what is sent: text exactly, options', async () => {
    answer(DONE)
    const sql = "UPDATE t\n SET x = 'é\t' ;\n"
    await exec(['pg-prod', '--database', 'app', '--reason', 'why', '--wait', '1m30s'], sql)
    const [order] = orders
    const { caller: _, remote: __, signal: ___, ...said } = order ?? assert.fail()
    assert.deepEqual(said, {
      ...{ type: 'sql', connection: 'pg-prod', database: 'app', sql, reason: 'why' },
      ...{ breakGlass: false, wait: true, waitMs: 90_000 },
    })
  })

  test('a megabyte survives the way', async () => {
    answer(DONE)
    const sql = `SELECT '${'x\n'.repeat(500_000)}'`
    const { code, stderr } = await exec(['pg-prod'], sql)
    assert.equal(code, 0, stderr)
    assert.equal((orders[0] as { sql: string }).sql, sql)
  })

  test('held: who is asked is said at once, also with --json; the document has the request', async () => {
    const held = request({ kind: 'exec', session: null })
    answer(
      { event: 'held', request: held, asked: ['dba'] },
      { event: 'approved', request: held.id, by: 'bob@example.com' },
      { event: 'complete', command: 'UPDATE', row_count: 1 },
      { event: 'done', request: held.id },
    )
    const { stdout, stderr, code } = await exec(['pg-prod', '-c', 'x', '--json'])
    assert.equal(code, 0)
    assert.match(stderr, /^Held as r-7k2mq8w9xe: Changes rows of public.people.\nAsked: one of dba/)
    assert.match(stderr, /Approved by bob@example.com/)
    const { request: shown, results } = JSON.parse(stdout)
    assert.equal(shown.id, held.id)
    assert.equal(results[0].command, 'UPDATE')
  })

  const ends: [string, 1 | 4 | 5 | 6 | 7][] = [
    ['target_error', 1],
    ['denied', 4],
    ['rejected', 5],
    ['undecided', 6],
    ['target_unreachable', 7],
  ]
  for (const [code, exit] of ends) {
    test(`exits ${exit} on ${code}`, async () => {
      const error = { code, message: 'so it is', hint: 'do this', exit }
      answer({ event: 'error', error, request: null })
      const json = await exec(['pg-prod', '-c', 'x', '--json'])
      assert.equal(json.code, exit)
      assert.deepEqual(failure(json), error)
      const text = await exec(['pg-prod', '-c', 'x'])
      assert.equal(text.stderr, `error: so it is [${code}]\nhint:  do this\n`)
    })
  }

  test('--no-wait prints the request and exits 6', async () => {
    const error = { code: 'undecided', message: 'It waits.', hint: null, exit: 6 }
    answer({ event: 'error', error, request: request() })
    const { stdout, code } = await exec(['pg-prod', '-c', 'x', '--no-wait', '--json'])
    assert.equal(code, 6)
    assert.equal(JSON.parse(stdout).request.id, 'r-7k2mq8w9xe')
    assert.equal((orders[0] as { wait: boolean }).wait, false)
  })

  test('--request runs an approved one', async () => {
    answer(
      { event: 'complete', command: 'UPDATE', row_count: 1 },
      { event: 'done', request: 'r-7k2mq8w9xe' },
    )
    const { stdout, code } = await exec(['--request', 'r-7k2mq8w9xe', '--json'])
    assert.equal(code, 0)
    assert.equal(JSON.parse(stdout).request.id, 'r-7k2mq8w9xe')
    assert.equal((orders[0] as { request: string }).request, 'r-7k2mq8w9xe')
  })

  test('Ctrl-C takes the request back', async () => {
    const gone = Promise.withResolvers<void>()
    broker.exec = async function* ({ signal }) {
      yield { event: 'held', request: request(), asked: ['dba'] }
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      gone.resolve()
    }
    const running = broker.running('alice', ['exec', 'pg-prod', '-c', 'x', '--json'])
    await running.until(() => running.stderr.includes('r-7k2mq8w9xe'), 'it was held')
    const { code } = await running.interrupt()
    await gone.promise
    assert.equal(code, 130)
    assert.deepEqual(broker.calls, ['cancel r-7k2mq8w9xe "interrupted"'])
  })

  test('wrong usage: 2, and nothing is sent', async () => {
    answer(DONE)
    const wrong = [
      ['-c', 'x'],
      ['pg-prod', '-c', 'x', '-f', 'y'],
      ['pg-prod', '-c', ' \n'],
      ['pg-prod', '-f', '/nowhere'],
      ['pg-prod', '-c', 'x', '--wait', 'soon'],
      ['pg-prod', '-c', 'x', '--csv', '--json'],
      ['pg-prod', '--request', 'r-7k2mq8w9xe'],
    ]
    for (const args of wrong) assert.equal((await exec(args, '')).code, 2, args.join(' '))
    assert.equal((await exec(['--request', 'r-1'])).code, 1)
    assert.deepEqual(orders, [])
  })

  test('a refusal before anything ran', async () => {
    broker.exec = () => {
      throw new HoopError({ code: 'denied', message: 'admin is denied here', exit: 4 })
    }
    const { code, stderr } = await exec(['pg-prod', '-c', 'x'])
    assert.equal(code, 4)
    assert.equal(stderr, 'error: admin is denied here [denied]\n')
  })
})
