import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type LocalPort, type Person, TestDemo } from '../support/demo.ts'
import { hasPsql, Psql } from '../support/psql.ts'

/** By hand, as a person would: psql through the local port. `.ci/run` installs psql where it is missing. */

const REQUEST = /\br-[0-9a-hjkmnp-tv-z]{10}\b/

if (hasPsql) {
  describe('psql through the local port', () => {
    let demo: TestDemo
    let alice: Person
    let bob: Person
    let port: LocalPort
    let folder: string

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'hoop-psql-'))
      demo = await TestDemo.start()
      ;({ alice, bob } = await demo.logins('alice', 'bob'))
      port = await demo.connect(alice)
    })
    after(async () => {
      await demo.stop()
      await rm(folder, { recursive: true, force: true })
    })

    const psql = (...args: string[]) => new Psql(port.ready.url, args)
    const run = (script: string, ...args: string[]) => psql(...args).end(script)

    test('its own questions are answered as by the server itself', async () => {
      const { host, port: number, user, password, database } = demo.ready.target
      const direct = `postgres://${user}:${password}@${host}:${number}/${database}`
      const questions = [
        '\\d',
        '\\d people',
        '\\dt+',
        '\\df',
        '\\dn',
        '\\l',
        '\\dp',
        '\\dT',
        '\\du',
      ]
      for (const question of questions) {
        const strict = ['-v', 'ON_ERROR_STOP=1']
        const own = await new Psql(direct, strict).end(`${question}\n`)
        const { code, stdout, stderr } = await run(`${question}\n`, ...strict)
        assert.deepEqual(
          { question, code, stderr },
          { question, code: own.code, stderr: own.stderr },
        )
        assert.equal(stdout, own.stdout, question)
      }
    })

    test('a SELECT is masked, \\copy out and cursors as well', async () => {
      const out = join(folder, 'people.csv')
      const script = `
SELECT name, ssn FROM people ORDER BY id LIMIT 1;
\\copy (SELECT id, ssn, card_number FROM people ORDER BY id) TO '${out}' csv
BEGIN;
DECLARE c CURSOR FOR SELECT ssn AS secret FROM people ORDER BY id;
FETCH 2 FROM c;
COMMIT;
`
      const { code, stdout, stderr } = await run(script, '-v', 'ON_ERROR_STOP=1')
      assert.equal(code, 0, stderr)
      assert.doesNotMatch(stdout, /\d{3}-\d{2}-\d{4}/)
      const lines = (await readFile(out, 'utf8')).trim().split('\n')
      assert.equal(lines[0], '1,***,************1111')
      assert.equal(lines.at(-1), '6,,')
    })

    test('an UPDATE waits with a NOTICE that names the request and who is asked', async () => {
      const session = psql().type("UPDATE people SET notes = 'by psql' WHERE id = 5;\n")
      const id = await session.says(REQUEST)
      await session.says(/NOTICE:.*dba/s)
      await bob.json(['approve', id])
      const { code, stdout } = await session.end('SELECT notes FROM people WHERE id = 5;\n')
      assert.equal(code, 0)
      assert.match(stdout, /UPDATE 1/)
      assert.match(stdout, /by psql/)
    })

    test('Ctrl-C cancels what waits', async () => {
      const session = psql().type('DELETE FROM orders WHERE id = 3;\n')
      const id = await session.says(REQUEST)
      session.signal('SIGINT')
      const { stderr } = await session.end()
      assert.match(stderr, /ERROR: /)
      assert.equal((await bob.json<{ state: string }>(['show', id])).state, 'cancelled')
      assert.equal((await demo.behind('SELECT FROM orders WHERE id = 3')).length, 1)
    })

    test('\\copy in is spooled, held at its end, and runs with exactly those rows', async () => {
      const file = join(folder, 'orders.csv')
      await writeFile(file, '1,pen,2.50\n2,"ink, black",4.00\n')
      const session = psql().type(`\\copy orders (person_id, item, amount) FROM '${file}' csv\n`)
      const id = await session.says(REQUEST)
      const items = "SELECT item FROM orders WHERE item IN ('pen', 'ink, black') ORDER BY id"
      assert.deepEqual(await demo.behind(items), [])
      await bob.json(['approve', id])
      const { stdout } = await session.end()
      assert.match(stdout, /COPY 2/)
      assert.deepEqual(await demo.behind(items), [{ item: 'pen' }, { item: 'ink, black' }])
    })

    test('DDL is held, admin is denied, the session goes on', async () => {
      const session = psql().type('CREATE TABLE by_psql (id int);\n')
      await bob.json(['approve', await session.says(REQUEST)])
      const { stdout, stderr } = await session.end(
        '\\d by_psql\nALTER SYSTEM SET work_mem = 1;\nSELECT 7 * 6;\n',
      )
      assert.match(stdout, /CREATE TABLE/)
      assert.match(stdout, /Table "public.by_psql"/)
      assert.match(stderr, /ERROR: /)
      assert.match(stdout, /42/)
    })

    test('hoop connect -- psql starts it with everything set, and exits as it does', async () => {
      const connect = (...client: string[]) =>
        alice.hoop(['connect', 'pg-prod', '--', 'psql', '-X', '-At', ...client])
      const read = await connect('-c', 'SELECT ssn FROM people WHERE id = 1')
      assert.equal(read.code, 0, read.stderr)
      assert.match(read.stdout, /^\*\*\*$/m)
      assert.equal((await connect('-v', 'ON_ERROR_STOP=1', '-f', '/nowhere.sql')).code, 1)
    })

    test('the unix socket needs no password and is closed to others', async () => {
      const { socket, port: number, database } = port.ready
      assert.ok(socket)
      const folderOfSocket = socket.replace(/\/\.s\.PGSQL\.\d+$/, '')
      const words = `host=${folderOfSocket} port=${number} dbname=${database} user=anybody`
      const { code, stdout, stderr } = await new Psql(words, ['-At', '-w']).end('SELECT 6 * 7;\n')
      assert.equal(code, 0, stderr)
      assert.equal(stdout, '42\n')
    })
  })
}
