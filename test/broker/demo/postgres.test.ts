import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { seed } from '../../../broker/demo/database.ts'
import { startPostgres } from '../../support/postgres.ts'

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hoop-test-'))
  await chmod(folder, 0o755)
})
after(() => rm(folder, { recursive: true, force: true }))

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

test('a server with what it was given, gone after stop', async () => {
  const server = await startPostgres({ sql: seed('secret'), settings: { max_connections: '17' } })
  const [row] = await ask(server.url('app'), "SELECT current_setting('max_connections') AS n")
  assert.deepEqual(row, { n: '17' })
  const roles = "SELECT rolsuper, rolinherit, rolcanlogin FROM pg_roles WHERE rolname = 'hoop'"
  assert.deepEqual(await ask(server.url(), roles), [
    { rolsuper: false, rolinherit: false, rolcanlogin: true },
  ])
  await server.stop()
  assert.equal(await isOpen(server.port), false)
  await assert.rejects(access(server.dataDir), { code: 'ENOENT' })
})

test('a folder of its own is kept, and served again', async () => {
  const options = { dataDir: join(folder, 'kept'), password: 'the same' }
  const first = await startPostgres(options)
  await ask(first.url(), 'CREATE TABLE kept AS SELECT 42 AS n')
  await first.stop()
  const second = await startPostgres(options)
  assert.deepEqual(await ask(second.url(), 'SELECT n FROM kept'), [{ n: 42 }])
  await second.stop()
})

test('a wrong password is refused, by each method', async () => {
  for (const auth of ['scram-sha-256', 'md5', 'password'] as const) {
    const server = await startPostgres({ auth, password: 'right' })
    assert.equal((await ask(server.url(), 'SELECT 1')).length, 1)
    await assert.rejects(ask(server.url().replace('right', 'wrong'), 'SELECT 1'), { code: '28P01' })
    await server.stop()
  }
})

test('what PostgreSQL says is in the error', async () => {
  const first = await startPostgres()
  await assert.rejects(startPostgres({ port: first.port }), /could not create listen socket/)
  await first.stop()
  await assert.rejects(startPostgres({ settings: { no_such_setting: '1' } }), /no_such_setting/)
  await assert.rejects(startPostgres({ sql: { postgres: 'CREATE NONSENSE;' } }), /NONSENSE/)
})

test('a killed owner leaves neither a server nor a folder', async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(import.meta.resolve('../../support/postgres.ts'))}
    const server = await startPostgres()
    process.stdout.write(String(server.port))
    setInterval(() => undefined, 1000)`
  const tmp = await mkdtemp(join(folder, 'tmp-'))
  await chmod(tmp, 0o1777)
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: tmp },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await once(owner.stdout, 'data')) as [Buffer]
  assert.equal(await isOpen(Number(port)), true)
  owner.kill('SIGKILL')
  while ((await readdir(tmp)).length > 0) await sleep(50)
  assert.equal(await isOpen(Number(port)), false)
})
