import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FaultyFile } from '../../../broker/policy/document.ts'
import { parsePolicy, policyFaults } from '../../../broker/policy/parse.ts'
import type { ConnectionPolicy } from '../../../broker/policy/policy.ts'
import { policyJsonSchema } from '../../../broker/policy/schema.ts'

const HEAD = 'connections:\n  pg-prod:\n    request: [engineers]\n'

function one(rest: string): ConnectionPolicy {
  return parsePolicy(HEAD + rest, 'policy.yaml').connections.get('pg-prod')!
}

function faults(text: string): readonly string[] {
  return policyFaults(text, 'p').map((fault) => `${fault.line}:${fault.column} ${fault.message}`)
}

const allow = { decision: 'allow' }
const deny = { decision: 'deny', reason: null }
const dba = { decision: 'hold', needs: [{ group: 'dba', count: 1 }], alternatives: [] }

test('what is not said is denied; session and transaction pass', () => {
  assert.deepEqual(one('    rules: {}\n').rules, {
    read: deny,
    write: deny,
    ddl: deny,
    admin: deny,
    session: allow,
    transaction: allow,
    unknown: deny,
  })
})

test('the unknown is treated as a write; where writes pass, as the next that does not', () => {
  const unknown = (rules: string) => one(`    rules: ${rules}\n`).rules.unknown
  assert.deepEqual(unknown('{write: {hold: dba}}'), dba)
  assert.deepEqual(unknown('{write: allow, ddl: {hold: dba}}'), dba)
  assert.deepEqual(unknown('{write: allow, ddl: allow, admin: allow}'), deny)
  assert.deepEqual(unknown('{write: allow, unknown: {hold: dba}}'), dba)
})

test('a hold can be written in four ways', () => {
  const ways = ['dba', '[dba]', '{group: dba}', '[{group: dba, count: 1}]']
  for (const way of ways)
    assert.deepEqual(one(`    rules: {write: {hold: ${way}}}\n`).rules.write, dba)
})

test('what is precise is detected unsaid; what is noisy is not; show leaves it', () => {
  const kinds = (text: string) => one(`    rules: {}\n${text}`).detect.map(({ what }) => what)
  const precise = ['card', 'ssn', 'iban', 'jwt', 'private_key', 'cloud_key']
  assert.deepEqual(kinds(''), precise)
  assert.deepEqual(kinds('    detect: {jwt: show, card: show, email: hash}\n'), [
    ...['ssn', 'iban', 'email', 'private_key', 'cloud_key'],
  ])
  const [card] = one('    rules: {}\n    detect: {card: {partial: {last: 4}}}\n').detect
  assert.deepEqual(card, { what: 'card', how: 'partial', last: 4 })
})

test('masks', () => {
  const text = `    rules: {}
    mask:
      people.ssn: redact
      hr.People.SSN: hash
      '"My Table"."a.b"': 'null'
      people.card_number: { partial: { last: 4 } }
`
  const found = one(text).mask.map(({ column, how, last }) => [column, how, last])
  assert.deepEqual(found, [
    ['people.ssn', 'redact', undefined],
    ['hr.people.ssn', 'hash', undefined],
    ['"My Table"."a.b"', 'null', undefined],
    ['people.card_number', 'partial', 4],
  ])
})

