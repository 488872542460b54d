import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { pack } from 'msgpackr'
import { WebSocket } from 'ws'
import { acceptTunnels, type TunnelStream } from '../../../broker/tunnel/accept.ts'
import { openTunnel, type Tunnel, tunnelUrl } from '../../../cli/local/tunnel.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { StartupRefused } from '../../../protocol/pg/startup.ts'
import { MAX_FRAME, TUNNEL_PROTOCOL } from '../../../protocol/tunnel/frames.ts'
import type { SessionEvent } from '../../../protocol/tunnel/messages.ts'
import { ALICE, collect, OPEN, startBroker, type TestBroker } from './broker.ts'

const brokers: TestBroker[] = []
afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.stop()))
})

async function broker(...args: Parameters<typeof startBroker>): Promise<TestBroker> {
  const started = await startBroker(...args)
  brokers.push(started)
  return started
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}

function ended(tunnel: Tunnel) {
  return new Promise<{ clean: boolean; why: string }>((resolve) => tunnel.onClose(resolve))
}

async function refusal(promise: Promise<unknown>): Promise<HoopError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof HoopError, `expected a HoopError, got ${error}`)
  return error
}

const denied = (init: Partial<ConstructorParameters<typeof HoopError>[0]>) =>
  new HoopError({ code: 'no', message: 'No.', hint: 'Ask.', exit: EXIT.refused, ...init })

describe('an open tunnel', () => {
  test('carries bytes both ways, whatever their size, in order', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    assert.equal(tunnel.session, 's-0123456789')
    const large = Buffer.alloc(3 * MAX_FRAME + 5, 'abcdefg')
    const [atBroker, atClient] = [collect(stream()), collect(tunnel)]
    tunnel.write(Buffer.from('first '))
    tunnel.write(large)
    stream().write(Buffer.from('answer '))
    stream().write(large)
    await until(() => atBroker.bytes === large.length + 6 && atClient.bytes === large.length + 7)
    assert.equal(atBroker.text(), `first ${large}`)
    assert.equal(atClient.text(), `answer ${large}`)
    assert.ok([...atBroker.chunks, ...atClient.chunks].every(({ length }) => length <= MAX_FRAME))
    tunnel.close()
  })

  test('frames of every size keep their order among events', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    const seen: string[] = []
    let left = 0
    tunnel.onEvent((event) => seen.push(event.message))
    tunnel.onData((bytes) => {
      left -= bytes.length
      if (left === 0) seen.push(`${bytes[bytes.length - 1]}`)
    })
    for (const size of [1, 125, 126, 127, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537]) {
      left = size
      stream().write(Buffer.alloc(size, size % 251))
      stream().event({ event: 'held', message: `behind ${size}`, at: 'now' })
      await until(() => seen.length === 2)
      assert.deepEqual(seen.splice(0), [`${size % 251}`, `behind ${size}`])
    }
    tunnel.close()
  })

  test('data and events keep their order', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    const seen: string[] = []
    tunnel.onEvent((event) => seen.push(event.message))
    tunnel.onData((bytes) => seen.push(...bytes.toString().split(' ').filter(Boolean)))
    const event = (message: string): SessionEvent => ({ event: 'held', message, at: 'now' })
    stream().write(Buffer.from('1 '))
    stream().event(event('2'))
    stream().event(event('3'))
    stream().write(Buffer.from('4 '))
    await until(() => seen.length === 4)
    assert.deepEqual(seen, ['1', '2', '3', '4'])
    tunnel.close()
  })

  test('what the session says before it is open comes after `opened`', async () => {
    const { tunnel: open, streams } = await broker({
      open: async (_principal, _open, stream) => {
        streams.push(stream)
        assert.equal(stream.write(Buffer.from('early')), false)
        stream.onDrain(() => stream.write(Buffer.from(' drained')))
        await sleep(10)
        return { session: 's-1' }
      },
    })
    const atClient = collect(await open())
    await until(() => atClient.text() === 'early drained')
  })

  test('what arrives before anybody listens is not lost', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    tunnel.write(Buffer.from('a'))
    stream().write(Buffer.from('b'))
    await sleep(20)
    const [atBroker, atClient] = [collect(stream()), collect(tunnel)]
    await until(() => atBroker.text() === 'a' && atClient.text() === 'b')
    tunnel.close()
  })

  test('the other end learns that it closed, and gets all that was written before', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    const atBroker = collect(stream())
    const why = new Promise<string>((resolve) => stream().onClose(resolve))
    const large = Buffer.alloc(5_000_000, 1)
    tunnel.write(large)
    tunnel.close()
    assert.equal(await why, 'the client closed the tunnel')
    assert.equal(atBroker.bytes, large.length)

    const second = await open()
    const atClient = collect(second)
    stream().write(large)
    stream().close()
    const end = await ended(second)
    assert.deepEqual([end.clean, atClient.bytes], [true, large.length])
    assert.equal((await ended(second)).clean, true, 'told again to whoever asks late')
  })

  test('a client that vanishes is told as broken', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    stream().onData(() => undefined)
    const why = new Promise<string>((resolve) => stream().onClose(resolve))
    const { socket } = tunnel as unknown as { socket: { resetAndDestroy(): void } }
    socket.resetAndDestroy()
    assert.match(await why, /broke/)
  })
})

