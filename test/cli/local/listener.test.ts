import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import {
  type Listener,
  type ListenerEvent,
  type ListenerOptions,
  listen,
} from '../../../cli/local/listener.ts'
import { TunnelRefused } from '../../../cli/local/tunnel.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { encodeCommandComplete, encodeReadyForQuery } from '../../../protocol/pg/backend.ts'
import {
  cancelPacket,
  FakeDialer,
  GREETING,
  KEY,
  RawClient,
  scramLogin,
  startupPacket,
} from './fake-dialer.ts'

const PASSWORD = 'sticky local password'
const ALICE = { user: 'alice', database: 'app', application_name: 'psql', TimeZone: 'UTC' }

let dialer: FakeDialer
let events: ListenerEvent[]
let folder: string
const listeners: Listener[] = []
const clients: RawClient[] = []

beforeEach(async () => {
  dialer = new FakeDialer()
  events = []
  folder = await mkdtemp(join(tmpdir(), 'hoop-'))
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy()
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
  await rm(folder, { recursive: true })
})

async function start(more: Partial<ListenerOptions> = {}): Promise<Listener> {
  const listener = await listen({
    connection: 'pg-prod',
    host: '127.0.0.1',
    port: 0,
    password: PASSWORD,
    socketDir: join(folder, 'sockets'),
    databases: ['app', 'other'],
    dial: () => dialer,
    reason: 'ticket 7',
    onEvent: (event) => events.push(event),
    ...more,
  })
  listeners.push(listener)
  return listener
}

function client(address: number | string | null): RawClient {
  assert.ok(address !== null)
  const made = new RawClient(address)
  clients.push(made)
  return made
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}

/** A client on the unix socket with a session. */
async function connected(
  listener: Listener,
  parameters: Record<string, string> = ALICE,
): Promise<RawClient> {
  const before = dialer.tunnels.length
  const made = client(listener.socket)
  made.send(startupPacket(parameters))
  await until(() => dialer.tunnels.length > before)
  return made
}

describe('a client on the local port', () => {
  test('with the password has a session, and its bytes go both ways', async () => {
    const { port } = await start()
    const psql = client(port)
    psql.send(startupPacket(ALICE))
    await scramLogin(psql, PASSWORD, until)
    await until(() => dialer.tunnels.length === 1)
    const { tunnel } = dialer
    assert.deepEqual(tunnel.request, {
      connection: 'pg-prod',
      client: { pid: process.pid, program: 'psql' },
      reason: 'ticket 7',
      startup: ALICE,
    })
    tunnel.data(GREETING)
    psql.send('Q query')
    await until(
      () =>
        tunnel.text() === 'Q query' && psql.received.subarray(-GREETING.length).equals(GREETING),
    )
    assert.deepEqual(
      events.map(({ event }) => event),
      ['opened'],
    )
  })

  test('AP-01: with a wrong password is refused, and the broker hears nothing of it', async () => {
    const { port } = await start()
    const psql = client(port)
    psql.send(startupPacket(ALICE))
    await scramLogin(psql, 'wrong', until)
    await until(() => psql.closed)
    assert.match(psql.text(), /28P01/)
    assert.equal(dialer.tunnels.length, 0)
    assert.equal(events[0]?.event, 'refused')
  })

  test('is understood by a real driver', async () => {
    const { port } = await start()
    const driver = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'alice',
      database: 'app',
      password: PASSWORD,
    })
    const connecting = driver.connect()
    await until(() => dialer.tunnels.length === 1)
    const { tunnel } = dialer
    tunnel.data(GREETING)
    await connecting
    const answer = driver.query('LISTEN x')
    await until(() => tunnel.text().startsWith('Q'))
    tunnel.data(Buffer.concat([encodeCommandComplete('LISTEN'), encodeReadyForQuery('I')]))
    assert.equal((await answer).command, 'LISTEN')
    await driver.end()
    await until(() => tunnel.closed)
    assert.ok(tunnel.text().endsWith('X\0\0\0\x04'))
  })

  test('that names no database gets the first; another than the listed is refused by name', async () => {
    const listener = await start()
    await connected(listener, { user: 'alice' })
    assert.equal(dialer.tunnel.request.startup['database'], 'app')
    const lost = client(listener.socket)
    lost.send(startupPacket({ user: 'alice', database: 'nope' }))
    await until(() => lost.closed)
    assert.match(lost.text(), /FATAL.*3D000.*nope.*app, other/s)
    assert.equal(dialer.tunnels.length, 1)
  })

  test('may send its first query before the session is there', async () => {
    const listener = await start()
    let open: () => void = () => undefined
    dialer.gate = () => new Promise((resolve) => (open = resolve))
    const eager = client(listener.socket)
    eager.send(Buffer.concat([startupPacket(ALICE), Buffer.from('one ')]))
    await sleep(20)
    eager.send('two')
    await sleep(20)
    open()
    await until(() => dialer.tunnels.length === 1 && dialer.tunnel.text() === 'one two')
  })
})

