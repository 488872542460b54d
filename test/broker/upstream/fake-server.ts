import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { PostgresTarget } from '../../../broker/upstream/postgres.ts'

/** A server that says what the test wants: `answers` in turn, one for each burst of bytes. */
export async function fakeServer(answers: readonly (string | Buffer)[]) {
  const sockets = new Set<Socket>()
  const received: Buffer[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    const left = [...answers]
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      received.push(bytes)
      const answer = left.shift()
      if (answer !== undefined) socket.write(answer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    received: () => Buffer.concat(received),
    sockets,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

export function targetAt(port: number, more: Partial<PostgresTarget> = {}): PostgresTarget {
  return {
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'postgres',
    password: () => 'the target password',
    tls: { mode: 'disable' },
    connectTimeoutMs: 10_000,
    ...more,
  }
}

/** A backend message: type letter, length, body. */
export function message(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body)
  const header = Buffer.alloc(5)
  header.write(type, 'latin1')
  header.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([header, bytes])
}

export function authentication(code: number, data: Buffer | string = ''): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32BE(code)
  return message('R', Buffer.concat([head, Buffer.from(data)]))
}
