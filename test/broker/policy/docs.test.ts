/** docs/policy.md is run: its policy, each line of its examples, each use of masked columns. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { cellMask, writeMasked } from '../../../broker/masking/cell.ts'
import { Output } from '../../../broker/masking/output.ts'
import { protectColumns } from '../../../broker/masking/protect.ts'
import { decide } from '../../../broker/policy/decide.ts'
import { parsePolicy, policyFaults } from '../../../broker/policy/parse.ts'
import { CLASSES, USES } from '../../../broker/policy/policy.ts'
import { waysOf } from '../../../broker/trial/outcome.ts'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { loadParser, Target } from '../../protocol/pg/facts/target.ts'
import { foundIn } from '../masking/detect/support.ts'
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

test('each class has its example, is judged by its own rule, and unsaid as it says', () => {
  const rows = table('classes')
  assert.deepEqual(
    rows.map(([name]) => name),
    CLASSES,
  )
  for (const [name, , unsaid = '', sql = ''] of rows) {
    const nothing = new Judging(policyWith('    rules: {}\n'), catalogue)
    assert.equal(nothing.decision(sql), unsaid === 'allow' ? 'allow' : 'deny', sql)
    const others = CLASSES.filter((one) => one !== name && one !== 'unknown')
    const open = others.map((one) => `${one}: allow`).join(', ')
    const only = new Judging(policyWith(`    rules: { ${open}, ${name}: deny }\n`), catalogue)
    assert.equal(only.verdict(sql).rule, `pg-prod.rules.${name}`, sql)
  }
})

test('each rule does what it says, and asks whom it says', () => {
  for (const [rule = '', , asked] of table('rules')) {
    const [line] = rule.split(', short for')
    const judging = new Judging(policyWith(`    rules: { write: ${line} }\n`), catalogue)
    const verdict = judging.verdict("UPDATE orders SET item = 'lamp' WHERE id = 1")
    assert.equal(verdict.decision, /allow|hold|deny/.exec(rule)?.[0])
    const ways = verdict.decision === 'hold' ? waysOf(verdict) : []
    const said = ways.map((way) =>
      way.map((need) => `${need.count} of ${need.group}`).join(' and '),
    )
    assert.equal(said.join(' or '), asked)
  }
})

test('who may use a connection, and who may not', () => {
  for (const [line, groups = '', may] of table('who')) {
    const text = `connections: { pg-prod: { ${line}, rules: { read: allow } } }`
    const policy = parsePolicy(text, 'policy.yaml').connections.get('pg-prod')!
    const world = { catalogue, isProtected: () => false }
    const question = { statements: [], groups: groups.split(', '), world, guessed: 0 }
    assert.equal(decide(question, policy).decision, may === 'yes' ? 'allow' : 'deny', groups)
  }
})

test('each mask shows its example as it says', () => {
  for (const [mask, , value = '', shown = ''] of table('masks')) {
    const policy = policyWith(`    rules: {}\n    mask: { people.ssn: ${mask} }\n`)
    const protect = protectColumns(policy.mask, catalogue, Buffer.alloc(32, 7))
    const people = [...catalogue.relations.values()].find(({ name }) => name === 'people')!
    const ssn = people.columns.find(({ name }) => name === 'ssn')!
    const wanted = protect.wanted(people.oid, ssn.number)!
    const out = new Output(64)
    const bytes = Buffer.from(value)
    const isShown = writeMasked(
      cellMask(wanted, { type: 25, format: 0 }, new Set()),
      bytes,
      0,
      bytes.length,
      out,
    )
    const text = isShown ? out.take().toString('utf8') : 'NULL'
    assert.match(text, new RegExp(`^${shown.replaceAll('*', '\\*')}$`), mask)
  }
})

test('each detector finds its example, and looks where nothing is said as it says', () => {
  const usual = policyWith('    rules: {}\n').detect
  for (const [what, , unsaid, example = ''] of table('detectors')) {
    assert.deepEqual(foundIn(`see ${example} there`), [`${what}: ${example}`])
    assert.equal(usual.find((rule) => rule.what === what)?.how ?? 'show', unsaid)
  }
})

test('each separation is one, and says what the desk does', () => {
  const rows = table('separate')
  assert.equal(rows.length, 2)
  for (const [line = '', says = ''] of rows) {
    const { separate } = policyWith(`${OPEN}    separate: ${line}\n`)
    const all = separate[0]?.mayNot === 'approve'
    assert.match(says, all ? /approves nothing on the connection/ : /nothing of members of these/)
  }
})

test('a rule with any can be approved in the ways that it says', () => {
  const [, line] = /`(\{ hold: \{ any: .*? \} \})`/.exec(DOCS) ?? []
  assert.ok(line)
  const { rules } = policyWith(`    rules: { write: ${line} }\n`)
  assert.deepEqual(rules.write.decision === 'hold' && rules.write.alternatives, [
    [{ group: 'dba', count: 2 }],
    [
      { group: 'security', count: 1 },
      { group: 'cto', count: 1 },
    ],
  ])
})
