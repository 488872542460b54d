import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { failure } from '../../support/hoop.ts'
import { FakeBroker, PG_PROD } from '../fake-broker.ts'

describe('hoop connect', () => {
  let broker: FakeBroker

  before(async () => {
    broker = await FakeBroker.start()
    broker.connections = [PG_PROD]
    await broker.login('alice')
    await broker.login('bob')
  })
  after(() => broker.stop())

  const client = (script: string, ...more: string[]) =>
    broker.hoop('alice', ['connect', 'pg-prod', ...more, '--', 'sh', '-c', script], {
      env: { PGHOSTADDR: '10.0.0.1', PGSERVICE: 'x', PGOPTIONS: '-c role=postgres' },
    })

  const ready = async (name: string, ...args: string[]) => {
    const running = broker.running(name, ['connect', 'pg-prod', '--json', ...args])
    const event = (await running.event('ready')) as Record<string, string & number>
    return { running, event }
  }

  test('says where it listens, the same each time, for each profile', async () => {
    const first = await ready('alice')
    const { event } = first
    const { port, password, socket } = event
    assert.deepEqual(Object.keys(event), [
      ...['event', 'connection', 'session', 'host', 'port', 'user', 'password', 'database'],
      ...['url', 'jdbcUrl', 'socket'],
    ])
    assert.equal(event['url'], `postgres://alice:${password}@127.0.0.1:${port}/app?sslmode=disable`)
    assert.equal(
      event['jdbcUrl'],
      `jdbc:postgresql://127.0.0.1:${port}/app?user=alice&password=${password}&sslmode=disable`,
    )
    assert.equal((await stat(socket ?? '')).mode & 0o777, 0o600)
    assert.equal((await first.running.interrupt()).code, 0)
    await assert.rejects(stat(socket ?? ''))
    const second = await ready('alice')
    assert.deepEqual(second.event, event)
    const other = await ready('bob')
    assert.notEqual(other.event['password'], password)
    await Promise.all([second.running.interrupt(), other.running.interrupt()])
    const [row] = JSON.parse((await broker.hoop('alice', ['connections', '--json'])).stdout)
    assert.equal(row.port, port)
  })

  test('a second one at the same time gets another port and leaves the first its own', async () => {
    const first = await ready('alice')
    const second = await ready('alice')
    assert.notEqual(second.event['port'], first.event['port'])
    assert.match(second.running.stderr, /is taken; this run has another one/)
    await Promise.all([first.running.interrupt(), second.running.interrupt()])
    const third = await ready('alice')
    assert.equal(third.event['port'], first.event['port'])
    await third.running.interrupt()
  })

  test('a port that was asked for is that port or an error', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const answer = await broker.hoop('alice', ['connect', 'pg-prod', '--port', `${port}`, '--json'])
    server.close()
    assert.equal(answer.code, 1)
    assert.equal(failure(answer).code, 'port_taken')
  })

  test('the client has its environment, and ours does not lead it elsewhere', async () => {
    const script =
      'echo $PGHOST $PGUSER $PGDATABASE $PGSSLMODE $(printf %s $PGPASSWORD | wc -c) [$PGHOSTADDR$PGSERVICE$PGOPTIONS]; test $PGPORT -gt 0'
    const { stdout, stderr, code } = await client(script)
    assert.equal(stdout, '127.0.0.1 alice app disable 20 []\n')
    assert.equal(stderr, '')
    assert.equal(code, 0)
    assert.match((await client('echo $PGDATABASE', '--database', 'postgres')).stdout, /^postgres\n/)
  })

  test('exits as the client, also when a signal ended it', async () => {
    assert.equal((await client('exit 3')).code, 3)
    assert.equal((await client('kill -TERM $$')).code, 143)
    const missing = await broker.hoop('alice', ['connect', 'pg-prod', '--', 'no-such-client'])
    assert.equal(missing.code, 127)
    assert.match(missing.stderr, /no-such-client is not installed/)
  })

  test('what follows -- is the client’s alone', async () => {
    const args = ['connect', 'pg-prod', '--', 'echo', '--json', '--port', '1', '--help', '--', 'x']
    const { stdout, code } = await broker.hoop('alice', args)
    assert.equal(stdout, '--json --port 1 --help -- x\n')
    assert.equal(code, 0)
  })

  test('SIGTERM reaches the client, Ctrl-C does not end us before it', async () => {
    const trap =
      "trap 'echo term; exit 7' TERM; trap 'echo int' INT; echo up; while :; do sleep 0.05; done"
    const running = broker.running('alice', ['connect', 'pg-prod', '--', 'sh', '-c', trap])
    await running.until(() => running.stdout.includes('up'), 'the client was up')
    running.kill('SIGINT')
    running.kill('SIGTERM')
    const { code, stdout } = await running.finished
    assert.equal(code, 7)
    assert.equal(stdout, 'up\nterm\n')
  })

  test('unknown connection and database are named, with those that there are', async () => {
    const connection = await broker.hoop('alice', ['connect', 'pg-dev', '--json'])
    assert.equal(connection.code, 1)
    assert.deepEqual(failure(connection), {
      ...{ code: 'unknown_connection', message: 'There is no connection pg-dev that you may use.' },
      ...{ hint: 'You may use: pg-prod.', exit: 1 },
    })
    const database = await broker.hoop('alice', ['connect', 'pg-prod', '--database', 'x', '--json'])
    assert.equal(failure(database).code, 'unknown_database')
  })

  test('for people: what to type, and nothing of it but the address on stdout', async () => {
    const running = broker.running('alice', ['connect', 'pg-prod'])
    await running.until(() => running.stderr.includes('psql -h'), 'it was told')
    const { stdout, stderr, code } = await running.interrupt()
    assert.equal(code, 0)
    assert.match(stdout, /^postgres:\/\/alice:\S+\n$/)
    assert.match(stderr, /^pg-prod is open on this machine, for you alone\. Ctrl-C closes it\.\n/)
  })
})