describe('what goes wrong is told', () => {
  test('the broker refuses: FATAL with its SQLSTATE and hint', async () => {
    const listener = await start()
    dialer.gate = () =>
      Promise.reject(
        new TunnelRefused({
          t: 'refused',
          code: 'denied',
          message: 'Not you.',
          hint: 'Ask bob.',
          exit: 4,
          sqlstate: '42501',
        }),
      )
    const psql = client(listener.socket)
    psql.send(startupPacket(ALICE))
    await until(() => psql.closed)
    assert.match(psql.text(), /FATAL.*C42501\0MNot you\.\0HAsk bob\./s)
    assert.match(events[0]?.message ?? '', /Not you/)
  })

  test('the broker is not there: FATAL with the hint of the error', async () => {
    const listener = await start()
    const error = new HoopError({
      code: 'x',
      message: 'Down.',
      hint: 'Start it.',
      exit: EXIT.unreachable,
    })
    dialer.gate = () => Promise.reject(error)
    const psql = client(listener.socket)
    psql.send(startupPacket(ALICE))
    await until(() => psql.closed)
    assert.match(psql.text(), /FATAL.*C08001\0MDown\.\0HStart it\./s)
  })

  test('a bug is not explained to the client', async () => {
    const listener = await start()
    dialer.gate = () => Promise.reject(new TypeError('secret'))
    const psql = client(listener.socket)
    psql.send(startupPacket(ALICE))
    await until(() => psql.closed)
    assert.doesNotMatch(psql.text(), /secret/)
  })

  test('a session that the broker ends: the last bytes arrive, then the end', async () => {
    const listener = await start()
    const psql = await connected(listener)
    const { tunnel } = dialer
    tunnel.data(Buffer.alloc(300_000, 'x'))
    tunnel.data(Buffer.from('last words'))
    tunnel.end({ clean: true, why: 'the session ended' })
    await until(() => psql.closed)
    assert.ok(psql.text().endsWith('last words'))
    assert.deepEqual(events.at(-1)?.event, 'closed')
  })

  test('a broken tunnel ends the client without a word in the broker’s name', async () => {
    const listener = await start()
    const psql = await connected(listener)
    dialer.tunnel.data(Buffer.from('D\0\0\0\x20half a row'))
    await until(() => psql.text().includes('half'))
    dialer.tunnel.end({ clean: false, why: 'broke' })
    await until(() => psql.closed)
    assert.doesNotMatch(psql.text(), /FATAL/)
  })

  test('the broker’s events come with their session, and closed comes once', async () => {
    const listener = await start()
    await connected(listener)
    const { tunnel } = dialer
    const at = '2026-11-22T06:00:00Z'
    tunnel.tell({ event: 'held', request: 'r-1', message: 'waits', at })
    tunnel.tell({ event: 'closed', message: 'over', at })
    tunnel.end({ clean: true, why: 'over' })
    await sleep(10)
    assert.deepEqual(events.slice(1), [
      { event: 'held', request: 'r-1', message: 'waits', at, session: 's-fake' },
      { event: 'closed', message: 'over', at, session: 's-fake' },
    ])
  })
})

describe('a client that goes away', () => {
  test('in its session: the tunnel is closed after what it said', async () => {
    const listener = await start()
    const psql = await connected(listener)
    psql.socket.end('X goodbye')
    await until(() => dialer.tunnel.closed)
    assert.equal(dialer.tunnel.text(), 'X goodbye')
  })

  test('by a reset', async () => {
    const listener = await start()
    const tcp = client(listener.port)
    tcp.send(startupPacket(ALICE))
    await scramLogin(tcp, PASSWORD, until)
    await until(() => dialer.tunnels.length === 1)
    tcp.socket.resetAndDestroy()
    await until(() => dialer.tunnel.closed)
  })

  test('while the session is being opened: it is not opened, or closed at once', async () => {
    const listener = await start()
    let open: () => void = () => undefined
    dialer.gate = () => new Promise((resolve) => (open = resolve))
    const psql = client(listener.socket)
    psql.send(startupPacket(ALICE))
    await sleep(20)
    psql.socket.destroy()
    await sleep(20)
    open()
    await sleep(20)
    assert.equal(dialer.tunnels.length, 0)
  })

  test('half-way through its start-up or its password', async () => {
    const listener = await start()
    for (const address of [listener.port, listener.socket]) {
      for (const bytes of [startupPacket(ALICE).subarray(0, 20), Buffer.from('000000', 'hex')]) {
        const gone = client(address)
        gone.send(bytes)
        await sleep(5)
        gone.socket.destroy()
      }
    }
    await connected(listener)
  })
})

