import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  connectPostgres,
  type PostgresTarget,
  type Upstream,
} from '../../../broker/upstream/postgres.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { type RunningPostgres, startPostgres } from '../../support/postgres.ts'
import { authentication, fakeServer, message, targetAt } from './fake-server.ts'

const STARTUP = { applicationName: 'hoop test', params: {} }
const PASSWORD = 'right and long — ünïcode'
const tlsFile = (name: string) =>
  readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8')

function query(text: string): Buffer {
  return message('Q', `${text}\0`)
}

/** DataRow with one short column, as {@link answerTo} gives it. */
function rowOf(value: string): string {
  const body = Buffer.from([0, 1, 0, 0, 0, value.length, ...Buffer.from(value)])
  return message('D', body).toString('latin1')
}

/** Everything up to the next ReadyForQuery, as text. */
function answerTo(upstream: Upstream, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = Buffer.alloc(0)
    upstream.onClose((why) => reject(new Error(why)))
    upstream.onData((chunk) => {
      all = Buffer.concat([all, chunk])
      if (all.subarray(-6, -1).equals(Buffer.from([0x5a, 0, 0, 0, 5])))
        resolve(all.toString('latin1'))
    })
    upstream.write(bytes)
  })
}

async function refusal(target: PostgresTarget, startup = STARTUP): Promise<HoopError> {
  const error = await connectPostgres(target, startup).then(
    (upstream) => upstream.destroy(),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof HoopError, `expected a HoopError, got ${error}`)
  assert.equal(error.exit, EXIT.unreachable)
  assert.equal(error.fault, 'upstream')
  return error
}

function server(options: Parameters<typeof startPostgres>[0]) {
  const running: { pg: RunningPostgres | null } = { pg: null }
  before(async () => {
    running.pg = await startPostgres({ password: PASSWORD, ...options })
  })
  after(async () => {
    await running.pg?.stop()
  })
  const target = (more: Partial<PostgresTarget> = {}): PostgresTarget =>
    targetAt(running.pg?.port ?? 0, { password: () => PASSWORD, ...more })
  return { target }
}

