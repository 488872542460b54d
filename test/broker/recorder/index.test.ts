import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import {
  openSessionIndex,
  type SessionIndex,
  type Wanted,
} from '../../../broker/recorder/index/index.ts'
import { openRecorder, type Recorder } from '../../../broker/recorder/recorder.ts'
import { systemRuntime } from '../../../broker/runtime.ts'
import type { NewEntry } from '../../../protocol/log/entries.ts'
import { STARTED, sessionStart, temporaryFolder } from './support.ts'

const A = 's-aaaaaaaaaa'
const B = 's-bbbbbbbbbb'

const ALL: Wanted = {
  only: null,
  user: null,
  connection: null,
  since: null,
  until: null,
  verdict: null,
  table: null,
  limit: 50,
}

interface Setting {
  readonly folder: string
  readonly recorder: Recorder
  readonly index: SessionIndex
}

function setting(t: TestContext, folder: string = temporaryFolder(t)): Setting {
  const recorder = openRecorder({ dataDir: folder, runtime: systemRuntime })
  const index = openSessionIndex({ dataDir: folder, recorder, runtime: systemRuntime })
  t.after(async () => {
    await index.close()
    recorder.close('stopped')
  })
  return { folder, recorder, index }
}

function statement(ref: number, text: string, over: Partial<NewEntry> = {}): NewEntry[] {
  const facts = { class: 'read', reads: ['public.people'], writes: [] }
  const decision = { decision: 'allow', rule: 'r', request: null, reason: null } as const
  return [
    { kind: 'statement', ref, text: Buffer.from(text), ...facts },
    { kind: 'execute', ref, parameters: null, ...decision, ...over } as NewEntry,
  ]
}

const bob = {
  principal: { issuer: 'https://id.example', subject: 'bob', email: null, groups: ['dba'] },
  connection: 'pg-test',
}

async function names(
  found: Promise<{ sessions: readonly { session: string }[] }>,
): Promise<string[]> {
  return (await found).sessions.map(({ session }) => session)
}

