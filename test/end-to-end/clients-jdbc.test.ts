import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { atPort, atTarget, runClient, works } from '../support/client-program.ts'
import { driven } from '../support/driven.ts'

/** pgjdbc, where the machine has it and a Java compiler; `.ci/run` installs both. */

const JAR = '/usr/share/java/postgresql.jar'
/** It compiles itself and is over soon: no time is spent on code that would be faster later. */
const SHORT_RUN = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

if (existsSync(JAR) && works('javac', '-version')) {
  describe('JDBC', () => {
    const at = driven()

    test('it sees what it would see at the target itself, a batch being one request', async () => {
      const program = ['java', ...SHORT_RUN, '-cp', JAR, 'JdbcClient.java'] as const
      const direct = await runClient(atTarget(at.demo), ...program)
      const through = await runClient(atPort(at.port), ...program)
      assert.deepEqual(through, direct)
      const approved = at.bob.take()
      assert.ok(
        approved > 20 && approved < 100,
        `${approved} requests; a batch of 300 is among them`,
      )
    })
  })
}
