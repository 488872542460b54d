import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { type Demo, startDemo } from '../../broker/demo/demo.ts'
import { atPort, atTarget, type ClientEnvironment, runClient } from '../support/client-program.ts'
import { LocalPort, Person, type PortReady } from '../support/demo.ts'
import type { RunningHoop } from '../support/hoop.ts'
import { asPackage, dumpable } from '../support/older-postgres.ts'

/** The real pg_dump, where the machine has one and a server that it can dump. */

const server = dumpable()

if (server !== null) {
  describe('pg_dump', () => {
    let folder: string
    let programs: string
    let demo: Demo
    let connect: RunningHoop
    let port: LocalPort

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'hoop-pg-dump-'))
      programs = await asPackage(server)
      demo = await startDemo({ home: join(folder, 'demo'), postgres: { programs } })
      const alice = new Person('alice', join(folder, 'people'))
      await alice.hoop(['login', '--broker', demo.ready.broker, '--as', 'alice', '--json'])
      connect = alice.start(['connect', 'pg-prod', '--json'])
      port = new LocalPort(connect, (await connect.event('ready')) as unknown as PortReady)
    })
    after(async () => {
      await connect?.interrupt()
      await demo?.stop()
      if (programs !== server) await rm(programs, { recursive: true, force: true })
      await rm(folder, { recursive: true, force: true })
    })

    const behind = async (sql: string) => {
      const client = new pg.Client({ ...demo.ready.target })
      await client.connect()
      await client.query(sql)
      await client.end()
    }

    /** The dump as SQL, whatever its form. */
    const dump = async (env: ClientEnvironment, ...how: string[]) => {
      const into = join(folder, `dump-${env['PGPORT']}`)
      await rm(into, { recursive: true, force: true })
      await runClient(env, 'pg_dump', '-Fd', '-f', into, ...how)
      return (await runClient(env, 'pg_restore', '-f', '-', into)).filter(isOfData)
    }

    test('four jobs of it see one snapshot, and what one would see at the target itself', async () => {
      const direct = await dump(atTarget(demo), '-j', '4')
      const through = await dump(atPort(port), '-j', '4')
      const differ = direct.filter((line, index) => line !== through[index])
      assert.equal(direct.length, through.length)
      assert.ok(differ.length > 0 && differ.every((line) => line.includes('@example.test')))
      assert.ok(!through.join('\n').includes('078-05-1120'), 'what is masked is masked in a dump')
      assert.ok(through.some((line) => line.includes('CREATE TABLE public.orders')))
    })

    test('so do jobs that wait for a snapshot that nobody disturbs', async () => {
      const how = ['-j', '2', '--serializable-deferrable', '-t', 'orders']
      assert.deepEqual(await dump(atPort(port), ...how), await dump(atTarget(demo), ...how))
    })

    test('large objects are left out with -B, and without it the error says so', async () => {
      await behind(`SELECT lo_from_bytea(7777, 'large'); ALTER LARGE OBJECT 7777 OWNER TO app_writer;
        GRANT SELECT ON LARGE OBJECT 7777 TO app_reader`)
      await assert.rejects(
        dump(atPort(port), '-j', '2'),
        /large objects, are not supported\s+HINT: {2}pg_dump: leave large objects out with -B/,
      )
      const without = ['-B', '-j', '2', '-T', 'people']
      assert.deepEqual(await dump(atPort(port), ...without), await dump(atTarget(demo), ...without))
    })
  })
}

/** Each dump has keys and times of its own. */
function isOfData(line: string): boolean {
  return !/^\\(un)?restrict|^-- Started on|^-- Completed on/.test(line)
}
