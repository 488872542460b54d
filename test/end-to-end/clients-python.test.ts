import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { atPort, atTarget, runClient, works } from '../support/client-program.ts'
import { driven } from '../support/driven.ts'

/** psycopg2 and psycopg 3, where the machine has them; `.ci/run` installs both. */

const python = '/usr/bin/python3'
const drivers = ['psycopg2', 'psycopg'].filter((driver) => works(python, '-c', `import ${driver}`))

if (drivers.length > 0) {
  describe('Python drivers', () => {
    const at = driven()

    for (const driver of drivers) {
      test(`${driver} sees what it would see at the target itself`, async () => {
        const program = `${driver}_client.py`
        const direct = await runClient(atTarget(at.demo), python, program)
        const through = await runClient(atPort(at.port), python, program)
        assert.deepEqual(through, direct)
        assert.ok(at.bob.take() > 5, 'its writes were approved')
      })
    }
  })
}
