import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { smallFrame } from '../../../broker/tunnel/small-frame.ts'
import { MAX_FRAME } from '../../../protocol/tunnel/frames.ts'
import { PlainFrames, readPlainFrames } from '../../../protocol/tunnel/plain-frames.ts'

const BINARY = 0x82
const CLOSE = 0x88
const PING = 0x89
const KEY = [0x11, 0x80, 0xff, 0x07]

/** By RFC 6455 section 5.2. */
function frame(first: number, payload: Buffer, masked: boolean): Buffer {
  const { length } = payload
  const mask = masked ? 0x80 : 0
  const long = Buffer.alloc(10)
  long[1] = mask | 127
  long.writeUInt32BE(length, 6)
  const middle = Buffer.from([0, mask | 126, length >> 8, length & 0xff])
  const short = Buffer.from([0, mask | length])
  const header = length < 126 ? short : length < 65_536 ? middle : long
  header[0] = first
  if (!masked) return Buffer.concat([header, payload])
  const covered = payload.map((byte, at) => byte ^ (KEY[at & 3] as number))
  return Buffer.concat([header, Buffer.from(KEY), covered])
}

/** A socket under a general reader, which takes itself off at the frame that it is told to end at. */
class Wire extends EventEmitter {
  /** What came, by whichever way, in its order. */
  readonly got: string[] = []
  /** Chunks that were not the reader's. */
  plain = 0
  open = true
  private rest = Buffer.alloc(0)
  private readonly masked: boolean

  constructor(masked: boolean) {
    super()
    this.masked = masked
    this.on('data', this.reader)
    readPlainFrames(
      this,
      new PlainFrames(masked),
      () => this.open,
      (payload) => {
        this.plain++
        this.got.push(payload.toString('latin1'))
      },
    )
  }

  private readonly reader = (chunk: Buffer): void => {
    this.rest = Buffer.concat([this.rest, chunk])
    for (let size = this.size(); size <= this.rest.length; size = this.size()) {
      const whole = this.rest.subarray(0, size)
      this.rest = this.rest.subarray(size)
      if ((whole[0] as number) === BINARY) this.got.push(this.payloadOf(whole))
      if ((whole[0] as number) === CLOSE) this.off('data', this.reader)
    }
  }

  private size(): number {
    if (this.rest.length < 2) return Number.POSITIVE_INFINITY
    const length = (this.rest[1] as number) & 0x7f
    if (length === 126 && this.rest.length < 4) return Number.POSITIVE_INFINITY
    if (length === 127 && this.rest.length < 10) return Number.POSITIVE_INFINITY
    if (length === 127) return this.header() + this.rest.readUInt32BE(6)
    return this.header() + (length === 126 ? this.rest.readUInt16BE(2) : length)
  }

  private header(bytes: Buffer = this.rest): number {
    const length = (bytes[1] as number) & 0x7f
    return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (this.masked ? 4 : 0)
  }

  private payloadOf(whole: Buffer): string {
    const payload = whole.subarray(this.header(whole))
    const bytes = this.masked ? payload.map((byte, at) => byte ^ (KEY[at & 3] as number)) : payload
    return Buffer.from(bytes).toString('latin1')
  }
}

test('a small data frame that comes alone goes past the reader, masked or not', () => {
  for (const masked of [true, false]) {
    const wire = new Wire(masked)
    for (const size of [0, 1, 125, 126, 2_000]) {
      wire.emit('data', frame(BINARY, Buffer.alloc(size, size), masked))
      assert.equal(wire.got.at(-1), Buffer.alloc(size, size).toString('latin1'))
    }
    assert.equal(wire.plain, 5)
  }
})

test('whatever comes, however it is cut, is read whole and in order', () => {
  const size = fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 2_040, 65_535, MAX_FRAME))
  const first = fc.constantFrom(BINARY, BINARY, BINARY, PING)
  const item = fc.record({
    size,
    first,
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2 }),
  })
  fc.assert(
    fc.property(
      fc.array(item, { maxLength: 12 }),
      fc.boolean(),
      fc.boolean(),
      (items, masked, joined) => {
        const wire = new Wire(masked)
        const wanted: string[] = []
        let held = Buffer.alloc(0)
        for (const [at, each] of items.entries()) {
          const payload = Buffer.alloc(
            each.first === PING ? Math.min(each.size, 125) : each.size,
            at,
          )
          if (each.first === BINARY) wanted.push(payload.toString('latin1'))
          held = Buffer.concat([held, frame(each.first, payload, masked)])
          if (joined && at % 2 === 0) continue
          for (const part of cutAt(held, each.cuts)) wire.emit('data', part)
          held = Buffer.alloc(0)
        }
        wire.emit('data', held)
        assert.deepEqual(wire.got, wanted)
      },
    ),
    { numRuns: 300 },
  )
})

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b)
  const starts = [0, ...places]
  return starts.map((start, at) => bytes.subarray(start, starts[at + 1] ?? bytes.length))
}

test('behind a frame that ends the tunnel nothing is read any more', () => {
  const wire = new Wire(true)
  wire.emit('data', frame(CLOSE, Buffer.from([3, 0xe8]), true))
  wire.emit('data', frame(BINARY, Buffer.from('late'), true))
  assert.deepEqual(wire.got, [])
  assert.equal(wire.listenerCount('data'), 0)
})

test('a WebSocket that is closing is the reader’s alone', () => {
  const wire = new Wire(true)
  wire.open = false
  wire.emit('data', frame(BINARY, Buffer.from('last'), true))
  assert.deepEqual([wire.got, wire.plain], [['last'], 0])
})

const strange: readonly [string, Buffer][] = [
  ['text', frame(0x81, Buffer.from('a'), true)],
  ['the first of several', frame(0x02, Buffer.from('a'), true)],
  ['a reserved bit', frame(0xc2, Buffer.from('a'), true)],
  ['without the mask that a client must set', frame(BINARY, Buffer.from('abcdef'), false)],
  ['a heartbeat that is too long', frame(PING, Buffer.alloc(126), true)],
  ['longer than a frame may be', frame(BINARY, Buffer.alloc(MAX_FRAME + 1), true)],
  ['2^32 bytes long', Buffer.from([BINARY, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4])],
  ['half of a header', Buffer.from([BINARY])],
]
for (const [what, bytes] of strange) {
  test(`${what}: it and all that follows is the reader's to refuse`, () => {
    const frames = new PlainFrames(true)
    assert.equal(frames.take(bytes), null)
    assert.ok(frames.isOver)
    assert.equal(frames.take(frame(BINARY, Buffer.from('a'), true)), null)
  })
}

test('what the broker writes is such a frame', () => {
  for (const size of [1, 125, 126, 127, 2_000]) {
    const payload = Buffer.alloc(size, 7)
    assert.deepEqual(smallFrame(payload), frame(BINARY, payload, false))
    assert.deepEqual(new PlainFrames(false).take(smallFrame(payload)), payload)
  }
})
