import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { freePort } from '../../broker/demo/port.ts'
import { signatureOf } from '../../broker/notify/sign.ts'
import { answers, Receiver, until } from '../broker/notify/support.ts'
import { type Person, TestDemo } from '../support/demo.ts'
import { RunningHoop } from '../support/hoop.ts'

/** A broker of its own beside the demo's, which tells a receiver; killed in the middle. */
describe('people hear of it', () => {
  let demo: TestDemo
  let receiver: Receiver
  let running: RunningHoop
  let config: string
  let alice: Person
  let root: Person
  const env = { HOOP_NOTIFY_KEY: 'the key' }

  before(async () => {
    receiver = await Receiver.start()
    demo = await TestDemo.start()
    const port = await freePort()
    config = configured(port)
    await start()
    alice = await login('alice', port)
    root = await login('root', port)
  })
  after(async () => {
    await running.interrupt()
    await demo.stop()
    await receiver.stop()
  })

  function configured(port: number): string {
    const copy = parse(readFileSync(demo.ready.config, 'utf8'))
    const url = { public_url: `http://127.0.0.1:${port}`, listen: { host: '127.0.0.1', port } }
    const notify = [
      { name: 'ops', url: receiver.url, secret: { env: 'HOOP_NOTIFY_KEY' } },
      { name: 'void', format: 'slack', url: 'http://127.0.0.1:9/T0PSECRET', events: ['rejected'] },
    ]
    const path = join(demo.ready.home, 'second.yaml')
    writeFileSync(path, stringify({ ...copy, ...url, data_dir: 'second', notify }), { mode: 0o600 })
    return path
  }

  async function start(): Promise<void> {
    running = new RunningHoop(
      ['broker', 'start', '--config', config],
      { home: demo.ready.home, profile: 'operator' },
      { env },
    )
    await running.until(() => running.stderr.includes('listens'), 'it listens')
  }

  async function login(name: 'alice' | 'root', port: number): Promise<Person> {
    const person = demo.stranger(name)
    const broker = `http://127.0.0.1:${port}`
    const done = await person.hoop(['login', '--broker', broker, '--as', name, '--json'])
    assert.equal(done.code, 0, done.stderr)
    return person
  }

  const ask = async (sql: string): Promise<string> => {
    const done = await alice.hoop(['exec', 'pg-prod', '-c', sql, '--no-wait', '--json'])
    return /r-[0-9a-z]{10}/.exec(done.stdout + done.stderr)?.[0] ?? ''
  }

  test('a request is told, signed, without its constants', async () => {
    const id = await ask("UPDATE people SET ssn = '078-05-1120' WHERE id = 1")
    await until(() => receiver.heard.length === 1)
    const [{ headers, body }] = receiver.heard as [(typeof receiver.heard)[0]]
    assert.equal(
      headers['hoop-signature'],
      signatureOf('the key', Number(headers['hoop-timestamp']), body),
    )
    const { event, request, statement, commands } = JSON.parse(body)
    assert.deepEqual([event, request], ['held', id])
    assert.equal(statement, 'UPDATE people SET ssn = ‘…’ WHERE id = …')
    assert.ok(commands.includes(`hoop approve ${id}`))
    assert.doesNotMatch(body, /078-05-1120/)
  })

  test('what could not be told before the broker was killed is told by the next one', async () => {
    receiver.heard.length = 0
    receiver.next.push(answers(500))
    const id = await ask('DELETE FROM orders WHERE id = 1')
    await until(() => receiver.heard.length === 1)
    running.kill('SIGKILL')
    await running.finished
    await start()
    await until(() => receiver.heard.length >= 2)
    assert.deepEqual(receiver.events.slice(0, 2), [`${id} held`, `${id} held`])
  })

  test('the doctor tells an administrator, and nobody any address', async () => {
    const { stdout } = await root.hoop(['doctor', '--json'])
    assert.match(stdout, /notify ops/)
    assert.doesNotMatch(stdout + running.stderr, /T0PSECRET/)
    const { stdout: others } = await alice.hoop(['doctor', '--json'])
    assert.doesNotMatch(others, /notify ops/)
  })
})