describe('back-pressure', () => {
  test('a tunnel that is full stops the client, until it drains', async () => {
    const listener = await start()
    const psql = await connected(listener)
    const { tunnel } = dialer
    tunnel.room = false
    const large = Buffer.alloc(32 << 20, 'x')
    psql.send(large)
    await sleep(100)
    const taken = Buffer.concat(tunnel.written).length
    assert.ok(taken < 1 << 20, `${taken} bytes were taken`)
    tunnel.room = true
    tunnel.drain()
    await until(() => tunnel.written.reduce((sum, { length }) => sum + length, 0) === large.length)
  })

  test('a client that does not read stops the tunnel, until it reads', async () => {
    const listener = await start()
    const psql = await connected(listener)
    const { tunnel } = dialer
    psql.socket.pause()
    let sent = 0
    while (!tunnel.paused) {
      tunnel.data(Buffer.alloc(65_536, 'x'))
      sent += 65_536
      await sleep(0)
    }
    assert.ok(sent < 16 << 20, `${sent} bytes were taken`)
    psql.socket.resume()
    await until(() => !tunnel.paused && psql.received.length >= sent)
  })
})

describe('CancelRequest', () => {
  test('with the key of a session here goes to the broker, and the socket closes after it', async () => {
    const listener = await start()
    await connected(listener)
    for (const byte of GREETING) dialer.tunnel.data(Buffer.from([byte]))
    const ctrlC = client(listener.port)
    ctrlC.send(cancelPacket(4711, KEY))
    await until(() => ctrlC.closed)
    assert.deepEqual(dialer.cancels, [{ connection: 'pg-prod', pid: 4711, key: KEY }])
    assert.equal(ctrlC.received.length, 0)
  })

  test('with any other never leaves this machine', async () => {
    const listener = await start()
    const psql = await connected(listener)
    dialer.tunnel.data(GREETING)
    await until(() => psql.text().includes('server_version'))
    for (const [pid, key] of [
      [4711, Buffer.alloc(4)],
      [4712, KEY],
    ] as const) {
      const guess = client(listener.port)
      guess.send(cancelPacket(pid, key))
      await until(() => guess.closed)
    }
    psql.socket.destroy()
    await until(() => dialer.tunnel.closed)
    const late = client(listener.port)
    late.send(cancelPacket(4711, KEY))
    await until(() => late.closed)
    assert.deepEqual(dialer.cancels, [])
  })
})

describe('strangers', () => {
  test('PG-20 who does not log in in time is closed', async () => {
    const { port } = await start({ startupDeadlineMs: 50 })
    const slow = client(port)
    slow.send('\0')
    await until(() => slow.closed)
    assert.equal(events[0]?.event, 'refused')
  })

  test('are few at a time; who has logged in does not count', async () => {
    const listener = await start({ maxStrangers: 2 })
    await connected(listener)
    await connected(listener)
    const [one, two] = [client(listener.port), client(listener.port)]
    await sleep(20)
    const three = client(listener.port)
    await until(() => three.closed)
    one.socket.destroy()
    two.socket.destroy()
    await sleep(20)
    await connected(listener)
  })

  test('with garbage change nothing for the others', async () => {
    const listener = await start()
    for (const garbage of [
      'GET / HTTP/1.1\r\n\r\n',
      Buffer.from('16030100c8010000c4', 'hex'),
      Buffer.alloc(100_000, 0xff),
    ]) {
      const stranger = client(listener.port)
      stranger.send(garbage)
      await until(() => stranger.closed)
    }
    await connected(listener)
  })
})

describe('the port and the socket', () => {
  test('AP-02: a port that is taken is said so', async () => {
    const { port } = await start({ socketDir: null })
    await assert.rejects(start({ port }), (error: HoopError) => error.code === 'port_taken')
  })

  test('AP-01: the socket is 0600 in a folder 0700, and goes away', async () => {
    await mkdir(join(folder, 'sockets'), { mode: 0o755 })
    const { socket, close } = await start()
    assert.ok(socket !== null)
    assert.equal((await stat(socket)).mode & 0o777, 0o600)
    assert.equal((await stat(join(folder, 'sockets'))).mode & 0o777, 0o700)
    await close()
    await assert.rejects(stat(socket))
  })

  test('a socket that was left behind is replaced; one in use, and what is no socket, are not', async () => {
    const first = await start()
    assert.ok(first.socket !== null)
    const { listenOnSocket } = await import('../../../cli/local/socket-folder.ts')
    const { createServer } = await import('node:net')
    await assert.rejects(
      listenOnSocket(createServer(), join(folder, 'sockets'), first.socket),
      (error: HoopError) => error.code === 'socket_unusable',
    )
    const file = join(folder, 'sockets', 'file')
    await writeFile(file, '')
    await assert.rejects(listenOnSocket(createServer(), join(folder, 'sockets'), file), HoopError)
  })

  test('a folder that is a link is not used', async () => {
    await mkdir(join(folder, 'real'))
    await chmod(join(folder, 'real'), 0o777)
    await symlink(join(folder, 'real'), join(folder, 'link'))
    await assert.rejects(start({ socketDir: join(folder, 'link') }), HoopError)
  })

  test('a path that is too long for a socket means no socket', async () => {
    const { socket } = await start({ socketDir: join(folder, 'x'.repeat(100)) })
    assert.equal(socket, null)
  })

  test('closing the listener closes its clients and their tunnels', async () => {
    const listener = await start()
    const psql = await connected(listener)
    await listener.close()
    await until(() => psql.closed)
    assert.ok(dialer.tunnel.closed)
  })
})