describe('a target with SCRAM and TLS', () => {
  const { target } = server({
    tls: { cert: tlsFile('server.pem'), key: tlsFile('server.key') },
    settings: { log_connections: 'on' },
  })
  const verifyFull = { mode: 'verify-full', ca: tlsFile('ca.pem') } as const

  test('logs in and tells what the server is', async () => {
    const upstream = await connectPostgres(target(), STARTUP)
    assert.match(upstream.serverVersion, /^\d+/)
    assert.equal(upstream.parameters.get('application_name'), 'hoop test')
    // Servers before 14 do not report it.
    const reports = Number.parseInt(upstream.serverVersion, 10) >= 14
    const guard = upstream.parameters.get('default_transaction_read_only')
    assert.equal(guard, reports ? 'on' : undefined)
    assert.equal(upstream.parameters.get('client_encoding'), 'UTF8')
    assert.ok(upstream.backendKey !== null && upstream.backendKey.key.length === 4)
    upstream.end()
  })

  test('allowed settings reach the server, others are a bug of ours', async () => {
    const params = { TimeZone: 'Asia/Tokyo', DateStyle: 'SQL, DMY' }
    const upstream = await connectPostgres(target(), { applicationName: 'x', params })
    assert.equal(upstream.parameters.get('TimeZone'), 'Asia/Tokyo')
    assert.equal(upstream.parameters.get('DateStyle'), 'SQL, DMY')
    upstream.end()
    for (const name of ['default_transaction_read_only', 'options', 'user', 'Client_Encoding']) {
      await assert.rejects(
        connectPostgres(target(), { applicationName: 'x', params: { [name]: 'off' } }),
        TypeError,
      )
    }
  })

  test('reset of all settings returns to read only', async () => {
    const upstream = await connectPostgres(target(), STARTUP)
    const answer = await answerTo(
      upstream,
      query('SET default_transaction_read_only=off; RESET ALL; SHOW default_transaction_read_only'),
    )
    assert.ok(answer.includes(rowOf('on')))
    upstream.end()
  })

  test('a wrong password says so and is not in the message', async () => {
    const error = await refusal(target({ password: () => 'wrong-secret-99' }))
    assert.equal(error.code, 'target_login_failed')
    assert.match(error.message, /28P01/)
    assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack}`, /wrong-secret-99/)
  })

  test('a database that is not there is told', async () => {
    const error = await refusal(target({ database: 'nope' }))
    assert.equal(error.code, 'target_refused')
    assert.match(error.message, /3D000/)
  })

  test('verify-full takes the right certificate, by name and by address', async () => {
    for (const host of ['localhost', '127.0.0.1']) {
      const upstream = await connectPostgres(target({ host, tls: verifyFull }), STARTUP)
      const answer = await answerTo(
        upstream,
        query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'),
      )
      assert.ok(answer.includes(rowOf('t')))
      upstream.end()
    }
  })

  test('verify-full refuses another name and another authority', async () => {
    const name = { ...verifyFull, serverName: 'db.example.com' }
    assert.equal((await refusal(target({ tls: name }))).code, 'target_tls_failed')
    const ca = { ...verifyFull, ca: tlsFile('other-ca.pem') }
    assert.equal((await refusal(target({ tls: ca }))).code, 'target_tls_failed')
    const trustedByNode = { mode: 'verify-full' } as const
    assert.equal((await refusal(target({ tls: trustedByNode }))).code, 'target_tls_failed')
  })

  test('verify-ca takes another name, not another authority', async () => {
    const ca = { mode: 'verify-ca', ca: tlsFile('ca.pem'), serverName: 'db.example.com' } as const
    const upstream = await connectPostgres(target({ tls: ca }), STARTUP)
    upstream.end()
    const other = { ...ca, ca: tlsFile('other-ca.pem') }
    assert.equal((await refusal(target({ tls: other }))).code, 'target_tls_failed')
  })

  test('require encrypts and asks for no authority', async () => {
    const upstream = await connectPostgres(target({ tls: { mode: 'require' } }), STARTUP)
    upstream.end()
  })

  test('cancel stops a running statement, over TLS as well', async () => {
    for (const tls of [verifyFull, { mode: 'disable' } as const]) {
      const upstream = await connectPostgres(target({ tls }), STARTUP)
      const answer = answerTo(upstream, query('SELECT 1; SELECT pg_sleep(60)'))
      await sleep(100)
      await upstream.cancel()
      assert.match(await answer, /57014/)
      upstream.end()
    }
  })

  test('a reader that stops is not sent more than the buffers hold', async () => {
    const upstream = await connectPostgres(target(), STARTUP)
    let received = 0
    let done: () => void = () => undefined
    const finished = new Promise<void>((resolve) => {
      done = resolve
    })
    upstream.onData((bytes) => {
      const paused = received === 0
      received += bytes.length
      if (paused) upstream.pause()
      if (bytes.subarray(-6, -1).equals(Buffer.from([0x5a, 0, 0, 0, 5]))) done()
    })
    upstream.write(query("SELECT repeat('x', 1000) FROM generate_series(1, 100000)"))
    await sleep(300)
    assert.ok(received < 1 << 20, `${received} bytes came through a pause`)
    upstream.resume()
    await finished
    assert.ok(received > 100_000_000)
    upstream.end()
  })

  test('the end of the session at the server is told once', async () => {
    const upstream = await connectPostgres(target(), STARTUP)
    const reasons: string[] = []
    const closed = new Promise<void>((resolve) => {
      upstream.onClose((why) => {
        reasons.push(why)
        resolve()
      })
    })
    upstream.onData(() => undefined)
    upstream.write(query('SELECT pg_terminate_backend(pg_backend_pid())'))
    await closed
    upstream.destroy()
    assert.deepEqual(reasons, ['the target closed the connection'])
    upstream.onClose((why) => reasons.push(why))
    await sleep(0)
    assert.equal(reasons.length, 2)
  })

  test('end says goodbye and closes', async () => {
    const upstream = await connectPostgres(target(), STARTUP)
    const why = new Promise<string>((resolve) => upstream.onClose(resolve))
    upstream.end()
    assert.equal(await why, 'the session ended')
  })
})

describe('a target with md5', () => {
  const { target } = server({ auth: 'md5', settings: { password_encryption: 'md5' } })

  test('logs in with the right password alone', async () => {
    const upstream = await connectPostgres(target(), STARTUP)
    upstream.end()
    assert.equal((await refusal(target({ password: () => 'no' }))).code, 'target_login_failed')
  })
})

describe('a target that wants the password in the clear', () => {
  const { target } = server({
    auth: 'password',
    tls: { cert: tlsFile('server.pem'), key: tlsFile('server.key') },
  })

  test('gets it over a proved connection, or where the configuration says so', async () => {
    const tls = { mode: 'verify-full', ca: tlsFile('ca.pem') } as const
    for (const more of [{ tls }, { allowCleartextPassword: true }]) {
      const upstream = await connectPostgres(target(more), STARTUP)
      upstream.end()
    }
  })

  test('PG-19: does not get it over a connection that anybody may read', async () => {
    for (const tls of [{ mode: 'disable' }, { mode: 'require' }] as const) {
      const error = await refusal(target({ tls }))
      assert.equal(error.code, 'target_login_failed')
      assert.match(error.message, /in the clear/)
    }
  })
})

describe('a server that is not what it should be', () => {
  const TLS = { mode: 'verify-full', ca: tlsFile('ca.pem') } as const
  const GARBAGE = 'HTTP/1.1 400 Bad Request\r\n\r\n'
  const OK = authentication(0)
  const READY = message('Z', 'I')

  const cases: [string, (string | Buffer)[], Partial<PostgresTarget>, string][] = [
    ['speaks HTTP', [GARBAGE], {}, 'target_unsafe'],
    ['says a length of 2 GB', [Buffer.from('527fffffff00000000', 'hex')], {}, 'target_unsafe'],
    ['says a negative length', [Buffer.from('52ffffff9c00000000', 'hex')], {}, 'target_unsafe'],
    ['offers no TLS', ['N'], { tls: TLS }, 'target_tls_failed'],
    ['answers SSLRequest by an error', ['E'], { tls: TLS }, 'target_tls_failed'],
    ['sends bytes behind its S', ['SR'], { tls: TLS }, 'target_tls_failed'],
    ['asks for Kerberos', [authentication(7)], {}, 'target_login_failed'],
    ['asks for an unknown mechanism', [authentication(10, 'PLAIN\0\0')], {}, 'target_login_failed'],
    [
      'asks twice',
      [Buffer.concat([authentication(5, 'salt'), authentication(5, 'salt')])],
      {},
      'target_login_failed',
    ],
    [
      'asks for a password after OK',
      [Buffer.concat([OK, authentication(3), READY])],
      {},
      'target_unsafe',
    ],
    [
      'sends rows during login',
      [Buffer.concat([OK, message('D', Buffer.alloc(2)), READY])],
      {},
      'target_unsafe',
    ],
    [
      'drops our settings, like a pooler',
      [Buffer.concat([OK, message('S', 'client_encoding\0UTF8\0'), READY])],
      {},
      'target_unsafe',
    ],
  ]

  for (const [name, answers, more, code] of cases) {
    test(`${name}: ${code}`, async () => {
      const fake = await fakeServer(answers)
      const error = await refusal(targetAt(fake.port, more))
      assert.equal(error.code, code)
      assert.doesNotMatch(fake.received().toString('latin1'), /the target password/)
      await fake.stop()
    })
  }

  const scramCases: [string, (nonce: string) => string][] = [
    ['2^31 iterations', (nonce) => `r=${nonce}more,s=c2FsdA==,i=2147483648`],
    ['one iteration', (nonce) => `r=${nonce}more,s=c2FsdA==,i=1`],
    ['a nonce that is not ours', () => 'r=somethingelse,s=c2FsdA==,i=4096'],
    ['our nonce alone', (nonce) => `r=${nonce},s=c2FsdA==,i=4096`],
    ['an empty salt', (nonce) => `r=${nonce}more,s=,i=4096`],
    ['an extension', (nonce) => `m=x,r=${nonce}more,s=c2FsdA==,i=4096`],
  ]

  for (const [name, first] of scramCases) {
    test(`PG-19: SCRAM with ${name}: target_login_failed, no proof sent`, async () => {
      const fake = await fakeServer([authentication(10, 'SCRAM-SHA-256\0\0')])
      const login = refusal(targetAt(fake.port))
      while (!/r=/.test(fake.received().toString('latin1'))) await sleep(5)
      const nonce = /r=([^,]+)$/.exec(fake.received().toString('latin1'))?.[1] ?? ''
      for (const socket of fake.sockets) socket.write(authentication(11, first(nonce)))
      assert.equal((await login).code, 'target_login_failed')
      assert.doesNotMatch(fake.received().toString('latin1'), /,p=/)
      await fake.stop()
    })
  }

  test('is silent: no answer in time', async () => {
    const fake = await fakeServer([])
    for (const tls of [TLS, { mode: 'disable' } as const]) {
      const error = await refusal(targetAt(fake.port, { tls, connectTimeoutMs: 100 }))
      assert.equal(error.code, 'target_unreachable')
      assert.match(error.message, /no answer in time/)
    }
    await fake.stop()
  })

  test('closes at once', async () => {
    const fake = await fakeServer([])
    const login = refusal(targetAt(fake.port))
    while (fake.sockets.size === 0) await sleep(5)
    for (const socket of fake.sockets) socket.destroy()
    assert.equal((await login).code, 'target_unreachable')
    await fake.stop()
  })

  test('is not there', async () => {
    const fake = await fakeServer([])
    await fake.stop()
    const error = await refusal(targetAt(fake.port))
    assert.equal(error.code, 'target_unreachable')
    assert.match(error.message, /nothing listens there/)
  })

  test('does not exist by name', async () => {
    const error = await refusal(targetAt(5432, { host: 'no-such-host.invalid' }))
    assert.equal(error.code, 'target_unreachable')
  })

  test('messages byte by byte are the same as whole', async () => {
    const ready = Buffer.concat([
      OK,
      message('S', 'client_encoding\0UTF8\0'),
      message('S', 'standard_conforming_strings\0on\0'),
      message('K', Buffer.from('0000000701020304', 'hex')),
      message('N', 'SNOTICE\0\0'),
      READY,
      message('S', 'late\0yes\0'),
    ])
    const fake = await fakeServer([])
    const login = connectPostgres(targetAt(fake.port), STARTUP)
    while (fake.sockets.size === 0) await sleep(5)
    const [socket] = fake.sockets
    assert.ok(socket !== undefined)
    for (const byte of ready) {
      socket.write(Buffer.from([byte]))
      await sleep(0)
    }
    const upstream = await login
    assert.equal(upstream.backendKey?.pid, 7)
    const late: Buffer[] = []
    upstream.onData((bytes) => late.push(bytes))
    while (Buffer.concat(late).length < message('S', 'late\0yes\0').length) await sleep(5)
    assert.deepEqual(Buffer.concat(late), message('S', 'late\0yes\0'))
    upstream.destroy()
    await fake.stop()
  })

  test('what was read stays as it was read, however much comes behind it, to the last byte', async () => {
    const fake = await fakeServer([])
    const login = connectPostgres(targetAt(fake.port), STARTUP)
    while (fake.sockets.size === 0) await sleep(5)
    const [socket] = fake.sockets
    const readied = Buffer.concat([
      OK,
      message('S', 'client_encoding\0UTF8\0'),
      message('S', 'standard_conforming_strings\0on\0'),
      READY,
    ])
    socket?.write(readied)
    const upstream = await login
    const kept: Buffer[] = []
    upstream.onData((bytes) => {
      kept.push(bytes)
      // Stopped from within: what comes now must wait, not be lost.
      upstream.pause()
      setImmediate(() => upstream.resume())
    })
    const over = new Promise<string>((resolve) => upstream.onClose(resolve))
    const sent: Buffer[] = []
    for (const size of [1, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 300_000, 7]) {
      const bytes = Buffer.from(
        Array.from({ length: size }, (_, at) => (at * 7 + sent.length) % 251),
      )
      sent.push(bytes)
      socket?.write(bytes)
      await sleep(2)
    }
    socket?.end()
    await over
    assert.ok(Buffer.concat(kept).equals(Buffer.concat(sent)))
    await fake.stop()
  })
})
