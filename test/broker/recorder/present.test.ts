import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EntryPresenter } from '../../../broker/recorder/present.ts'
import { valueText } from '../../../broker/recorder/values.ts'
import { SessionEntry } from '../../../protocol/api/sessions.ts'
import type { NewEntry } from '../../../protocol/log/entries.ts'
import { MAX_PART } from '../../../protocol/log/format.ts'
import { LogReader } from '../../../protocol/log/reader.ts'
import { CONVERSATION, writeLog } from '../../protocol/log/sample.ts'
import { bindTail, copyData, dataRow, errorResponse, rowDescription } from './rows.ts'

function presented(entries: readonly NewEntry[]): SessionEntry[] {
  const reader = new LogReader()
  const presenter = new EntryPresenter(1_700_000_000_123)
  const list: SessionEntry[] = []
  reader.push(writeLog(entries).bytes)
  for (let item = reader.next(); item !== null; item = reader.next()) {
    if (item.type === 'entry') list.push(...presenter.present(item.frame))
  }
  return list
}

function only<K extends SessionEntry['kind']>(list: readonly SessionEntry[], kind: K) {
  return list.filter((entry) => entry.kind === kind) as Extract<SessionEntry, { kind: K }>[]
}

const columns = [
  { name: 'id', type: 23 },
  { name: 'ssn', type: 25 },
]

function query(parameters: Buffer | null, ...slices: Buffer[]): NewEntry[] {
  const decision = { decision: 'allow', rule: 'r', request: null, reason: null } as const
  return [
    { kind: 'execute', ref: 1, parameters, ...decision },
    { kind: 'shape', ref: 1, bytes: rowDescription(columns), masked: [false, true] },
    ...slices.map((bytes): NewEntry => ({ kind: 'rows', ref: 1, bytes, count: 1 })),
    { kind: 'complete', ref: 1, tag: 'SELECT 2', rows: 2, ms: 1.5 },
  ]
}

const one = Buffer.from([0, 0, 0, 1])

