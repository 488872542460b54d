import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Person, TestDemo } from '../support/demo.ts'
import { failure } from '../support/hoop.ts'

/** Bad input gets a clear error and loses nothing. */

describe('what goes wrong', () => {
  let demo: TestDemo
  let alice: Person

  before(async () => {
    demo = await TestDemo.start()
    alice = await demo.login('alice')
  })
  after(() => demo.stop())

  const operator = (args: readonly string[]) => demo.stranger('root').hoop(args)

  const changed = async (name: string, change: (config: string) => string) => {
    const path = join(demo.ready.home, name)
    await writeFile(path, change(await readFile(demo.ready.config, 'utf8')))
    return path
  }

  test('an unknown connection is named, with those that there are', async () => {
    const answer = await alice.hoop(['connect', 'pg-nowhere', '--json'])
    assert.notEqual(answer.code, 0)
    const { message, hint } = failure(answer)
    assert.match(message, /pg-nowhere/)
    assert.match(`${message} ${hint}`, /pg-prod|hoop connections/)
  })

  test('erin may break glass there, so she sees it; else she reaches nothing', async () => {
    const erin = await demo.login('erin')
    const seen = await erin.json<{ name: string }[]>(['connections'])
    assert.deepEqual(
      seen.map(({ name }) => name),
      ['pg-prod'],
    )
    const answer = await erin.hoop(['exec', 'pg-prod', '-c', 'SELECT 1', '--json'])
    assert.notEqual(answer.code, 0)
  })

  test('the admin approves nothing', async () => {
    const root = await demo.login('root')
    const asked = await alice.hoop([
      ...['exec', 'pg-prod', '-c', 'DELETE FROM orders WHERE id = 5', '--no-wait', '--json'],
    ])
    const id = /r-[0-9a-hjkmnp-tv-z]{10}/.exec(asked.stdout)?.[0] ?? ''
    const answer = await root.hoop(['approve', id, '--json'])
    assert.notEqual(answer.code, 0)
    assert.equal((await alice.json<{ state: string }>(['show', id])).state, 'pending')
  })

  test('a fault in the configuration is named with file, line and column, exit 2', async () => {
    const path = await changed('wrong.yaml', (text) => text.replace('127.0.0.1', '[1, 2'))
    for (const command of ['check', 'start']) {
      const answer = await operator(['broker', command, '--config', path])
      assert.equal(answer.code, 2, answer.stderr)
      assert.match(answer.stderr + answer.stdout, /wrong\.yaml:\d+:\d+/)
    }
    const nowhere = await operator(['broker', 'check', '--config', join(demo.ready.home, 'none')])
    assert.notEqual(nowhere.code, 0)
  })

  test('the configuration that init writes passes check', async () => {
    const path = join(demo.ready.home, 'fresh.yaml')
    const init = await operator(['broker', 'init', '--output', path])
    assert.equal(init.code, 0, init.stderr)
    const check = await operator(['broker', 'check', '--config', path])
    assert.equal(check.code, 0, check.stderr)
  })

  test('garbage on the local port ends that connection and no other', async () => {
    const port = await demo.connect(alice)
    const client = await port.client()
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      '\0\0\0\x08\0\0\0\0',
      '\x7f\xff\xff\xff\0\x03',
    ]) {
      const socket = connect(port.ready.port, port.ready.host)
      socket.on('error', (error) => client.faults.push(error.message))
      socket.end(Buffer.from(bytes, 'latin1'))
      socket.resume()
      await once(socket, 'close')
    }
    assert.deepEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
    await client.end()
  })

  test('a target that is gone, and then is not: no secret, exit 7, and it goes on', async () => {
    const password = (await readFile(join(demo.ready.home, 'secrets', 'target'), 'utf8')).trim()
    const rename = (to: string) => demo.behind(`ALTER ROLE hoop PASSWORD '${to}'`)
    await rename('another one')
    const answer = await alice.hoop(['exec', 'pg-prod', '-c', 'SELECT 1', '--json'])
    await rename(password)
    assert.equal(answer.code, 7, answer.stderr)
    assert.doesNotMatch(answer.stdout + answer.stderr, new RegExp(`another one|${password}`))
    assert.equal((await alice.hoop(['exec', 'pg-prod', '-c', 'SELECT 1'])).code, 0)
  })

  test('a broker that is gone: exit 7, and what to do', async () => {
    const lonely = await TestDemo.start()
    const person = await lonely.login('alice')
    assert.equal((await lonely.terminate()).code, 0)
    for (const args of [['whoami'], ['exec', 'pg-prod', '-c', 'SELECT 1'], ['requests']]) {
      const answer = await person.hoop([...args, '--json'])
      assert.equal(answer.code, 7, `${args.join(' ')}: ${answer.stderr}`)
      assert.ok(failure(answer).hint)
    }
    await lonely.stop()
  })
})
