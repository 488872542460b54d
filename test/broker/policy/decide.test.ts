import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decide } from '../../../broker/policy/decide.ts'
import { parsePolicy } from '../../../broker/policy/parse.ts'
import { CLASSES, type ConnectionPolicy, type Rule } from '../../../broker/policy/policy.ts'
import { emptyCatalogue } from '../../../protocol/pg/catalogue.ts'
import type { Command, StatementClass, StatementFacts } from '../../../protocol/pg/statement.ts'

const policy = parsePolicy(
  `connections:
  pg-prod:
    request: [engineers, dba]
    rules:
      read: allow
      write: { hold: [{ group: dba, count: 1 }] }
      ddl: { hold: [{ group: dba, count: 2 }, security] }
      admin: { deny: ask the platform team }
`,
  'policy.yaml',
).connections.get('pg-prod')!

function statement(name: StatementClass, more: Partial<StatementFacts> = {}): StatementFacts {
  return {
    class: name,
    node: 'SelectStmt',
    verb: 'SELECT',
    span: { offset: 0, length: 8 },
    command: { type: 'query' },
    reads: [],
    writes: [],
    tables: [],
    rowsRead: [],
    rowsWritten: [],
    columnsRead: [],
    columnsWritten: [],
    opaque: false,
    understood: true,
    callsWithin: [],
    fills: null,
    functions: [],
    unbounded: false,
    ddl: null,
    output: null,
    predicates: [],
    why: '',
    refusal: null,
    ...more,
  }
}

/** A target without tables, in which nothing is protected. */
const NOTHING = {
  world: { catalogue: emptyCatalogue(), isProtected: () => false },
  guessed: 0,
}

const ask = (...statements: StatementFacts[]) =>
  decide({ statements, groups: ['engineers'], ...NOTHING }, policy)

test('each class has its rule', () => {
  assert.deepEqual(ask(statement('read')), {
    decision: 'allow',
    rule: 'pg-prod.rules.read',
    guesses: 0,
  })
  assert.deepEqual(ask(statement('write')), {
    decision: 'hold',
    rule: 'pg-prod.rules.write',
    needs: [{ group: 'dba', count: 1 }],
    alternatives: [],
    guesses: 0,
  })
  assert.deepEqual(ask(statement('admin')), {
    decision: 'deny',
    rule: 'pg-prod.rules.admin',
    reason: 'ask the platform team',
  })
})

test('what cannot be parsed is treated as a write', () => {
  const verdict = decide({ statements: null, groups: ['dba'], ...NOTHING }, policy)
  assert.deepEqual(verdict, {
    decision: 'hold',
    rule: 'pg-prod.rules.unknown',
    needs: [{ group: 'dba', count: 1 }],
    alternatives: [],
    guesses: 0,
  })
})

test('where writes pass, a write with a part that nobody understands does not', () => {
  const open = parsePolicy(
    'connections: {pg-prod: {request: [engineers], rules: {read: allow, write: allow, unknown: {hold: dba}}}}',
    'policy.yaml',
  ).connections.get('pg-prod')!
  const asked = (understood: boolean) =>
    decide(
      { statements: [statement('write', { understood })], groups: ['engineers'], ...NOTHING },
      open,
    )
  assert.equal(asked(true).decision, 'allow')
  assert.equal(asked(false).decision, 'hold')
})

test('who is in none of the groups gets nothing, an empty statement included', () => {
  for (const statements of [null, [], [statement('read')]]) {
    const verdict = decide({ statements, groups: ['oncall'], ...NOTHING }, policy)
    assert.equal(verdict.decision, 'deny')
    assert.equal(verdict.rule, 'pg-prod.request')
  }
})

test('groups compare exactly', () => {
  for (const groups of [['Engineers'], ['engineers '], ['engineer'], []]) {
    assert.equal(decide({ statements: [], groups, ...NOTHING }, policy).decision, 'deny')
  }
})

test('the strictest statement wins, and what several need is needed together', () => {
  const held = ask(statement('read'), statement('write'), statement('ddl'), statement('write'))
  assert.deepEqual(held, {
    decision: 'hold',
    rule: 'pg-prod.rules.write, pg-prod.rules.ddl',
    needs: [
      { group: 'dba', count: 2 },
      { group: 'security', count: 1 },
    ],
    alternatives: [],
    guesses: 0,
  })
  assert.equal(ask(statement('write'), statement('admin')).decision, 'deny')
})