test('every fault has its place and says what to do', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['', ['1:1 nothing stands here']],
    ['42', ['1:1 a policy is a map that starts with connections:']],
    [
      `${HEAD}    rules: {read: alow}\n`,
      ['4:19 write allow, deny, or {hold: [{group: dba, count: 1}]}'],
    ],
    [
      'connections:\n  pg-prod:\n    requets: [a]\n    rules: {}\n',
      ['2:3 "request" is missing here', '3:5 unknown key "requets"; did you mean "request"?'],
    ],
    [
      `${HEAD}    rules: {write: {hold: [{group: dba, cuont: 2}]}}\n`,
      ['4:41 unknown key "cuont"; did you mean "count"?'],
    ],
    [
      `${HEAD}    rules: {write: {hold: [{group: dba, count: 0}]}}\n`,
      ['4:48 count is a whole number from 1 to 20'],
    ],
    [
      `${HEAD}    rules: {write: {hold: [dba, dba]}}\n`,
      ['4:20 the group dba is named twice: say count: 2'],
    ],
    [
      `${HEAD}    rules: {unknown: allow}\n`,
      [
        '4:22 what is not understood cannot be allowed: write deny, or {hold: [{group: dba, count: 1}]}',
      ],
    ],
    [
      `${HEAD}    rules: {transaction: {hold: dba}}\n`,
      ['4:26 BEGIN and COMMIT cannot wait for people: write allow or deny, and hold write and ddl'],
    ],
    [
      `${HEAD}    rules: {}\n    rules: {}\n`,
      ['5:5 this key stands twice here: keep one of the two'],
    ],
    [
      `${HEAD}    rules: {}\n    detect: {passport: redact, card: 'null'}\n`,
      [
        '5:14 unknown key "passport"',
        '5:38 write redact, hash, {partial: {last: 4}}, or show to leave it as it is',
      ],
    ],
    [
      `${HEAD}    rules: {}\n    mask: {ssn: redact}\n`,
      ['5:12 "ssn": a column is named table.column or schema.table.column'],
    ],
    [
      `${HEAD}    rules: {}\n    mask: {p.x: blur, p.y: null, p.z: {partial: {last: 99}}}\n`,
      [
        `5:17 write redact, hash, 'null' (in quotes) or {partial: {last: 4}}`,
        `5:28 write redact, hash, 'null' (in quotes) or {partial: {last: 4}}`,
        '5:56 last is a whole number from 1 to 16',
      ],
    ],
    [`${HEAD}    rules: {}\n    mask: {p.x: redact, P.X: hash}\n`, ['5:25 p.x has a rule already']],
    [
      'connections:\n  pg-prod:\n    request: [engineers, 7, " x"]\n    rules: {}\n',
      [
        '3:26 a group is a text: write its name in quotes',
        '3:29 this cannot be a group: 1 to 200 printable characters, no blanks at the ends',
      ],
    ],
    [
      `${HEAD}    rules: {}\n    statements: [{deny: {dll: drop}}]\n`,
      ['5:26 unknown key "dll"; did you mean "ddl"?'],
    ],
    [
      `${HEAD}    rules: {}\n    statements: [{deny: {writes: a.b.c}}]\n`,
      ['5:34 a table is named table or schema.table, with columns as people(ssn), all as schema.*'],
    ],
    [
      `${HEAD}    rules: {}\n    statements: [{}, {hold: {class: read}}, {deny: {ddl: drop}, by: dba}, {deny: {}}]\n`,
      [
        '5:18 write deny or hold: one of the two',
        '5:29 nobody is named who could approve it: add by: [dba]',
        '5:65 by says whose approval is needed: it goes with hold',
        '5:82 say what the statement does: {ddl: drop} or {writes: orders}',
      ],
    ],
    [
      `${HEAD}    rules: {}\n    statements: [{deny: {without: limit}}, {deny: {calls: f(x)}}]\n`,
      [
        '5:35 without takes where: an UPDATE or DELETE that nothing bounds',
        '5:59 a function is named name or schema.name, all of a schema as schema.*',
      ],
    ],
    [
      `${HEAD}    rules: {}\n    predicates: {oder: deny}\n`,
      ['5:18 unknown key "oder"; did you mean "order"?'],
    ],
    [
      `${HEAD}    rules: {}\n    predicates: {equality: {allow: many}, group: maybe}\n`,
      [
        '5:36 write how many: {allow: 20 per session}',
        '5:50 write allow, deny, or {hold: [{group: dba, count: 1}]}',
      ],
    ],
    ['connections:\n  "a b": {}\n', ['2:3 "a b": not a connection name']],
    ['connections:\n  __proto__: {}\n', ['2:3 this cannot be a key']],
    [
      'connections: {}\n---\nconnections: {}\n',
      ['2:1 a second document starts here: a file holds one'],
    ],
    [
      'connections: !!js/function x\n',
      ['1:14 this is not YAML: Unresolved tag: tag:yaml.org,2002:js/function'],
    ],
  ]
  for (const [text, expected] of cases) assert.deepEqual(faults(text), expected, text)
})

test('lines of statements say what, who and why', () => {
  const [first, second] = one(`    rules: {write: {hold: dba}}
    statements:
      - hold: { reads: ['hr.People(Pay, "A b")', '"S".*'], class: read }
        by: security
      - deny: { ddl: [drop, truncate], without: where, calls: pg_sleep }
        reason: never
`).statements
  assert.deepEqual(first, {
    label: 'pg-prod.statements[0]',
    when: {
      class: ['read'],
      ddl: null,
      reads: [
        { schema: 'hr', table: 'people', columns: ['pay', 'A b'] },
        { schema: 'S', table: null, columns: null },
      ],
      writes: null,
      calls: null,
      without: null,
    },
    rule: { decision: 'hold', needs: [{ group: 'security', count: 1 }], alternatives: [] },
  })
  assert.deepEqual(second?.when.ddl, ['drop', 'truncate'])
  assert.deepEqual(second?.rule, { decision: 'deny', reason: 'never' })
})

test('predicates that are not said are denied, but for equality and what is computed', () => {
  const said = (rest: string) => {
    const { predicates } = one(`    rules: {}\n${rest}`)
    return Object.entries(predicates).map(([use, { decision }]) => `${use} ${decision}`)
  }
  const others = (decision: string) =>
    ['presence', 'filter', 'join', 'order', 'group'].map((use) => `${use} ${decision}`)
  const usual = (decision: string) => ['equality allow', ...others(decision), 'compute allow']
  assert.deepEqual(said(''), usual('deny'))
  assert.deepEqual(said('    predicates: deny\n'), usual('deny'))
  assert.deepEqual(said('    predicates: allow\n'), usual('allow'))
  assert.deepEqual(said('    predicates: {other: {hold: dba}}\n'), usual('hold'))
})

test('aliases that multiply are refused, not followed', () => {
  const lines = ['a0: &a0 [x, x]']
  for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`)
  assert.equal(faults(lines.join('\n')).length, 1)
})

test('a faulty policy is an error of usage that names every place', () => {
  assert.throws(
    () => parsePolicy('connections: []\n', 'policy.yaml'),
    (error) => {
      assert.ok(error instanceof FaultyFile)
      assert.equal(error.exit, 2)
      assert.equal(error.code, 'bad_policy')
      assert.equal(error.message, 'policy.yaml:1:14 connections maps names to their rules')
      return true
    },
  )
})

test('no text makes it throw anything else', () => {
  const pieces = [
    'connections',
    ':',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '*a',
    '&a ',
    '"',
    '- ',
    '? ',
    '|',
    '<<',
  ]
  for (let seed = 0; seed < 3000; seed++) {
    let at = seed
    let text = ''
    while (at > 0) {
      text += pieces[at % pieces.length]
      at = Math.floor(at / pieces.length)
    }
    for (const fault of policyFaults(text, 'p')) assert.ok(fault.line >= 1 && fault.column >= 1)
  }
})

test('editors get a JSON schema', () => {
  const schema = JSON.stringify(policyJsonSchema())
  const words = ['connections', 'request', 'rules', 'partial', 'hold', 'statements', 'predicates']
  for (const word of words) {
    assert.ok(schema.includes(`"${word}"`), word)
  }
})
