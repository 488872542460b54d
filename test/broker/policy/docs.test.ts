/** docs/policy.md is run: its policy, each line of its examples, each use of masked columns. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { parsePolicy, policyFaults } from '../../../broker/policy/parse.ts'
import { USES } from '../../../broker/policy/policy.ts'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { loadParser, Target } from '../../protocol/pg/facts/target.ts'
import { Judging, policyWith } from './judging.ts'

const DOCS = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8')
const OPEN = '    rules: { read: allow, write: allow, ddl: allow, admin: allow }\n'

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

/** The rows of the table after this mark, without its head. */
function table(mark: string): readonly (readonly string[])[] {
  const [, rows] = new RegExp(`<!-- ${mark} -->\\n((?:\\|.*\\n)+)`).exec(DOCS) ?? []
  assert.ok(rows)
  return rows
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

test('the policy that it shows is a good one, and each of its rules has a line', () => {
  const shown = /<!-- policy -->\n```yaml\n(.*?)```/s.exec(DOCS)
  assert.ok(shown)
  assert.deepEqual(policyFaults(shown[1]!, 'docs/policy.md'), [])
  const { places } = parsePolicy(shown[1]!, 'policy.yaml').connections.get('pg-prod')!
  assert.equal(places.get('pg-prod.rules.ddl'), 'policy.yaml:8')
  assert.equal(places.get('pg-prod.statements[1]'), 'policy.yaml:13')
  assert.equal(places.get('pg-prod.predicates.order'), 'policy.yaml:18')
})

test('each line does to its examples what it says', () => {
  const rows = table('cases')
  assert.ok(rows.length > 8)
  for (const [line = '', yes = '', no = ''] of rows) {
    const by = line.startsWith('hold') ? ', by: dba' : ''
    const judging = new Judging(
      policyWith(`${OPEN}    statements: [{ ${line}${by} }]\n`),
      catalogue,
    )
    assert.equal(judging.decision(yes), line.slice(0, 4), `${line}: ${yes}`)
    assert.equal(judging.decision(no), 'allow', `${line}: ${no}`)
  }
})

test('each use is what its example shows, and is judged as it says', () => {
  const rows = table('predicates')
  assert.deepEqual(
    rows.map(([use]) => use),
    USES,
  )
  for (const [use, , unsaid, sql = ''] of rows) {
    const mask = '    mask: { people.ssn: redact }\n'
    const usual = new Judging(policyWith(OPEN + mask), catalogue)
    assert.equal(usual.decision(sql), unsaid, sql)
    const all = USES.map((one) => `${one}: ${one === use ? 'deny' : 'allow'}`).join(', ')
    const only = new Judging(policyWith(`${OPEN}    predicates: { ${all} }\n${mask}`), catalogue)
    assert.equal(only.verdict(sql).rule, `pg-prod.predicates.${use}`, sql)
  }
})
