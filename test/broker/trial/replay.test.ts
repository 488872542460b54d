/** A candidate over a real record and a real catalogue: what it counts, and what it leaves out. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { parsePolicy } from '../../../broker/policy/parse.ts'
import { openRecorder } from '../../../broker/recorder/recorder.ts'
import { systemRuntime } from '../../../broker/runtime.ts'
import { type ReplayDeps, replayPolicy } from '../../../broker/trial/replay.ts'
import type { ReplayEvent, Replayed } from '../../../protocol/api/trial.ts'
import type { NewEntry } from '../../../protocol/log/entries.ts'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { judge, loadParser, Target } from '../../protocol/pg/facts/target.ts'
import { STARTED, sessionStart, temporaryFolder } from '../recorder/support.ts'

const RULES = `
    rules: { read: allow, write: { hold: dba }, ddl: deny }
    predicates: { equality: { allow: 3 per session } }
    mask: { people.ssn: redact }
`
const policyText = (rules = RULES, request = '[engineers]') =>
  `connections:\n  pg-prod:\n    request: ${request}${rules}`

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

const AUDITOR = {
  ...{ issuer: 'idp', subject: 'carol', email: 'carol@x.test', groups: ['security'] },
  ...{ roles: ['auditor'] as const, jkt: 'k', issuedAt: 0, expiresAt: 0 },
  ...{ keys: [], machine: false },
}

interface Ran {
  readonly sql: string
  readonly why?: string
  readonly decision?: 'allow' | 'hold' | 'deny'
  readonly request?: string
  readonly together?: boolean
}

/** A session's entries, as the pump writes them. */
function entries(all: readonly Ran[]): NewEntry[] {
  return all.flatMap(({ sql, why, decision = 'allow', request, together }, index): NewEntry[] => [
    {
      ...{ kind: 'statement', ref: index + 1, text: Buffer.from(sql), class: 'read' },
      ...{ reads: [], writes: [], verbs: [], why: why ?? null },
    },
    {
      ...{
        kind: 'execute',
        ref: index + 1,
        parameters: null,
        decision,
        rule: 'pg-prod.rules.read',
      },
      ...{ request: request ?? null, reason: null },
    },
    ...(together ? [] : [{ kind: 'complete', ref: index + 1, tag: 'OK', rows: 0, ms: 1 } as const]),
  ])
}

class Archive {
  readonly deps: ReplayDeps
  analysed = 0
  readonly #recorder

