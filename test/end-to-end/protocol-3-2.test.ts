import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { readBackendKey } from '../../protocol/pg/backend-key.ts'
import { type LocalPort, TestDemo } from '../support/demo.ts'
import { int32, query, summary } from '../support/messages.ts'

/** A client of PostgreSQL 18's protocol 3.2, whose cancel keys are longer, through hoop's own socket. */
describe('protocol 3.2', () => {
  let demo: TestDemo
  let port: LocalPort

  before(async () => {
    demo = await TestDemo.start()
    const { alice } = await demo.logins('alice')
    port = await demo.connect(alice)
  })
  after(() => demo.stop())

  const dial = async (...parts: Buffer[]): Promise<Client> => {
    assert.ok(port.ready.socket)
    const socket = connect(port.ready.socket)
    const body = Buffer.concat(parts)
    socket.write(Buffer.concat([int32(body.length + 4), body]))
    return new Client(socket)
  }
  const session = (version: number) => {
    const { user, database } = port.ready
    const keys = Buffer.from(`user\0${user}\0database\0${database}\0\0`)
    return dial(int32(version), keys)
  }

  for (const [version, length] of [
    [0x30000, 4],
    [0x30002, 32],
    [0x3270f, 32],
  ] as const) {
    test(`0x${version.toString(16)}: a key of ${length} bytes, and Ctrl-C with it`, async () => {
      const client = await session(version)
      const begun = await client.until('Z')
      const at = begun.indexOf(Buffer.from([0x4b, 0, 0, 0, 8 + length]))
      const { pid, key } = readBackendKey(begun.subarray(at, at + 9 + length))
      assert.equal(key.length, length)
      assert.equal(begun[0] === 'v'.charCodeAt(0), version === 0x3270f)
      client.socket.write(query('UPDATE people SET salary = 0'))
      await client.until('N')
      const cancel = await dial(int32(0x04d2162e), int32(pid), key)
      await once(cancel.socket, 'close')
      assert.deepEqual(summary(await client.until('Z')), ['E 57014', 'Z I'])
      client.socket.destroy()
    })
  }
})

class Client {
  readonly socket: Socket
  #seen = Buffer.alloc(0)
  #wake: () => void = () => undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#seen = Buffer.concat([this.#seen, bytes])
      this.#wake()
    })
  }

  /** All that came, up to the end of the first message of this type. */
  async until(type: string): Promise<Buffer> {
    for (;;) {
      const end = this.#endOf(type.charCodeAt(0))
      if (end > 0) {
        const bytes = this.#seen.subarray(0, end)
        this.#seen = this.#seen.subarray(end)
        return bytes
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #endOf(type: number): number {
    let at = 0
    while (at + 5 <= this.#seen.length) {
      const end = at + 1 + this.#seen.readInt32BE(at + 1)
      if (end > this.#seen.length) return 0
      if (this.#seen[at] === type) return end
      at = end
    }
    return 0
  }
}
