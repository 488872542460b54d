import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { LogFs } from '../../../broker/recorder/files.ts'
import { openRecorder, type Recorder } from '../../../broker/recorder/recorder.ts'
import { systemRuntime } from '../../../broker/runtime.ts'
import {
  entriesOf,
  failingFs,
  SELECT,
  sessionStart,
  temporaryFolder,
  verifyFile,
} from './support.ts'

const A = 's-aaaaaaaaaa'
const B = 's-bbbbbbbbbb'

function start(dataDir: string, fs?: LogFs): Recorder {
  return openRecorder({ dataDir, runtime: systemRuntime, ...(fs === undefined ? {} : { fs }) })
}

function fileOf(folder: string, session: string): string {
  return join(folder, 'sessions/2026-11-22', `${session}.hoop`)
}

function kinds(path: string): string[] {
  return entriesOf(path).map((entry) => entry.kind)
}

function brokerLog(folder: string) {
  return entriesOf(join(folder, 'sessions/index.log'))
}

/** What a killed process leaves, with one session open: a copy of the folder of a living one. */
function killed(t: TestContext): string {
  const living = temporaryFolder(t)
  const folder = temporaryFolder(t)
  const recorder = start(living)
  recorder.open(sessionStart(A)).append(SELECT)
  cpSync(living, folder, { recursive: true })
  recorder.close('stopped')
  return folder
}

describe('a recorder', () => {
  it('has an entry in the file when append returns', (t) => {
    const folder = temporaryFolder(t)
    const log = start(folder).open(sessionStart(A))
    log.append(SELECT)
    assert.deepEqual(kinds(fileOf(folder, A)), ['open', 'statement', 'execute'])
    log.sync()
    log.close('the client left')
    assert.deepEqual(kinds(fileOf(folder, A)), ['open', 'statement', 'execute', 'close'])
    assert.equal(verifyFile(fileOf(folder, A)).ok, true)
    assert.throws(() => log.append(SELECT), { code: 'record_failed' })
  })

  it('writes once for each append', (t) => {
    const { fs } = failingFs()
    let writes = 0
    const counting: LogFs = {
      ...fs,
      writeSync: ((...args: Parameters<typeof fs.writeSync>) => {
        writes++
        return fs.writeSync(...args)
      }) as typeof fs.writeSync,
    }
    const log = start(temporaryFolder(t), counting).open(sessionStart(A))
    writes = 0
    log.append([...SELECT, { kind: 'rows', ref: 1, bytes: Buffer.alloc(65_536), count: 1 }])
    assert.equal(writes, 1)
  })

  it('keeps its files to itself', (t) => {
    const folder = temporaryFolder(t)
    start(folder).open(sessionStart(A))
    for (const path of ['sessions', 'sessions/2026-11-22']) {
      assert.equal(statSync(join(folder, path)).mode & 0o777, 0o700)
    }
    for (const path of ['index.log', 'lock', `2026-11-22/${A}.hoop`]) {
      assert.equal(statSync(join(folder, 'sessions', path)).mode & 0o777, 0o600)
    }
  })

  it('never writes over a session', (t) => {
    const recorder = start(temporaryFolder(t))
    recorder.open(sessionStart(A))
    assert.throws(() => recorder.open(sessionStart(A)), { code: 'record_failed' })
  })

  it('names each opening and closing in the log above the sessions, with the last hash', (t) => {
    const folder = temporaryFolder(t)
    const recorder = start(folder)
    const a = recorder.open(sessionStart(A))
    const b = recorder.open(sessionStart(B))
    b.append(SELECT)
    b.close('done')
    a.close('done')
    const by = { issuer: 'https://id.example', subject: 'carol', email: null }
    recorder.look({ by, action: 'show', session: B, detail: null })
    recorder.close('stopped')
    const path = join(folder, 'sessions/index.log')
    assert.deepEqual(kinds(path), [
      'session-open',
      'session-open',
      'session-close',
      'session-close',
      'look',
    ])
    assert.equal(verifyFile(path, 'broker').ok, true)
    const [, , closed] = brokerLog(folder)
    const { entries, hash, size } = verifyFile(fileOf(folder, B))
    assert.deepEqual(closed, {
      kind: 'session-close',
      session: B,
      entries,
      size,
      hash,
      why: 'done',
    })
  })

  it('hands out the sessions that grew, once', (t) => {
    const recorder = start(temporaryFolder(t))
    const a = recorder.open(sessionStart(A))
    assert.deepEqual(
      recorder.takeGrown().map((log) => log.session),
      [A],
    )
    assert.deepEqual(recorder.takeGrown(), [])
    a.append(SELECT)
    a.append(SELECT)
    assert.deepEqual(
      recorder.takeGrown().map((log) => log.entries),
      [5],
    )
    a.close('done')
    assert.deepEqual(
      recorder.takeGrown().map((log) => log.entries),
      [6],
    )
    assert.equal(recorder.live(A), null)
  })
})

