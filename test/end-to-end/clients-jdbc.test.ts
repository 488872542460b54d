import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Approver } from '../support/approver.ts'
import { atPort, atTarget, runClient, works } from '../support/client-program.ts'
import { type LocalPort, TestDemo } from '../support/demo.ts'

/** pgjdbc, where the machine has it and a Java compiler; `.ci/run` installs both. */

const JAR = '/usr/share/java/postgresql.jar'

if (existsSync(JAR) && works('javac', '-version')) {
  describe('JDBC', () => {
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

    test('it sees what it would see at the target itself, a batch being one request', async () => {
      const program = ['java', '-cp', JAR, 'JdbcClient.java'] as const
      const direct = await runClient(atTarget(demo), ...program)
      const through = await runClient(atPort(port), ...program)
      assert.deepEqual(through, direct)
      const approved = bob.take()
      assert.ok(
        approved > 20 && approved < 100,
        `${approved} requests; a batch of 300 is among them`,
      )
    })
  })
}
