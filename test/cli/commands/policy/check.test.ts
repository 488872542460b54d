import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'hoop-check-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const run = fileURLToPath(new URL('../../../../bin/run.js', import.meta.url))
const GOOD = 'connections:\n  pg-prod: {request: [dba], rules: {read: allow}}\n'
const BAD = 'connections:\n  pg-prod: {requets: [dba], rules: {read: alow}}\n'

function check(text: string | null, ...args: string[]) {
  if (text !== null) writeFileSync(join(folder, 'policy.yaml'), text)
  const env = { ...process.env, HOOP_HOME: folder, NO_COLOR: '1' }
  return spawnSync(process.execPath, [run, 'policy', 'check', ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
    input: GOOD,
  })
}

test('a good policy: nothing on stdout, a word on stderr, exit 0', () => {
  const { status, stdout, stderr } = check(GOOD, 'policy.yaml')
  assert.deepEqual([status, stdout, stderr], [0, '', 'policy.yaml is fine.\n'])
})

test('a faulty one: each fault with its place on stdout, exit 2', () => {
  const { status, stdout, stderr } = check(BAD, 'policy.yaml')
  assert.equal(status, 2)
  assert.deepEqual(stdout.split('\n'), [
    'policy.yaml:2:3 "request" is missing here',
    'policy.yaml:2:13 unknown key "requets"; did you mean "request"?',
    'policy.yaml:2:43 write allow, deny, or {hold: [{group: dba, count: 1}]}',
    '',
  ])
  assert.match(stderr, /policy\.yaml has 3 faults/)
})

test('--json: one document, and the error as the last line', () => {
  const good = check(GOOD, 'policy.yaml', '--json')
  assert.deepEqual([good.status, JSON.parse(good.stdout)], [0, { ok: true, faults: [] }])
  const bad = check(BAD, 'policy.yaml', '--json')
  assert.equal(bad.status, 2)
  const { ok, faults } = JSON.parse(bad.stdout)
  assert.equal(ok, false)
  assert.deepEqual(faults[0], {
    file: 'policy.yaml',
    line: 2,
    column: 3,
    message: '"request" is missing here',
  })
  const last = JSON.parse(bad.stderr.trim().split('\n').at(-1)!)
  assert.deepEqual([last.error.code, last.error.exit], ['bad_policy', 2])
})

test('from stdin, and from a file that is not there', () => {
  assert.equal(check(null, '-').status, 0)
  const missing = check(null, 'nowhere.yaml')
  assert.equal(missing.status, 2)
  assert.match(missing.stderr, /Cannot read nowhere\.yaml/)
  assert.equal(check(null).status, 2)
})

test('what the file says cannot steer the terminal', () => {
  const { stdout } = check('connections:\n  "\\e[31mred": {}\n', 'policy.yaml')
  assert.ok(!stdout.includes('\x1b'))
})