describe('a disk that fails', () => {
  it('AP-30: ends the session, and leaves a log that holds', (t) => {
    const folder = temporaryFolder(t)
    const disk = failingFs()
    const recorder = start(folder, disk.fs)
    const log = recorder.open(sessionStart(A))
    log.append(SELECT)
    disk.limit(50)
    assert.throws(() => log.append(SELECT), {
      code: 'record_failed',
      message: /no space is left/,
    })
    disk.limit(Number.POSITIVE_INFINITY)
    assert.throws(() => log.append(SELECT), { code: 'record_failed' }, 'it does not come back')
    log.close('the record failed')
    assert.deepEqual(kinds(fileOf(folder, A)), ['open', 'statement', 'execute', 'close'])
    assert.equal(verifyFile(fileOf(folder, A)).ok, true)
    assert.equal(brokerLog(folder).at(-1)?.kind, 'session-close')
  })

  it('AP-30: opens no session, and leaves no file of it', (t) => {
    const folder = temporaryFolder(t)
    const disk = failingFs()
    const recorder = start(folder, disk.fs)
    for (const room of [0, 10, 60, 100, 300]) {
      disk.limit(room)
      assert.throws(() => recorder.open(sessionStart(A)), { code: 'record_failed' })
      assert.deepEqual(readdirSync(join(folder, 'sessions/2026-11-22')), [])
    }
    disk.limit(Number.POSITIVE_INFINITY)
    recorder.open(sessionStart(A)).close('done')
    assert.equal(verifyFile(join(folder, 'sessions/index.log'), 'broker').ok, true)
  })

  it('ends what it could not end as soon as it can', (t) => {
    const folder = temporaryFolder(t)
    const disk = failingFs()
    const recorder = start(folder, disk.fs)
    const log = recorder.open(sessionStart(A))
    disk.refuse('EIO')
    log.close('the client left')
    assert.deepEqual(kinds(fileOf(folder, A)), ['open'])
    disk.refuse(null)
    recorder.open(sessionStart(B)).close('done')
    assert.deepEqual(kinds(fileOf(folder, A)), ['open', 'close'])
    assert.equal(brokerLog(folder).filter((entry) => entry.kind === 'session-close').length, 2)
  })

  it('refuses a look that cannot be recorded', (t) => {
    const disk = failingFs()
    const recorder = start(temporaryFolder(t), disk.fs)
    disk.limit(0)
    const by = { issuer: 'i', subject: 'carol', email: null }
    const look = { by, action: 'list', session: null, detail: null }
    assert.throws(() => recorder.look(look), { code: 'record_failed' })
  })
})

describe('a start after a kill', () => {
  it('closes what was open as interrupted', (t) => {
    const folder = killed(t)
    const recorder = start(folder)
    const { recovered } = recorder
    recorder.close('stopped')
    assert.deepEqual(
      recovered.map(({ session, outcome }) => ({ session, outcome })),
      [{ session: A, outcome: 'interrupted' }],
    )
    assert.deepEqual(kinds(fileOf(folder, A)), ['open', 'statement', 'execute', 'close'])
    assert.equal(verifyFile(fileOf(folder, A)).ok, true)
    assert.deepEqual(start(folder).recovered, [], 'once')
  })

  it('cuts away a torn entry, wherever it was torn, and says so', (t) => {
    const whole = readFileSync(fileOf(killed(t), A))
    const { size } = statSync(fileOf(killed(t), A))
    for (let at = size - 151; at < size; at += 7) {
      const folder = killed(t)
      writeFileSync(fileOf(folder, A), whole.subarray(0, at))
      start(folder)
      const names = kinds(fileOf(folder, A))
      assert.deepEqual(names.slice(-2), ['torn', 'close'], `cut at ${at}`)
      assert.equal(verifyFile(fileOf(folder, A)).ok, true)
    }
  })

  it('takes zeros at the end for a torn entry too: power was lost', (t) => {
    const folder = killed(t)
    appendFileSync(fileOf(folder, A), Buffer.alloc(500))
    start(folder)
    assert.deepEqual(kinds(fileOf(folder, A)).slice(-2), ['torn', 'close'])
  })

  it('does not go on from a session that was changed', (t) => {
    const folder = killed(t)
    const bytes = readFileSync(fileOf(folder, A))
    bytes[200] = (bytes[200] as number) ^ 1
    writeFileSync(fileOf(folder, A), bytes)
    assert.equal(start(folder).recovered[0]?.outcome, 'damaged')
    assert.deepEqual(readFileSync(fileOf(folder, A)), bytes)
  })

  it('mends a torn end of the log above the sessions, and goes on with it', (t) => {
    const folder = killed(t)
    const path = join(folder, 'sessions/index.log')
    truncateSync(path, statSync(path).size - 5)
    const recorder = start(folder)
    recorder.open(sessionStart(B)).close('done')
    assert.equal(verifyFile(path, 'broker').ok, true)
    assert.equal(kinds(path)[0], 'torn')
  })

  it('refuses to go on with a log above the sessions that was changed', (t) => {
    const folder = killed(t)
    start(folder).close('stopped')
    const path = join(folder, 'sessions/index.log')
    const bytes = readFileSync(path)
    bytes[100] = (bytes[100] as number) ^ 1
    writeFileSync(path, bytes)
    assert.throws(() => start(folder), { code: 'record_damaged', exit: 8 })
  })

  it('does not share its folder with another broker', (t) => {
    const folder = temporaryFolder(t)
    start(folder)
    assert.throws(() => start(folder), { code: 'record_in_use' })
  })

  it('notices that another hand wrote to the log above the sessions', (t) => {
    const folder = temporaryFolder(t)
    const recorder = start(folder)
    appendFileSync(join(folder, 'sessions/index.log'), 'x')
    assert.throws(() => recorder.open(sessionStart(B)), { code: 'record_damaged' })
  })
})