describe('back-pressure', () => {
  const CHUNK = Buffer.alloc(65_536, 7)

  test('a client that stops reading stops the session, and nothing is lost', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    const atClient = collect(tunnel)
    tunnel.pause()
    let written = 0
    while (stream().write(CHUNK)) {
      written += CHUNK.length
      await turn()
    }
    written += CHUNK.length
    assert.ok(written < 64 << 20, `${written} bytes were taken by the buffers`)
    const drained = new Promise<void>((resolve) => stream().onDrain(resolve))
    tunnel.resume()
    await drained
    await until(() => atClient.bytes === written)
    tunnel.close()
  })

  test('a session that stops reading stops the client, and nothing is lost', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    const atBroker = collect(stream())
    stream().pause()
    let written = 0
    while (tunnel.write(CHUNK)) {
      written += CHUNK.length
      await turn()
    }
    written += CHUNK.length
    assert.ok(written < 64 << 20, `${written} bytes were taken by the buffers`)
    const drained = new Promise<void>((resolve) => tunnel.onDrain(resolve))
    stream().resume()
    await drained
    await until(() => atBroker.bytes === written)
    tunnel.close()
  })

  test('pausing from inside a handler holds the next frames back', async () => {
    const { tunnel: open, stream } = await broker()
    const tunnel = await open()
    let frames = 0
    stream().onData(() => {
      frames++
      stream().pause()
    })
    for (let i = 0; i < 5; i++) tunnel.write(Buffer.from('x'))
    for (let expected = 1; expected <= 5; expected++) {
      await until(() => frames === expected)
      await sleep(5)
      assert.equal(frames, expected)
      stream().resume()
    }
    tunnel.close()
  })
})

