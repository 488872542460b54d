import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filterQuery } from '../../../cli/record/filters.ts'

const now = Date.UTC(2026, 10, 22, 6, 0, 0)

describe('filters', () => {
  it('take times as people write them', () => {
    const since = (text: string) => filterQuery({ limit: 1, since: text }, now).since
    assert.equal(since('2h'), '2026-11-22T04:00:00.000Z')
    assert.equal(since('1h30m'), '2026-11-22T04:30:00.000Z')
    assert.equal(since('2026-11-01'), '2026-11-01T00:00:00.000Z')
    assert.equal(since('2026-11-01T10:00:00+02:00'), '2026-11-01T08:00:00.000Z')
    for (const text of ['yesterday', '', '5', '2026-13-01']) {
      assert.throws(() => since(text), { code: 'usage', exit: 2 }, text)
    }
  })

  it('take verdicts in the words that people use', () => {
    const verdict = (text: string) => filterQuery({ limit: 1, verdict: text }, now).verdict
    assert.equal(verdict('held'), 'hold')
    assert.equal(verdict('denied'), 'deny')
    assert.equal(verdict('approved'), 'approved')
    assert.throws(() => verdict('maybe'), { code: 'usage', exit: 2 })
  })
})
