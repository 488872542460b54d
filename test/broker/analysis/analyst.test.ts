/** The analyst over a real server and real workers. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Analyst,
  type AnalystLimits,
  createAnalyst,
} from '../../../broker/analysis/analyst.ts'
import { type Runtime, systemRuntime } from '../../../broker/runtime.ts'
import type { Upstream } from '../../../broker/upstream/postgres.ts'
import type { Analysis, StatementFacts } from '../../../protocol/pg/statement.ts'
import { Target } from '../../protocol/pg/facts/target.ts'

let target: Target
const open: Analyst[] = []
const upstreams: Upstream[] = []

before(async () => {
  target = await Target.start()
})
after(async () => {
  for (const analyst of open) await analyst.close()
  await target?.stop()
})

async function analyst(
  limits: Partial<AnalystLimits> = {},
  runtime: Runtime = systemRuntime,
): Promise<Analyst> {
  const connect = async (): Promise<Upstream> => {
    const upstream = await target.connect('fixture')
    upstreams.push(upstream)
    return upstream
  }
  const made = await createAnalyst({
    connect,
    runtime,
    limits: { refreshMs: 3_600_000, ...limits },
  })
  open.push(made)
  return made
}

async function analysed(one: Analyst, sql: string | Buffer): Promise<Analysis> {
  return one.analyse(Buffer.from(sql), ['public'])
}

async function only(one: Analyst, sql: string): Promise<StatementFacts> {
  const analysis = await analysed(one, sql)
  assert.ok(analysis.ok, JSON.stringify(analysis))
  assert.equal(analysis.statements.length, 1)
  return analysis.statements[0]!
}

function reason(analysis: Analysis): string | null {
  return analysis.ok ? null : analysis.reason
}

test('a text that is known is answered at once', async () => {
  const one = await analyst()
  const text = Buffer.from('SELECT name FROM people')
  const first = one.analyse(text, ['public'])
  assert.ok(first instanceof Promise)
  assert.deepEqual(one.analyse(text, ['public']) instanceof Promise, true)
  const facts = await first
  assert.equal(one.analyse(text, ['public']), one.analyse(text, ['public']))
  assert.deepEqual(await one.analyse(text, ['public']), facts)
  assert.ok(one.analyse(text, ['other']) instanceof Promise)
})

test('many at once are answered each with its own', async () => {
  const one = await analyst()
  const texts = Array.from({ length: 200 }, (_, i) => `SELECT ${i} AS c${i}`)
  const all = await Promise.all(texts.map((sql) => only(one, sql)))
  assert.deepEqual(
    all.map((facts) => facts.output?.[0]?.name),
    texts.map((_, i) => `c${i}`),
  )
})

test('answers larger than a slot keep their place', async () => {
  const one = await analyst()
  const wide = `SELECT ${Array.from({ length: 1500 }, (_, i) => `1 AS c${i}`).join()}`
  const texts = ['SELECT 1 AS a', wide, 'SELECT 1 AS b', `${wide}, 2 AS last`, 'SELECT 1 AS d']
  const all = await Promise.all(texts.map((sql) => only(one, sql)))
  assert.deepEqual(
    all.map((facts) => facts.output?.at(-1)?.name),
    ['a', 'c1499', 'b', 'last', 'd'],
  )
})

test('what is asked after an answer larger than a slot has its own', async () => {
  const one = await analyst()
  for (let round = 0; round < 8; round++) {
    const wide = `SELECT ${Array.from({ length: 1500 }, (_, i) => `${round} AS c${i}`).join()}`
    assert.equal((await only(one, wide)).class, 'read')
    const facts = await only(one, `DELETE FROM audit WHERE id = ${round}`)
    assert.deepEqual([facts.class, facts.writes], ['write', ['public.audit']])
    const other = await only(one, `${wide}, 2 AS last`)
    assert.equal(other.output?.at(-1)?.name, 'last')
  }
})

test('what is too large, too deep or too slow has no verdict, and the next text has one', async () => {
  const one = await analyst({ textBytes: 300_000, timeMs: 400 })
  assert.equal(reason(await analysed(one, `SELECT '${'x'.repeat(300_000)}'`)), 'limit')
  assert.equal(reason(await analysed(one, `SELECT ${'1+'.repeat(40_000)}1`)), 'limit')
  assert.equal(reason(await analysed(one, '/*'.repeat(100_000))), 'limit')
  assert.equal((await only(one, 'SELECT 1')).class, 'read')
  assert.equal((await only(one, `SELECT '${'x'.repeat(20_000)}'`)).class, 'read')
})

test('a text behind one that broke the parser has no more time than any other', async () => {
  const asked: number[] = []
  const setTimer: Runtime['setTimer'] = (ms, act) => {
    asked.push(ms)
    return systemRuntime.setTimer(ms, act)
  }
  const one = await analyst({ timeMs: 300 }, { ...systemRuntime, setTimer })
  await analysed(one, `SELECT ${'1+'.repeat(40_000)}1`)
  assert.equal(reason(await analysed(one, '/*'.repeat(100_000))), 'limit')
  assert.ok((asked.at(-1) ?? 0) <= 300, `${asked}`)
})

/** Of a machine that is busy with something else. */
const STARVED: Runtime = { ...systemRuntime, processorTime: () => 0 }