describe('entries for people', () => {
  it('have the shape that the API says, each of them', () => {
    const list = presented(CONVERSATION)
    // One of them is shown as two.
    assert.equal(list.length, CONVERSATION.length + 1)
    for (const entry of list) assert.deepEqual(SessionEntry.parse(entry), entry)
    assert.deepEqual(list[1], {
      entry: 2,
      at: '2023-11-14T22:13:20.124Z',
      ms: 1,
      kind: 'parameter',
      name: 'TimeZone',
      value: 'Europe/Zürich',
    })
  })

  it('show rows as they were, wherever their slices were cut', () => {
    const bytes = Buffer.concat([dataRow(['1', '***']), dataRow(['2', null])])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const list = presented(query(null, bytes.subarray(0, cut), bytes.subarray(cut)))
      const rows = only(list, 'rows').flatMap((entry) => entry.rows)
      assert.deepEqual(rows, [
        ['1', '***'],
        ['2', null],
      ])
    }
  })

  it('show rows and outcome that stand in one entry as two', () => {
    const bytes = Buffer.concat([dataRow(['1', 'a']), dataRow(['2', null])])
    const apart = presented(query(null, bytes))
    const result = {
      kind: 'result',
      ref: 1,
      bytes,
      count: 1,
      tag: 'SELECT 2',
      rows: 2,
      ms: 1.5,
    } as const
    const one = presented([...query(null).slice(0, -1), result])
    const shown = (list: SessionEntry[]) =>
      list.map(({ entry: _, at: _at, ms: _ms, ...rest }) => rest)
    assert.deepEqual(shown(one), shown(apart))
    assert.deepEqual(
      one.slice(-2).map(({ entry }) => entry),
      [one.at(-1)?.entry, one.at(-1)?.entry],
    )
  })

  it('show all rows of a result, however large it is', () => {
    const row = dataRow(['1', 'x'.repeat(1000)])
    const bytes = Buffer.concat(Array.from({ length: 2000 }, () => row))
    const result = {
      kind: 'result',
      ref: 1,
      bytes,
      count: 2000,
      tag: 'SELECT',
      rows: 2000,
      ms: 1,
    } as const
    const [rows] = only(presented([...query(null).slice(0, -1), result]), 'rows')
    assert.equal(rows?.rows.length, 2000)
  })

  it('say which columns are masked', () => {
    const [shape] = only(presented(query(null)), 'shape')
    assert.deepEqual(shape?.fields, [
      { name: 'id', type: 'int4', masked: false },
      { name: 'ssn', type: 'text', masked: true },
    ])
  })

  it('take the formats that Bind asked for', () => {
    const list = presented(query(bindTail(['x', null], [1]), dataRow([one, 'a'])))
    assert.deepEqual(only(list, 'execute')[0]?.parameters, ['x', null])
    assert.deepEqual(only(list, 'rows')[0]?.rows, [['1', 'a']])
    const mixed = presented(query(bindTail([], [1, 0]), dataRow([one, 'a'])))
    assert.deepEqual(only(mixed, 'rows')[0]?.rows, [['1', 'a']])
  })

  it('show COPY as text and count rows that are too large', () => {
    const list = presented(query(null, Buffer.concat([copyData('1\ta\n'), copyData('2\tb\n')])))
    assert.equal(only(list, 'rows')[0]?.copy, '1\ta\n2\tb\n')
    const large = dataRow(['7', 'x'.repeat(2 * MAX_PART * 4)])
    const half = large.length >> 1
    const small = dataRow(['8', 'y'])
    const slices = [large.subarray(0, half), Buffer.concat([large.subarray(half), small])]
    const rows = only(presented(query(null, ...slices)), 'rows')
    assert.deepEqual(
      rows.map((entry) => entry.large),
      [1, 0],
    )
    assert.deepEqual(rows[1]?.rows, [['8', 'y']])
  })

  it('show a text in parts as one', () => {
    const text = Buffer.alloc(MAX_PART * 2 + 5, 'x')
    const statement = CONVERSATION[2] as Extract<NewEntry, { kind: 'statement' }>
    const [shown] = only(presented([{ ...statement, text }]), 'statement')
    assert.equal(shown?.text.length, text.length)
    assert.equal(shown?.size, text.length)
  })

  it('show errors by their fields', () => {
    const [error] = only(
      presented([{ kind: 'error', bytes: errorResponse('42501', 'no'), sqlstate: '42501' }]),
      'error',
    )
    assert.deepEqual([error?.severity, error?.sqlstate, error?.message], ['ERROR', '42501', 'no'])
  })
})

describe('values in binary', () => {
  const cases: [string, number, string, string][] = [
    ['bool', 16, '01', 't'],
    ['int2', 21, 'fffe', '-2'],
    ['int8', 20, '7fffffffffffffff', '9223372036854775807'],
    ['float8', 701, '3ff8000000000000', '1.5'],
    ['uuid', 2950, '00112233445566778899aabbccddeeff', '00112233-4455-6677-8899-aabbccddeeff'],
    ['date', 1082, '0000265e', '2026-11-22'],
    ['timestamp', 1114, '00000000000f4241', '2000-01-01 00:00:01.000001'],
    ['timestamptz before 2000', 1184, 'ffffffffffffffff', '1999-12-31 23:59:59.999999+00'],
    ['time', 1083, '0000000000000001', '00:00:00.000001'],
    ['jsonb', 3802, '017b7d', '{}'],
    ['numeric', 1700, '0003000100000002000109290d80', '12345.34'],
    ['negative numeric', 1700, '0001ffff40000004000c', '-0.0012'],
    ['numeric NaN', 1700, '00000000c0000000', 'NaN'],
    ['bytea', 17, 'dead', '\\xdead'],
    ['an unknown type', 99999, 'dead', '\\xdead'],
    ['a wrong length', 23, '01', '\\x01'],
  ]
  for (const [name, type, bytes, text] of cases) {
    it(name, () => assert.equal(valueText(Buffer.from(bytes, 'hex'), type, 1), text))
  }
})
