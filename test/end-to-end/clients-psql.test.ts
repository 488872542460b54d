import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import {
  atPort,
  atTarget,
  type ClientEnvironment,
  fixture,
  runClient,
  works,
} from '../support/client-program.ts'
import { driven } from '../support/driven.ts'
import { hasPsql, Psql } from '../support/psql.ts'

/** A long script of psql, and pgbench, where the machine has them; `.ci/run` installs both. */

if (hasPsql) {
  describe('psql and pgbench', () => {
    const at = driven()

    const script = (env: ClientEnvironment, ...how: string[]) =>
      runClient(env, 'sh', '-c', `psql -X -a ${how.join(' ')} -f script.sql 2>&1`)

    test('a script of statements answers the same, but for the notices of what is held', async () => {
      const direct = await script(atTarget(at.demo))
      const through = await script(atPort(at.port))
      assert.deepEqual(withoutNotices(through), direct)
      assert.ok(at.bob.take() > 20, 'its writes were approved')
    })

    test('what psql describes is the same, object by object', async () => {
      const objects = await readFile(fixture('described.sql'), 'utf8')
      await at.demo.behind(objects)
      const describe = (env: ClientEnvironment) =>
        runClient(env, 'sh', '-c', 'psql -X -A -f describe.sql 2>&1')
      const direct = await describe(atTarget(at.demo))
      const through = await describe(atPort(at.port))
      assert.deepEqual(through, direct)
      assert.equal(at.bob.take(), 0, 'nothing of it was held')
      assert.ok(through.length > 1000, `${through.length} lines`)
    })

    test('passwords for other servers are shown to nobody, not even to whom they belong', async () => {
      await at.demo.behind('GRANT USAGE ON FOREIGN SERVER srv TO app_reader')
      const secret = "OPTIONS (password 'hunter2')"
      await at.demo.behind(`CREATE USER MAPPING FOR app_reader SERVER srv ${secret}`)
      const list = (env: ClientEnvironment) => runClient(env, 'psql', '-XAt', '-c', '\\deu+')
      const reader = { ...atTarget(at.demo), PGOPTIONS: '-c role=app_reader' }
      const own = "srv|app_reader|(password 'hunter2')"
      assert.deepEqual(await list(reader), [own, 'srv|app_writer|'])
      assert.deepEqual(await list(atPort(at.port)), ['srv|app_reader|', 'srv|app_writer|'])
    })

    test('\\watch asks again and again until Ctrl-C', async () => {
      const session = new Psql(at.port.ready.url, ['-At'])
      session.type("SELECT 'round', ssn FROM people WHERE id = 1 \\watch 0.1\n")
      await session.says(/(round\|\*\*\*\s+){3}/)
      session.signal('SIGINT')
      const { code, stderr } = await session.end('SELECT 1;\n')
      assert.deepEqual([code, stderr], [0, ''])
    })

    if (works('pgbench', '--version')) {
      test('pgbench makes its tables and runs its transactions, all three ways', async () => {
        const env = atPort(at.port)
        await runClient(env, 'pgbench', '-i', '-I', 'dtgp', '-q')
        for (const mode of ['simple', 'extended', 'prepared']) {
          const reads = await runClient(env, 'pgbench', '-n', '-S', '-c2', '-t50', '-M', mode)
          assert.ok(reads.includes('number of transactions actually processed: 100/100'), mode)
          const writes = await runClient(env, 'pgbench', '-n', '-t2', '-M', mode)
          assert.ok(writes.includes('number of transactions actually processed: 2/2'), mode)
        }
        assert.deepEqual(await at.demo.behind('SELECT count(*)::int AS n FROM pgbench_history'), [
          { n: 6 },
        ])
      })

      test('pgbench sends pipelines of reads, and a pipeline of writes is one request', async () => {
        const env = atPort(at.port)
        at.bob.take()
        for (const mode of ['extended', 'prepared']) {
          const pipe = ['-n', '-M', mode, '-f']
          const reads = await runClient(env, 'pgbench', ...pipe, 'pipeline-reads.sql', '-t30')
          assert.ok(reads.includes('number of transactions actually processed: 30/30'), mode)
          const writes = await runClient(env, 'pgbench', ...pipe, 'pipeline-writes.sql', '-t2')
          assert.ok(writes.includes('number of transactions actually processed: 2/2'), mode)
        }
        assert.equal(at.bob.take(), 4)
      })
    }
  })
}

function withoutNotices(lines: readonly string[]): string[] {
  return lines.filter((line) => !/NOTICE: {2}held for approval|^HINT: {2}another person/.test(line))
}