test('a text has its verdict however busy the machine is', async () => {
  const one = await analyst({ timeMs: 1 }, STARVED)
  const comments = '/*'.repeat(5_000) + '*/'.repeat(5_000)
  assert.equal((await only(one, `SELECT 1 ${comments}`)).class, 'read')
  const union = Array.from({ length: 500 }, (_, n) => `SELECT ${n}`).join(' UNION ALL ')
  assert.equal((await only(one, union)).class, 'read')
})

test('but not for ever', async () => {
  const one = await analyst({ timeMs: 100, patienceMs: 400 }, STARVED)
  assert.equal((await only(one, 'SELECT 1')).class, 'read')
  assert.equal(reason(await analysed(one, '/*'.repeat(100_000))), 'limit')
  assert.equal((await only(one, 'SELECT 2')).class, 'read')
})

test('texts behind one that breaks the parser are judged all the same', async () => {
  const one = await analyst()
  const bad = `SELECT ${'1+'.repeat(7_000)}1`
  const [first, second] = await Promise.all([analysed(one, bad), only(one, 'SELECT 2 AS two')])
  assert.ok(first.ok || first.reason === 'limit')
  assert.equal(second.output?.[0]?.name, 'two')
})

test('zero bytes, bytes that are no UTF-8 and nonsense have no parse', async () => {
  const one = await analyst()
  assert.equal(reason(await analysed(one, 'SELECT 1\0; DELETE FROM audit')), 'syntax')
  assert.equal(reason(await analysed(one, Buffer.from([0x53, 0xff, 0xfe]))), 'syntax')
  assert.equal(reason(await analysed(one, 'SELEC 1')), 'syntax')
  assert.deepEqual(await analysed(one, '-- nothing'), { ok: true, statements: [] })
})

test('DDL is seen after invalidate, and what was known before is forgotten', async () => {
  const one = await analyst()
  assert.equal((await only(one, 'SELECT * FROM fresh')).class, 'unknown')
  await target.run('fixture', ['CREATE TABLE fresh (a int, b text)'])
  one.invalidate()
  const facts = await only(one, 'SELECT * FROM fresh')
  assert.equal(facts.class, 'read')
  assert.deepEqual(
    facts.output?.map((column) => column.name),
    ['a', 'b'],
  )
  await target.run('fixture', [
    'DROP TABLE fresh',
    `CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'`,
    'CREATE VIEW fresh AS SELECT writes() AS a',
  ])
  one.invalidate()
  assert.equal((await only(one, 'SELECT * FROM fresh')).class, 'write')
})

test('DDL of others is seen by age', async () => {
  const one = await analyst({ refreshMs: 50 })
  const { version } = one.catalogue()
  await target.run('fixture', ['CREATE TABLE by_age (a int)'])
  while (one.catalogue().version === version)
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal((await only(one, 'SELECT * FROM by_age')).class, 'read')
})

test('a lost connection is opened again', async () => {
  const one = await analyst()
  for (const upstream of upstreams) upstream.destroy()
  one.invalidate()
  assert.equal((await only(one, 'SELECT 3')).class, 'read')
})

test('after close nothing has a verdict', async () => {
  const one = await analyst()
  await one.close()
  assert.equal(reason(await analysed(one, 'SELECT 4')), 'fault')
})
