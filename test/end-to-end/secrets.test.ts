import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { BOB, type Exchange, type RawClient, SessionStack } from '../support/sessions.ts'

/** A person types a password into SQL: the target gets it, nobody else reads it. */

const SECRET = 'correct horse battery'
const SETUP = `
CREATE ROLE app LOGIN CREATEROLE PASSWORD 'app';
GRANT ALL ON SCHEMA public TO app;
`

describe('AP-32: a password that is typed into SQL', () => {
  let server: RunningPostgres
  let stack: SessionStack

  before(async () => {
    server = await startPostgres({ sql: { postgres: SETUP } })
    const way = { postgres: server, user: 'app', password: 'app' }
    stack = await SessionStack.open({ ...way, databases: ['postgres'], mask: [] })
  })
  after(async () => {
    assert.deepEqual(stack.faults, [])
    await stack.close()
    await server.stop()
  })

  const connected = (name: string, act: (client: RawClient) => Promise<void>) =>
    test(name, { timeout: 30_000 }, async () => {
      const client = await stack.client('postgres')
      await client.take()
      await act(client)
      client.vanish()
      assert.deepEqual(await filesWith(SECRET), [])
    })

  async function filesWith(word: string): Promise<string[]> {
    const entries = await readdir(stack.folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
    const all = await Promise.all(
      files.map(async (file) => ((await readFile(file)).includes(word) ? [file] : [])),
    )
    return all.flat()
  }

  async function login(user: string, password: string): Promise<void> {
    const { host, port } = server
    const own = new pg.Client({ host, port, user, password, database: 'postgres' })
    await own.connect()
    await own.end()
  }

  async function approved(client: RawClient, got: Exchange): Promise<Exchange> {
    assert.ok(got.held, `not held: ${got.types}`)
    const { digest } = await stack.desk.get(got.held)
    await stack.desk.approve(got.held, BOB, { digest })
    return await client.take()
  }

  connected('is sent as it was typed, and is in no file of the broker', async (client) => {
    const got = await client.query(`CREATE ROLE r1 LOGIN PASSWORD '${SECRET}'`)
    const { statement, effect } = await stack.desk.get(got.held ?? '')
    assert.match(statement, /^CREATE ROLE r1 LOGIN PASSWORD '<redacted hmac:[0-9a-f]{16}>'$/)
    assert.match(effect, /1 secret in it not shown/)
    assert.equal((await approved(client, got)).errors.length, 0)
    await login('r1', SECRET)
    await assert.rejects(login('r1', '<redacted>'), { code: '28P01' })
  })

  connected('is recognised again, and another is another', async (client) => {
    const texts: string[] = []
    for (const password of [SECRET, SECRET, `${SECRET}s`]) {
      const got = await client.extended(`ALTER ROLE r1 PASSWORD '${password}'`)
      texts.push((await stack.desk.get(got.held ?? '')).statement)
      client.cancel()
      await client.take()
    }
    assert.equal(texts[0], texts[1])
    assert.notEqual(texts[0], texts[2])
  })

  connected('has a digest of its own: what is approved is the real text', async (client) => {
    const digests: string[] = []
    for (const password of [SECRET, `${SECRET}s`]) {
      const got = await client.query(`ALTER ROLE r1 PASSWORD '${password}'`)
      digests.push((await stack.desk.get(got.held ?? '')).digest)
      client.cancel()
      await client.take()
    }
    assert.notEqual(digests[0], digests[1])
  })

  connected('does not come back in an error', async (client) => {
    const typo = await client.query(`ALTER ROLE r1 SET PASSWORD '${SECRET}'`)
    assert.match(typo.errors[0]?.get('M') ?? '', /syntax error at or near "<redacted>"/)
    const code = `DO $$ BEGIN ALTER ROLE nobody PASSWORD '${SECRET}'; END $$`
    const failed = await approved(client, await client.query(code))
    assert.equal(failed.errors[0]?.get('M'), 'role "nobody" does not exist')
    assert.match(failed.errors[0]?.get('W') ?? '', /ALTER ROLE nobody PASSWORD <redacted>/)
  })
})
