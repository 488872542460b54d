import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Approver } from '../support/approver.ts'
import { atPort, atTarget, runClient, works } from '../support/client-program.ts'
import { type LocalPort, TestDemo } from '../support/demo.ts'

/** psycopg2 and psycopg 3, where the machine has them; `.ci/run` installs both. */

const python = '/usr/bin/python3'
const drivers = ['psycopg2', 'psycopg'].filter((driver) => works(python, '-c', `import ${driver}`))

if (drivers.length > 0) {
  describe('Python drivers', () => {
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

    for (const driver of drivers) {
      test(`${driver} sees what it would see at the target itself`, async () => {
        const program = `${driver}_client.py`
        const direct = await runClient(atTarget(demo), python, program)
        const through = await runClient(atPort(port), python, program)
        assert.deepEqual(through, direct)
        assert.ok(bob.take() > 5, 'its writes were approved')
      })
    }
  })
}
