import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Approver } from '../support/approver.ts'
import {
  atPort,
  atTarget,
  type ClientEnvironment,
  runClient,
  works,
} from '../support/client-program.ts'
import { type LocalPort, TestDemo } from '../support/demo.ts'
import { hasPsql } from '../support/psql.ts'

/** A long script of psql, and pgbench, where the machine has them; `.ci/run` installs both. */

if (hasPsql) {
  describe('psql and pgbench', () => {
    let demo: TestDemo
    let port: LocalPort
    let bob: Approver

    before(async () => {
      demo = await TestDemo.start()
      const people = await demo.logins('alice', 'bob')
      port = await demo.connect(people.alice)
      bob = await Approver.start(people.bob)
    })
    after(async () => {
      await bob?.stop()
      await demo.stop()
    })

    const script = (env: ClientEnvironment, ...how: string[]) =>
      runClient(env, 'sh', '-c', `psql -X -a ${how.join(' ')} -f script.sql 2>&1`)

    test('a script of statements answers the same, but for the notices of what is held', async () => {
      const direct = await script(atTarget(demo))
      const through = await script(atPort(port))
      assert.deepEqual(withoutNotices(through), direct)
      assert.ok(bob.take() > 20, 'its writes were approved')
    })

    if (works('pgbench', '--version')) {
      test('pgbench makes its tables and runs its transactions, all three ways', async () => {
        const env = atPort(port)
        await runClient(env, 'pgbench', '-i', '-I', 'dtgp', '-q')
        for (const mode of ['simple', 'extended', 'prepared']) {
          const reads = await runClient(env, 'pgbench', '-n', '-S', '-c2', '-t50', '-M', mode)
          assert.ok(reads.includes('number of transactions actually processed: 100/100'), mode)
          const writes = await runClient(env, 'pgbench', '-n', '-t2', '-M', mode)
          assert.ok(writes.includes('number of transactions actually processed: 2/2'), mode)
        }
        assert.deepEqual(await demo.behind('SELECT count(*)::int AS n FROM pgbench_history'), [
          { n: 6 },
        ])
      })
    }
  })
}

function withoutNotices(lines: readonly string[]): string[] {
  return lines.filter((line) => !/NOTICE: {2}held for approval|^HINT: {2}another person/.test(line))
}