test('what facts refuse is denied, whatever the policy says', () => {
  const refusal = { sqlstate: '42501', message: 'SET ROLE is not possible here', hint: '' }
  assert.deepEqual(ask(statement('read', { refusal })), {
    decision: 'deny',
    rule: 'hoop',
    reason: 'SET ROLE is not possible here',
  })
})

test('a cursor is judged by its query', () => {
  const command = (inner: StatementFacts): Command => ({
    type: 'declare',
    name: 'c',
    nameSpan: { offset: 8, length: 1 },
    inner,
  })
  assert.equal(ask(statement('read', { command: command(statement('read')) })).decision, 'allow')
  assert.equal(ask(statement('read', { command: command(statement('write')) })).decision, 'hold')
})

test('an empty statement passes', () => {
  assert.equal(ask().decision, 'allow')
})

test('a policy made in code cannot allow the unknown, nor hold for nobody', () => {
  const loose: ConnectionPolicy = {
    ...policy,
    rules: {
      ...policy.rules,
      unknown: { decision: 'allow' },
      write: { decision: 'hold', needs: [], alternatives: [] },
    },
  }
  const of = (statements: StatementFacts[] | null) =>
    decide({ statements, groups: ['dba'], ...NOTHING }, loose).decision
  assert.equal(of(null), 'deny')
  assert.equal(of([statement('unknown')]), 'deny')
  assert.equal(of([statement('write')]), 'deny')
})

const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.constant<Rule>({ decision: 'allow' }),
  fc.constant<Rule>({ decision: 'deny', reason: null }),
  fc.constantFrom('dba', 'security').chain((group) =>
    fc.integer({ min: 1, max: 3 }).map<Rule>((count) => ({
      decision: 'hold',
      needs: [{ group, count }],
      alternatives: [],
    })),
  ),
)
const rules = fc
  .tuple(...CLASSES.map(() => rule))
  .map((all) => Object.fromEntries(CLASSES.map((name, i) => [name, all[i]!])))

test('a further statement never makes a verdict milder', () => {
  const order = ['allow', 'hold', 'deny']
  const classes = fc.array(fc.constantFrom(...CLASSES), { maxLength: 5 })
  fc.assert(
    fc.property(rules, classes, fc.constantFrom(...CLASSES), (all, names, more) => {
      const of = { ...policy, rules: all as ConnectionPolicy['rules'] }
      const groups = ['dba']
      const judge = (list: StatementClass[]) =>
        decide({ statements: list.map((name) => statement(name)), groups, ...NOTHING }, of)
      const before = judge(names)
      const after = judge([...names, more])
      assert.ok(order.indexOf(after.decision) >= order.indexOf(before.decision))
      if (before.decision !== 'hold' || after.decision !== 'hold') return
      for (const need of before.needs) {
        const now = after.needs.find(({ group }) => group === need.group)
        assert.ok(now && now.count >= need.count)
      }
    }),
  )
})

test('allowed means that every statement is allowed', () => {
  fc.assert(
    fc.property(rules, fc.array(fc.constantFrom(...CLASSES), { minLength: 1 }), (all, names) => {
      const of = { ...policy, rules: all as ConnectionPolicy['rules'] }
      const verdict = decide(
        { statements: names.map((n) => statement(n)), groups: ['dba'], ...NOTHING },
        of,
      )
      if (verdict.decision !== 'allow') return
      assert.ok(names.every((name) => all[name]!.decision === 'allow' && name !== 'unknown'))
    }),
  )
})

test('a policy made in code that asks in too many ways denies', () => {
  const hold = (of: string): Rule => {
    const alternatives = [1, 2, 3, 4, 5].map((n) => [{ group: `${of}${n}`, count: 1 }])
    return { decision: 'hold', needs: alternatives[0]!, alternatives }
  }
  const rules = { ...policy.rules, write: hold('a'), ddl: hold('b'), admin: hold('c') }
  const of = (...names: StatementClass[]) =>
    decide(
      { statements: names.map((name) => statement(name)), groups: ['dba'], ...NOTHING },
      { ...policy, rules },
    ).decision
  assert.equal(of('write', 'ddl'), 'hold')
  assert.equal(of('write', 'ddl', 'admin'), 'deny')
})
