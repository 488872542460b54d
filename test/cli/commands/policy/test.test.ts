import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'hoop-cases-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const run = fileURLToPath(new URL('../../../../bin/run.js', import.meta.url))
const DOCS = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8')
const POLICY = /<!-- policy -->\n```yaml\n(.*?)```/s.exec(DOCS)?.[1] ?? ''
const CASES = /<!-- tests -->\n```yaml\n(.*?)```/s.exec(DOCS)?.[1] ?? ''

function cases(text: string, ...args: string[]) {
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  writeFileSync(join(folder, 'policy.test.yaml'), text)
  const env = { ...process.env, HOOP_HOME: folder, NO_COLOR: '1' }
  const more = { cwd: folder, env, encoding: 'utf8', timeout: 60_000 } as const
  return spawnSync(process.execPath, [run, 'policy', 'test', 'policy.yaml', ...args], more)
}

test('the cases that docs/policy.md shows hold for the policy that it shows', () => {
  const { status, stdout, stderr } = cases(CASES)
  assert.deepEqual([status, stderr], [0, 'All 5 cases are as expected.\n'])
  assert.match(stdout, /^ok {3}policy\.test\.yaml:\d+ /)
})

test('a case that fails: what was expected, what came, by which rule; exit 1', () => {
  const wrong = CASES.replace('expect: deny', 'expect: allow').replace(
    'masked: ssn',
    'masked: name',
  )
  const { status, stdout, stderr } = cases(wrong, '--json')
  assert.equal(status, 1)
  const { ok, passed, failed, cases: all } = JSON.parse(stdout)
  assert.deepEqual([ok, passed, failed], [false, 3, 2])
  const [masked, denied] = all.filter((each: { ok: boolean }) => !each.ok)
  assert.deepEqual(masked.differences, [{ what: 'masked', expected: 'name', got: 'ssn' }])
  assert.deepEqual(denied.differences, [{ what: 'decision', expected: 'allow', got: 'deny' }])
  assert.match(denied.got.places.join(), /policy\.yaml:\d+/)
  const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '')
  assert.deepEqual([error.code, error.exit], ['cases_failed', 1])
})

test('a schema that PostgreSQL does not take is a fault with its line, and starts no program', () => {
  const touched = join(folder, 'touched')
  const attack = `schema: |
  CREATE TABLE a (id int);
  COPY a TO PROGRAM 'touch ${touched}';
tests: [{ who: engineers, where: pg-prod, sql: TABLE a, expect: allow }]
`
  const { status, stdout, stderr } = cases(attack)
  assert.deepEqual([status, stdout], [2, ''])
  assert.match(stderr, /bad_schema/)
  assert.match(stderr, /permission denied to COPY to or from an external program/)
  assert.equal(existsSync(touched), false)
})

test('faults of the cases come with file, line and column, before anything is started', () => {
  const bad = 'tests:\n  - { who: engineers, where: pg-prd, sql: SELECT 1, expect: alow }\n'
  const { status, stderr } = cases(bad)
  assert.equal(status, 2)
  assert.match(stderr, /policy\.test\.yaml:2:\d+ expect is allow, hold or deny/)
  const strange = cases(bad.replace('alow', 'allow'))
  assert.match(
    strange.stderr,
    /policy\.test\.yaml:2:\d+ the policy says nothing of pg-prd; did you mean "pg-prod"\?/,
  )
  assert.match(cases(CASES, '--cases', 'nowhere.yaml').stderr, /Cannot read nowhere\.yaml/)
})