describe('being refused', () => {
  test('by the session: code, hint, exit and SQLSTATE arrive', async () => {
    const error = denied({ code: 'unknown_database', exit: EXIT.usage })
    const { tunnel } = await broker({ open: () => Promise.reject(error) })
    const refused = await refusal(tunnel())
    const { code, message, hint, exit } = refused
    assert.deepEqual(
      { code, message, hint, exit },
      { code: 'unknown_database', message: 'No.', hint: 'Ask.', exit: 2 },
    )
    assert.equal((refused as unknown as { sqlstate: string }).sqlstate, '3D000')
  })

  test('by the check of the start-up', async () => {
    const error = new StartupRefused('22023', 'bad encoding', 'use UTF8')
    const { tunnel } = await broker({ open: () => Promise.reject(error) })
    const refused = await refusal(tunnel())
    assert.equal((refused as unknown as { sqlstate: string }).sqlstate, '22023')
    assert.equal(refused.message, 'bad encoding')
  })

  test('by a bug: the person is told nothing of it, the log is', async () => {
    const bug = new Error('secret detail')
    const { tunnel, faults } = await broker({ open: () => Promise.reject(bug) })
    const refused = await refusal(tunnel())
    assert.doesNotMatch(`${refused.message} ${refused.hint}`, /secret/)
    assert.deepEqual(faults, [bug])
  })

  test('at the door: the HTTP answer has the same shape', async () => {
    const { tunnel, streams } = await broker({ authenticate: () => Promise.reject(denied({})) })
    const refused = await refusal(tunnel())
    assert.deepEqual([refused.code, refused.exit], ['no', EXIT.refused])
    assert.equal(streams.length, 0)
  })

  test('for want of a nonce: asked again once, with it', async () => {
    const nonces: (string | undefined)[] = []
    const authenticator = { nonce: () => 'the-nonce' } as never
    const { url } = await broker(
      {
        authenticate: async ({ headers }) => {
          if (headers['dpop'] === 'with the-nonce') return ALICE
          throw new HoopError({ code: 'use_dpop_nonce', message: 'Nonce.', exit: EXIT.login })
        },
      },
      { authenticator },
    )
    const headers = async (nonce?: string): Promise<Record<string, string>> => {
      nonces.push(nonce)
      return nonce === undefined ? {} : { DPoP: `with ${nonce}` }
    }
    const tunnel = await openTunnel({ url, headers, open: OPEN })
    tunnel.close()
    assert.deepEqual(nonces, [undefined, 'the-nonce'])
    const stubborn = async () => ({ DPoP: 'never' })
    const error = await refusal(openTunnel({ url, headers: stubborn, open: OPEN }))
    assert.deepEqual([error.code, error.exit], ['use_dpop_nonce', EXIT.login])
  })

  test('too many tunnels of one person', async () => {
    const { tunnel: open, streams } = await broker({}, { tunnelsPerPerson: 2 })
    const [first] = [await open(), await open()]
    for (const stream of streams) stream.onData(() => undefined)
    const refused = await refusal(open())
    assert.equal(refused.code, 'too_many_tunnels')
    first?.close()
    await ended(first as Tunnel)
    await sleep(10)
    const third = await open()
    third.close()
  })

  test('the client goes away while its session is being opened', async () => {
    const reasons: string[] = []
    let release: () => void = () => undefined
    const { url } = await broker({
      open: async (_principal, _open, stream) => {
        stream.onClose((why) => reasons.push(why))
        await new Promise<void>((resolve) => {
          release = resolve
        })
        stream.write(Buffer.from('nobody reads it'))
        return { session: 's-1' }
      },
    })
    const gone = new AbortController()
    const opening = openTunnel({ url, headers: async () => ({}), open: OPEN, signal: gone.signal })
    await sleep(50)
    gone.abort()
    await refusal(opening)
    await until(() => reasons.length === 1)
    release()
  })
})

describe('what is not a tunnel is refused before it is upgraded', () => {
  async function status(
    url: string,
    protocol: string | undefined,
    options: object,
  ): Promise<number> {
    const ws = new WebSocket(url, protocol, options)
    const [, response] = (await once(ws, 'unexpected-response')) as [
      unknown,
      { statusCode: number },
    ]
    ws.on('error', () => undefined)
    ws.terminate()
    return response.statusCode
  }

  test('AP-04: an Origin, another path, a query, another protocol or none', async () => {
    const { url, streams } = await broker()
    const tunnel = tunnelUrl(url)
    assert.equal(await status(tunnel, TUNNEL_PROTOCOL, { origin: 'https://evil.example' }), 400)
    assert.equal(await status(tunnel.replace('v1', 'v2'), TUNNEL_PROTOCOL, {}), 400)
    assert.equal(await status(`${tunnel}?token=abc`, TUNNEL_PROTOCOL, {}), 400)
    assert.equal(await status(tunnel, 'chat', {}), 400)
    assert.equal(await status(tunnel, undefined, {}), 400)
    assert.equal(streams.length, 0)
  })

  test('AP-05: compression is not agreed on', async () => {
    const { url } = await broker()
    const ws = new WebSocket(tunnelUrl(url), TUNNEL_PROTOCOL, { perMessageDeflate: true })
    await once(ws, 'open')
    assert.equal(ws.extensions, '')
    ws.terminate()
  })

  test('AP-06: an upgrade that is no WebSocket, and one with bytes behind it', async () => {
    const { server, streams } = await broker()
    const { port } = server.address() as { port: number }
    const head = `GET /v1/tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}\r\n`
    for (const request of [
      `${head}\r\n`,
      `${head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nmore`,
    ]) {
      const socket = connect(port, '127.0.0.1')
      socket.write(request)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      assert.match(answer.toString(), /^HTTP\/1\.1 4/)
      await once(socket, 'close')
    }
    assert.equal(streams.length, 0)
  })

  test('one who never says what it wants', async () => {
    const { url } = await broker({}, { handshakeMs: 50 })
    const ws = new WebSocket(tunnelUrl(url), TUNNEL_PROTOCOL)
    await once(ws, 'close')
  })
})

