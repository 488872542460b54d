import { MAX_FRAME } from './frames.ts'

/** Above this the general reader costs no more, and unmasks faster. */
const SMALL = 2_048

const FINAL = 0x80
const BINARY = 2
const PING = 9
const PONG = 10
const MASKED = 0x80
const MASK_SIZE = 4
/** Longest payload of a control frame (RFC 6455 section 5.5). */
const LONGEST_CONTROL = 125

/**
 * Most of what a socket brings is one small data frame, whole and nothing else. Such a chunk needs
 * nothing of what a general reader of WebSockets does, and that reader need not know of it. All other
 * chunks are the reader's; here it is only followed where their frames end.
 */
export class PlainFrames {
  private readonly mask: number
  /** Bytes of a frame that began in an earlier chunk and are still to come. */
  private left = 0
  private over = false

  /** `masked`: as the frames of a client are. */
  constructor(masked: boolean) {
    this.mask = masked ? MASKED : 0
  }

  /** A frame came that is neither data nor a heartbeat, or in strange pieces: from now on all is the reader's. */
  get isOver(): boolean {
    return this.over
  }

  /** The payload of the one data frame that the chunk is, unmasked in place. Null: the chunk is the reader's. */
  take(chunk: Buffer): Buffer | null {
    if (this.over) return null
    const start = this.left === 0 ? this.payloadAt(chunk) : 0
    if (start === 0) {
      this.follow(chunk)
      return null
    }
    if (this.mask !== 0) unmask(chunk, start)
    return chunk.subarray(start)
  }

  /** Where the payload begins, if the chunk is a data frame and nothing else; 0: it is not. */
  private payloadAt(chunk: Buffer): number {
    if (chunk.length < 2 || chunk.length > SMALL || chunk[0] !== (FINAL | BINARY)) return 0
    return this.sizeAt(chunk, 0) === chunk.length ? this.headerSize(chunk[1] as number) : 0
  }

  private headerSize(second: number): number {
    const length = second & 0x7f
    const extended = length === 127 ? 8 : length === 126 ? 2 : 0
    return 2 + extended + (this.mask === 0 ? 0 : MASK_SIZE)
  }

  private follow(chunk: Buffer): void {
    let at = this.left
    while (at < chunk.length) {
      const size = this.sizeAt(chunk, at)
      if (size === -1) {
        this.over = true
        return
      }
      at += size
    }
    this.left = at - chunk.length
  }

  /** The size of the frame that begins here; -1: one that is not followed, or its header is not all here. */
  private sizeAt(chunk: Buffer, at: number): number {
    const first = chunk[at] as number
    const second = chunk[at + 1] ?? -1
    if (second === -1 || (second & MASKED) !== this.mask) return -1
    const header = this.headerSize(second)
    if (at + header > chunk.length) return -1
    let length = second & 0x7f
    if (first === (FINAL | PING) || first === (FINAL | PONG)) {
      return length > LONGEST_CONTROL ? -1 : header + length
    }
    if (first !== (FINAL | BINARY)) return -1
    if (length === 126) length = chunk.readUInt16BE(at + 2)
    else if (length === 127) {
      if (chunk.readUInt32BE(at + 2) !== 0) return -1
      length = chunk.readUInt32BE(at + 6)
    }
    return length > MAX_FRAME ? -1 : header + length
  }
}

/** The key stands right before the payload. By hand: a call into C++ costs more than a small frame. */
function unmask(chunk: Buffer, start: number): void {
  const key = start - MASK_SIZE
  for (let at = start; at < chunk.length; at++) {
    chunk[at] = (chunk[at] as number) ^ (chunk[key + ((at - start) & 3)] as number)
  }
}

/** The socket under a WebSocket, as far as reading goes. */
interface Source {
  listeners(event: 'data'): readonly unknown[]
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  off(event: 'data', listener: (chunk: Buffer) => void): unknown
}

/**
 * Puts itself before the general reader, which must be the socket's first listener and have read
 * nothing yet. `isOpen`: a WebSocket that is closing is the reader's alone.
 */
export function readPlainFrames(
  socket: Source,
  frames: PlainFrames,
  isOpen: () => boolean,
  deliver: (payload: Buffer) => void,
): void {
  const reader = socket.listeners('data')[0] as (chunk: Buffer) => void
  const onData = (chunk: Buffer): void => {
    const payload = isOpen() ? frames.take(chunk) : null
    if (payload !== null) {
      deliver(payload)
      return
    }
    // It takes itself off when nothing more may come: it must be the socket's own listener then.
    if (frames.isOver || !isOpen()) {
      socket.off('data', onData)
      socket.on('data', reader)
    }
    reader.call(socket, chunk)
  }
  socket.off('data', reader)
  socket.on('data', onData)
}