  constructor(t: TestContext) {
    this.#recorder = openRecorder({ dataDir: temporaryFolder(t), runtime: systemRuntime })
    t.after(() => this.#recorder.close('done'))
    const policy = parsePolicy(policyText(), 'policy.yaml')
    const connection = { name: 'pg-prod', databases: ['app'] }
    const analyst = {
      catalogue: () => catalogue,
      analyse: (text: Buffer) => {
        this.analysed++
        return judge(text, catalogue)
      },
    }
    const found = { analyst, searchPath: ['public'] }
    this.deps = {
      inForce: {
        rules: () => ({ version: 3, digest: '', policy }),
        connections: () => [connection],
      },
      targets: { get: () => Promise.resolve(found) },
      recorder: this.#recorder,
      runtime: systemRuntime,
    } as unknown as ReplayDeps
  }

  get folder(): string {
    return this.#recorder.folder
  }

  session(name: string, all: readonly Ran[]): void {
    const log = this.#recorder.open(sessionStart(`s-000000000${name}`))
    log.append(entries(all))
    log.close('done')
  }

  async replay(policy: string, since = STARTED): Promise<Replayed> {
    const events = await this.events(policy, since)
    const last = events.at(-1)
    assert.ok(last?.event === 'replayed')
    return last
  }

  async events(
    policy: string,
    since = STARTED,
    gone = new AbortController().signal,
  ): Promise<ReplayEvent[]> {
    const order = {
      ...{ policy, file: 'new.yaml', since: new Date(since).toISOString(), connection: null },
    }
    const events: ReplayEvent[] = []
    for await (const event of replayPolicy(this.deps, AUDITOR, order, gone)) events.push(event)
    return events
  }
}

const open = RULES.replace('write: { hold: dba }', 'write: allow')

test('the same policy flips nothing, whatever ran', async (t) => {
  const archive = new Archive(t)
  archive.session(
    '1',
    [
      ...["SELECT * FROM people WHERE ssn = '1'", 'nonsense', '', 'DROP TABLE people', 'DO $$ $$'],
      ...['BEGIN', 'UPDATE orders SET item = $1', 'COPY people TO STDOUT', 'SET search_path TO hr'],
    ].map((sql) => ({ sql })),
  )
  const answer = await archive.replay(policyText())
  assert.deepEqual([answer.flips, answer.shown, answer.requesters], [[], [], []])
  assert.deepEqual([answer.looser, answer.sessions, answer.statements], [false, 1, 9])
})

test('units that were judged together are judged together', async (t) => {
  const archive = new Archive(t)
  const held = { decision: 'hold', request: 'r-0000000001' } as const
  archive.session('1', [
    { sql: 'UPDATE orders SET item = $1', ...held, together: true },
    { sql: 'DELETE FROM audit', ...held },
    { sql: 'DELETE FROM audit', decision: 'hold', request: 'r-0000000002' },
  ])
  const { flips, approvals_per_week: weekly } = await archive.replay(policyText(open))
  assert.deepEqual(
    flips.map(({ count, looser }) => [count, looser]),
    [[2, true]],
  )
  const week = (systemRuntime.now() - STARTED) / (7 * 86_400_000)
  assert.deepEqual(weekly, [{ group: 'dba', before: Math.round((2 / week) * 10) / 10, after: 0 }])
})

test('what ran in one window, or by one approval, was asked for once', async (t) => {
  const archive = new Archive(t)
  const held = { sql: 'DELETE FROM audit', decision: 'hold', request: 'r-0000000007' } as const
  archive.session('1', [held, held, held])
  archive.session('2', [held])
  const { flips, approvals_per_week: weekly } = await archive.replay(policyText(open))
  assert.equal(flips[0]?.count, 4)
  const week = (systemRuntime.now() - STARTED) / (7 * 86_400_000)
  assert.equal(weekly[0]?.before, Math.round(10 / week) / 10)
})

test('a prepared statement and a cursor are judged by what they run', async (t) => {
  const archive = new Archive(t)
  archive.session('1', [
    { sql: 'EXECUTE p(1)', why: 'runs: PREPARE p AS DELETE FROM audit WHERE id = $1' },
    { sql: 'FETCH c', why: 'runs: DECLARE c CURSOR FOR SELECT ssn FROM people' },
  ])
  const clear = open.replace('people.ssn: redact', '')
  const { flips, shown } = await archive.replay(policyText(clear))
  assert.deepEqual(
    flips.map(({ from, to }) => `${from.decision} ${to.decision}`),
    ['hold allow'],
  )
  assert.deepEqual(
    shown.map(({ column, to, count }) => [column, to, count]),
    [['public.people.ssn', 'clear', 1]],
  )
})

test('limits of a session are counted in each session, by each policy', async (t) => {
  const archive = new Archive(t)
  const guess = { sql: "SELECT name FROM people WHERE ssn = '078-05-1120'" }
  archive.session('1', [guess, guess, guess, guess])
  archive.session('2', [guess, guess])
  const two = RULES.replace('3 per session', '2 per session')
  const { flips } = await archive.replay(policyText(two))
  assert.deepEqual(
    flips.map(({ from, to, count }) => [from.decision, to.decision, count]),
    [['allow', 'deny', 1]],
  )
})

test('who may use a connection is compared, though nobody new is in the record', async (t) => {
  const { requesters, looser } = await new Archive(t).replay(
    policyText(RULES, '[engineers, interns]'),
  )
  assert.deepEqual(requesters, [{ connection: 'pg-prod', group: 'interns', looser: true }])
  assert.equal(looser, true)
})

test('a connection that is not named any more is closed, and shows nothing more', async (t) => {
  const archive = new Archive(t)
  archive.session('1', [{ sql: 'SELECT name FROM people' }])
  const other = 'connections: { other: { request: [engineers], rules: { read: allow } } }'
  const { flips, shown, looser } = await archive.replay(other)
  assert.deepEqual([flips[0]?.to.decision, shown, looser], ['deny', [], false])
})

test('a detector that finds less is looser', async (t) => {
  const { shown } = await new Archive(t).replay(
    policyText(`${RULES}    detect: { card: show, email: hash }\n`),
  )
  assert.deepEqual(
    shown.map(({ column, from, to, looser }) => [column, from, to, looser]),
    [
      ['what looks like card', 'redact', 'clear', true],
      ['what looks like email', 'clear', 'hash', false],
    ],
  )
})

test('what no statement shows is compared, too', async (t) => {
  const settings = async (more: string) =>
    (await new Archive(t).replay(policyText(RULES + more))).settings.map(
      ({ setting, looser }) => `${setting} ${looser}`,
    )
  assert.deepEqual(await settings('    windows: { at_most: 12h }\n'), ['windows true'])
  assert.deepEqual(await settings('    escalate: [{ after: 10m, to: oncall }]\n'), [
    'escalate true',
  ])
  assert.deepEqual(
    await settings('    separate: [{ groups: [engineers, dba], may_not: approve }]\n'),
    ['separate false'],
  )
  const glass = 'groups: [oncall], lasts: 1h, classes: [write], review: [security]'
  assert.deepEqual(await settings(`    break_glass: { ${glass} }\n`), ['break_glass true'])
})

test('one more way to approve is looser', async (t) => {
  const archive = new Archive(t)
  archive.session('1', [{ sql: 'DELETE FROM audit', decision: 'hold', request: 'r-0000000001' }])
  const any = RULES.replace('{ hold: dba }', '{ hold: { any: [[dba], [security]] } }')
  const { flips, looser } = await archive.replay(policyText(any))
  assert.equal(looser, true)
  assert.deepEqual(
    flips[0]?.to.alternatives.flat().map(({ group }) => group),
    ['dba', 'security'],
  )
})

test('a log that does not hold is read up to there, and said', async (t) => {
  const archive = new Archive(t)
  archive.session('1', [{ sql: 'SELECT 1' }])
  const path = join(
    archive.folder,
    new Date(STARTED).toISOString().slice(0, 10),
    's-0000000001.hoop',
  )
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xff, bytes.length - 300))
  const { notes } = await archive.replay(policyText())
  assert.ok(notes.some((note) => /s-0000000001 does not hold/.test(note)))
})

test('what came before is left out, and who goes away ends it', async (t) => {
  const archive = new Archive(t)
  archive.session('1', [{ sql: 'DELETE FROM audit' }])
  const { statements } = await archive.replay(policyText(open), systemRuntime.now() + 60_000)
  assert.equal(statements, 0)
  const events = await archive.events(policyText(open), STARTED, AbortSignal.abort())
  assert.deepEqual(events.filter(({ event }) => event === 'replayed').length <= 1, true)
})

test('what came often is judged once, and others are let on in between', async (t) => {
  const archive = new Archive(t)
  const often = Array.from({ length: 3_000 }, (_, index) => ({ sql: `SELECT ${index % 5}` }))
  archive.session('1', often)
  archive.session('2', often)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const { statements } = await archive.replay(policyText())
  clearInterval(timer)
  assert.equal(statements, 6_000)
  assert.equal(archive.analysed, 5)
  assert.ok(turns > 0)
})