describe('a client that breaks the protocol is closed, and the broker goes on', () => {
  const hello = pack({ t: 'hello', version: 1 })
  const open = pack({ t: 'open', ...OPEN })

  const cases: [string, (Buffer | string)[], number][] = [
    ['text', ['hello'], 1003],
    ['garbage', [Buffer.from('garbage')], 1002],
    ['nothing', [Buffer.alloc(0)], 1002],
    ['open without hello', [open], 1002],
    ['hello twice', [hello, hello], 1002],
    ['a frame above the limit', [Buffer.alloc(MAX_FRAME + 1)], 1009],
    ['an array of 4 G', [Buffer.from('ddffffffff', 'hex')], 1002],
    ['data before the session is open', [hello, open, Buffer.from('x')], 1002],
  ]
  for (const [name, frames, code] of cases) {
    test(`${name}: ${code}`, async () => {
      const { url, tunnel, faults } = await broker({
        open: () => sleep(30).then(() => ({ session: 's-1' })),
      })
      const ws = new WebSocket(tunnelUrl(url), TUNNEL_PROTOCOL)
      ws.on('error', () => undefined)
      await once(ws, 'open')
      for (const frame of frames) ws.send(frame)
      const [closed] = (await once(ws, 'close')) as [number]
      assert.equal(closed, code)
      assert.deepEqual(faults, [])
      const next = await tunnel()
      next.close()
    })
  }

  test('another version is told so', async () => {
    const { url } = await broker()
    const ws = new WebSocket(tunnelUrl(url), TUNNEL_PROTOCOL)
    await once(ws, 'open')
    ws.send(pack({ t: 'hello', version: 2 }))
    const [answer] = (await once(ws, 'message')) as [Buffer]
    assert.match(answer.toString('latin1'), /wrong_version/)
    ws.terminate()
  })

  test('AP-07: pings without end are answered within bounds or cut off', async () => {
    const { url, tunnel } = await broker()
    const ws = new WebSocket(tunnelUrl(url), TUNNEL_PROTOCOL)
    ws.on('error', () => undefined)
    await once(ws, 'open')
    for (let i = 0; i < 5_000; i++) ws.ping(Buffer.alloc(125))
    const next = await tunnel()
    next.close()
    ws.terminate()
  })
})

describe('cancel', () => {
  test('reaches the handler with pid and key', async () => {
    const seen: unknown[] = []
    const { url } = await broker({
      cancel: async (principal, cancel) => {
        seen.push([principal.subject, cancel])
      },
    })
    const { tunnelDialer } = await import('../../../cli/local/tunnel.ts')
    const key = Buffer.from([1, 2, 3, 4])
    const request = { connection: 'pg-prod', pid: 7, key }
    await tunnelDialer({ url, headers: async () => ({}) }).cancel(
      request,
      AbortSignal.timeout(5_000),
    )
    assert.deepEqual(seen, [['alice', { t: 'cancel', ...request }]])
  })
})

describe('a login that runs out', () => {
  const SOON = { ...ALICE, expiresAt: Date.now() + 60_000 }

  test('AP-10, AP-35: is proved again with the nonce of the broker, by the same person', async () => {
    const asked: string[] = []
    const { url, stream } = await broker(
      {
        authenticate: async ({ method, url: path, headers }) => {
          if (headers['dpop'] === undefined) return SOON
          asked.push(`${method} ${path} ${headers.authorization} ${headers['dpop']}`)
          return ALICE
        },
      },
      { heartbeatMs: 20, authenticator: { nonce: () => 'n1' } as never },
    )
    const headers = async (nonce?: string): Promise<Record<string, string>> =>
      nonce === undefined ? {} : { Authorization: 'DPoP fresh', DPoP: `proof ${nonce}` }
    const tunnel = await openTunnel({ url, headers, open: OPEN })
    tunnel.onData(() => undefined)
    stream().onData(() => undefined)
    await until(() => stream().principal().expiresAt === ALICE.expiresAt)
    assert.equal(asked[0], 'GET /v1/tunnel DPoP fresh proof n1')
    tunnel.close()
  })

  test('AP-35: by somebody else ends the tunnel', async () => {
    const { url, stream } = await broker(
      {
        authenticate: async ({ headers }) =>
          headers['dpop'] === undefined ? SOON : { ...ALICE, subject: 'mallory' },
      },
      { heartbeatMs: 20 },
    )
    const headers = async (nonce?: string): Promise<Record<string, string>> =>
      nonce === undefined ? {} : { DPoP: 'proof' }
    const tunnel = await openTunnel({ url, headers, open: OPEN })
    tunnel.onData(() => undefined)
    stream().onData(() => undefined)
    assert.equal((await ended(tunnel)).why, 'the token is of somebody else')
  })

  test('and is not renewed is told to the session, once', async () => {
    const failures: unknown[] = []
    const { url, stream } = await broker(
      { authenticate: async () => ({ ...ALICE, expiresAt: Date.now() + 100 }) },
      { heartbeatMs: 20 },
    )
    const headers = (nonce?: string): Promise<Record<string, string>> =>
      nonce === undefined ? Promise.resolve({}) : Promise.reject(new Error('logged out'))
    const tunnel = await openTunnel({
      url,
      headers,
      open: OPEN,
      onRenewalFailed: (error) => failures.push(error),
    })
    const atClient = collect(tunnel)
    stream().onData(() => undefined)
    const signs = setInterval(() => tunnel.write(Buffer.from('alive')), 5)
    stream().onExpired(() => {
      stream().write(Buffer.from('FATAL'))
      stream().close()
    })
    const end = await ended(tunnel)
    clearInterval(signs)
    assert.deepEqual([end.clean, atClient.text()], [true, 'FATAL'])
    assert.ok(failures.length > 0)
  })
})