describe('the index of the record', () => {
  it('finds at once what was recorded a moment ago, in live sessions too', async (t) => {
    const { recorder, index } = setting(t)
    const log = recorder.open(sessionStart(A))
    log.append(statement(1, 'select ssn\n  from people\n where name = $1'))
    const { sessions, behind } = await index.search('NAME', ALL)
    assert.equal(behind, 0)
    assert.deepEqual(sessions, [
      {
        session: A,
        path: `2026-11-22/${A}.hoop`,
        issuer: 'https://id.example',
        subject: 'alice',
        user: 'alice@example.com',
        connection: 'pg-prod',
        database: 'app',
        started: STARTED,
        ended: null,
        verdicts: ['allow'],
        lines: [{ ...sessions[0]?.lines[0], entry: 3, kind: 'execute', line: 'where name = $1' }],
      },
    ])
    log.append(statement(2, 'select zebra from people'))
    assert.deepEqual(await names(index.search('zebra', ALL)), [A])
  })

  it('finds parameters, tables, persons, reasons and errors', async (t) => {
    const { recorder, index } = setting(t)
    const log = recorder.open(sessionStart(A))
    const parameters = Buffer.from('00000001000000056b6f616c610000', 'hex')
    log.append(statement(1, 'select $1', { parameters, reason: 'quarterly audit' }))
    log.append([
      {
        kind: 'request',
        request: 'r-0123456789',
        state: 'approved',
        by: 'bob',
        comment: 'looks fine',
      },
      { kind: 'error', bytes: errorOf('division by zero'), sqlstate: '22012' },
    ])
    const words = [
      'koala',
      'people',
      'public.people',
      'alice@example.com',
      'quarterly',
      'fine',
      'divis*',
    ]
    for (const word of [...words, '22012', 'r-0123456789', '"division by"', 'alice koala']) {
      assert.deepEqual(await names(index.search(word, ALL)), [A], word)
    }
    for (const word of ['zebra', '"by division"', 'koala zebra']) {
      assert.deepEqual(await names(index.search(word, ALL)), [], word)
    }
  })

  it('takes whatever is typed as words', async (t) => {
    const { recorder, index } = setting(t)
    recorder.open(sessionStart(A)).append(statement(1, "select 'a-b', near(1), x.y from t"))
    const hostile = ['"', "'", '*', '""', 'a AND', 'NEAR(', 'text:x', '^select', 'OR', '{text}: a']
    for (const query of [
      ...hostile,
      '-select',
      '(((',
      '\0',
      'a" OR "b',
      "'; DROP TABLE line; --",
    ]) {
      await index.search(query, ALL)
    }
    assert.deepEqual(await names(index.search('a-b', ALL)), [A])
    assert.deepEqual(await names(index.search('x.y near(', ALL)), [A])
  })

  it('filters', async (t) => {
    const { recorder, index } = setting(t)
    recorder.open(sessionStart(A)).append(statement(1, 'select 1 from people'))
    const later = { startedAt: STARTED + 60_000 }
    const log = recorder.open(sessionStart(B, { ...bob, ...later }))
    log.append(statement(1, 'select 1', { decision: 'deny' } as Partial<NewEntry>))
    for (const state of ['pending', 'rejected']) {
      log.append([{ kind: 'request', request: 'r-1', state, by: 'x', comment: null }])
    }
    const cases: [Partial<Wanted>, string[]][] = [
      [{}, [B, A]],
      [{ limit: 1 }, [B]],
      [{ user: 'bob' }, [B]],
      [{ user: 'ALICE@example.com' }, [A]],
      [{ connection: 'pg-prod' }, [A]],
      [{ verdict: 'deny' }, [B]],
      [{ verdict: 'rejected' }, [B]],
      [{ verdict: 'hold' }, [B]],
      [{ verdict: 'allow' }, [A]],
      [{ table: 'people' }, [B, A]],
      [{ table: 'public.people' }, [B, A]],
      [{ table: 'other.people' }, []],
      [{ table: '%' }, []],
      [{ until: STARTED }, [A]],
      [{ only: { issuer: 'https://id.example', subject: 'bob' } }, [B]],
      [{ only: { issuer: 'https://other.example', subject: 'bob' } }, []],
    ]
    for (const [over, expected] of cases) {
      assert.deepEqual(await names(index.list({ ...ALL, ...over })), expected, JSON.stringify(over))
    }
    for (const [over, expected] of cases) {
      if (over.until !== undefined) continue
      const found = await names(index.search('select', { ...ALL, ...over }))
      assert.deepEqual(found, expected, JSON.stringify(over))
    }
  })

  it('says when a session ended', async (t) => {
    const { recorder, index } = setting(t)
    recorder.open(sessionStart(A)).close('the client left')
    const found = await index.get(A)
    assert.ok(found !== null && found.ended !== null && found.ended >= STARTED)
    assert.equal(await index.get(B), null)
  })

  it('is made anew from the logs when it is lost or broken', async (t) => {
    const folder = temporaryFolder(t)
    const first = openRecorder({ dataDir: folder, runtime: systemRuntime })
    first.open(sessionStart(A)).append(statement(1, 'select zebra'))
    first.close('stopped')
    for (const spoil of [rmSync, (path: string) => writeFileSync(path, 'not a database')]) {
      const recorder = openRecorder({ dataDir: folder, runtime: systemRuntime })
      const index = openSessionIndex({ dataDir: folder, recorder, runtime: systemRuntime })
      assert.deepEqual(await names(index.search('zebra', ALL)), [A])
      await index.close()
      recorder.close('stopped')
      spoil(join(folder, 'index.sqlite'))
    }
  })

  it('shows many lines of one session as a few, and still finds the others', async (t) => {
    const { recorder, index } = setting(t)
    recorder.open(sessionStart(A)).append(statement(1, 'select needle'))
    const log = recorder.open(sessionStart(B, { startedAt: STARTED + 1 }))
    for (let ref = 1; ref <= 3000; ref++) log.append(statement(ref, `select needle, ${ref}`))
    const { sessions } = await index.search('needle', ALL)
    assert.deepEqual(
      sessions.map(({ session, lines }) => [session, lines.length]),
      [
        [B, 20],
        [A, 1],
      ],
    )
  })
})

function errorOf(message: string): Buffer {
  const fields = Buffer.from(`SERROR\0C22012\0M${message}\0\0`)
  const header = Buffer.from([0x45, 0, 0, 0, 0])
  header.writeInt32BE(4 + fields.length, 1)
  return Buffer.concat([header, fields])
}
