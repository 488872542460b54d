import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Output } from '../../../cli/output/output.ts'
import { Pace } from '../../../cli/output/pace.ts'
import { ReplayPrinter } from '../../../cli/output/replay.ts'
import { CSV_TITLES, csvLine } from '../../../cli/output/session-csv.ts'
import type { SessionEntry } from '../../../protocol/api/sessions.ts'

process.env['TZ'] = 'UTC'

const at = '2026-11-22T06:00:01.250Z'

/** Entries as the broker gives them: what is left out of `body` is the same in all. */
function entries(...bodies: object[]): SessionEntry[] {
  return bodies.map((body, i) => ({ entry: i + 1, at, ms: i * 1000, ...body }) as SessionEntry)
}

function printed(list: readonly SessionEntry[], results = true): string[] {
  const lines: string[] = []
  const out = {
    data: (text: string) => lines.push(...text.split('\n')),
    say: () => undefined,
    style: (_style: unknown, text: string) => text,
    bold: (text: string) => text,
    faint: (text: string) => text,
  }
  const printer = new ReplayPrinter(out as unknown as Output, { results })
  for (const entry of list) printer.take(entry)
  printer.end()
  return lines
}

const OPEN = {
  kind: 'open',
  session: 's-0123456789',
  user: 'alice@example.com',
  connection: 'pg-prod',
  database: 'app',
  remote: '127.0.0.1',
  client: ['program=psql'],
  reason: null,
}

const statement = (text: string) => ({ kind: 'statement', ref: 1, text, class: 'read', why: null })
const allowed = {
  kind: 'execute',
  ref: 1,
  parameters: [],
  decision: 'allow',
  rule: 'read',
  request: null,
  reason: null,
  policy: null,
}
const shape = {
  kind: 'shape',
  ref: 1,
  fields: [
    { name: 'id', type: 'int4', masked: false },
    { name: 'ssn', type: 'text', masked: true },
  ],
}
const rows = (...list: (string | null)[][]) => {
  return { kind: 'rows', ref: 1, count: list.length, rows: list, copy: null, large: 0 }
}
const complete = { kind: 'complete', ref: 1, command: 'SELECT 2', rows: 2, took_ms: 1.25 }

describe('a replay', () => {
  it('shows what the person saw', () => {
    const select = [OPEN, statement('select id, ssn\nfrom people'), allowed, shape]
    const result = [rows(['1', '***']), rows(['2', null]), complete]
    assert.deepEqual(printed(entries(...select, ...result, { kind: 'close', why: 'left' })), [
      '── s-0123456789 · alice@example.com · pg-prod/app · 2026-11-22 06:00:01 · from 127.0.0.1 · program=psql',
      '06:00:01.250 app=> select id, ssn',
      'from people',
      ' id | ssn',
      '----+------',
      '  1 | ***',
      '  2 | NULL',
      '(2 rows)  1.3 ms',
      '── 06:00:01.250 closed: left',
    ])
  })

  it('leaves the rows out when asked to', () => {
    const lines = printed(
      entries(statement('select'), allowed, shape, rows(['1', '']), complete),
      false,
    )
    assert.deepEqual(lines, ['06:00:01.250 => select', 'SELECT 2  1.3 ms'])
  })

  it('shows what was decided, by whom, and why', () => {
    const held = {
      ...allowed,
      decision: 'hold',
      rule: 'write',
      request: 'r-1',
      parameters: ['7', null],
    }
    const approved = {
      kind: 'request',
      request: 'r-1',
      state: 'approved',
      by: 'bob',
      comment: 'ok',
    }
    const denied = { ...allowed, decision: 'deny', rule: 'admin', reason: 'never' }
    assert.deepEqual(printed(entries(statement('update'), held, approved, denied)), [
      '06:00:01.250 => update',
      '06:00:01.250 · $1 = 7, $2 = NULL',
      '06:00:01.250 · held by write r-1',
      '06:00:01.250 · r-1 approved by bob: ok',
      '06:00:01.250 => update',
      '06:00:01.250 · denied by admin never',
    ])
  })

  it('lets nothing of a recording act on the terminal', () => {
    const evil = '\x1b[2J\u202e\r\x07'
    const error = {
      kind: 'error',
      severity: 'ERROR',
      sqlstate: evil,
      message: evil,
      detail: evil,
      hint: evil,
    }
    const all = [
      { ...OPEN, user: evil, client: [evil], reason: evil },
      statement(`select ${evil}`),
      { ...allowed, parameters: [evil], decision: 'deny', reason: evil },
      { ...shape, fields: [{ name: evil, type: 'text', masked: false }] },
      rows([evil]),
      { ...rows(), copy: evil },
      { ...complete, command: evil, rows: null },
      error,
      { kind: 'request', request: evil, state: evil, by: evil, comment: evil },
      { kind: 'parameter', name: evil, value: evil },
      { kind: 'other', name: evil, detail: evil },
      { kind: 'copy-data', ref: 1, size: 1, copy: evil },
      { kind: 'close', why: evil },
      { kind: 'damage', reason: evil },
    ]
    const text = printed(entries(...all)).join('\n')
    for (const character of ['\x1b', '\u202e', '\r', '\x07']) assert.ok(!text.includes(character))
  })

  it('keeps the time: as it was, faster, and never longer than wanted', async () => {
    const waits: number[] = []
    const pace = new Pace(2, 1500, async (ms) => {
      waits.push(ms)
    })
    for (const ms of [0, 100, 100.5, 2100, 60_000]) await pace.until(ms)
    assert.deepEqual(waits, [50, 999.75, 1500])
  })
})

describe('CSV', () => {
  it('has as many cells in each line as there are titles, whatever they hold', () => {
    const held = { ...allowed, decision: 'hold', request: 'r-1', parameters: ['a,"b"', null] }
    const [first, second] = entries(statement('select "a",\n1'), held).map(csvLine)
    assert.equal(CSV_TITLES.split(',').length, 15)
    assert.equal(first, `1,${at},0,statement,1,"select ""a"",\n1",,read,,,,,,,`)
    assert.equal(second, `2,${at},1000,execute,1,,"[""a,\\""b\\"""",null]",hold,read,r-1,,,,,`)
  })
})