test('a client that says nothing any more is given up', async () => {
  const { tunnel: open, stream } = await broker({}, { heartbeatMs: 20 })
  await open()
  stream().onData(() => undefined)
  const why = await new Promise<string>((resolve) => stream().onClose(resolve))
  assert.equal(why, 'nothing came from the client any more')
})

test('over TLS: bytes, back-pressure and goodbye are the same', async () => {
  const file = (name: string) =>
    readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8')
  const streams: TunnelStream[] = []
  const server = createServer({ cert: file('server.pem'), key: file('server.key') })
  const door = acceptTunnels(server, {
    authenticate: async () => ALICE,
    open: async (_principal, _open, stream) => {
      streams.push(stream)
      return { session: 's-1' }
    },
    cancel: async () => undefined,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const headers = async () => ({})
  const untrusted = await refusal(openTunnel({ url, headers, open: OPEN }))
  assert.equal(untrusted.code, 'broker_unreachable')
  const tunnel = await openTunnel({ url, headers, open: OPEN, ca: file('ca.pem') })
  const [stream] = streams as [TunnelStream]
  const atClient = collect(tunnel)
  tunnel.pause()
  let written = 0
  do written += 65_536
  while (stream.write(Buffer.alloc(65_536, 1)) && (await turn(true)))
  const drained = new Promise<void>((resolve) => stream.onDrain(resolve))
  tunnel.resume()
  await drained
  stream.close()
  assert.equal((await ended(tunnel)).clean, true)
  assert.equal(atClient.bytes, written)
  await door.close()
  server.close()
})

test('a broker that stops says goodbye to all', async () => {
  const started = await startBroker()
  const tunnels = [await started.tunnel(), await started.tunnel()]
  for (const tunnel of tunnels) tunnel.onData(() => undefined)
  const ends = Promise.all(tunnels.map(ended))
  await started.stop()
  for (const end of await ends) assert.deepEqual(end, { clean: true, why: 'the broker stops' })
})

test('a broker beyond loopback is reached by TLS only', () => {
  assert.equal(tunnelUrl('https://broker.example/'), 'wss://broker.example/v1/tunnel')
  assert.equal(tunnelUrl('https://broker.example/hoop'), 'wss://broker.example/hoop/v1/tunnel')
  assert.equal(tunnelUrl('http://127.0.0.1:8080'), 'ws://127.0.0.1:8080/v1/tunnel')
  assert.equal(tunnelUrl('http://localhost:8080'), 'ws://localhost:8080/v1/tunnel')
  assert.equal(tunnelUrl('http://[::1]:8080'), 'ws://[::1]:8080/v1/tunnel')
  for (const url of ['http://broker.example', 'http://127.0.0.1.evil.example', 'ws://10.0.0.1']) {
    assert.throws(() => tunnelUrl(url), HoopError)
  }
})

test('a broker that is not there, and one that is something else', async () => {
  const started = await startBroker()
  await started.stop()
  const gone = await refusal(started.tunnel())
  assert.deepEqual([gone.code, gone.exit], ['broker_unreachable', EXIT.unreachable])
})
