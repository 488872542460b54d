import { MalformedBytes } from '../bytes/cursor.ts'

/**
 * How bytes travel in the tunnel. One WebSocket carries one client connection. All frames are
 * binary. Until `opened` every frame is a control message. After it a frame is data as it is, with
 * no header, so that neither end copies or copies together what it relays; an empty frame, which
 * data never is, says that the next frame is a control message. (Text frames would tell the two
 * apart as well, but must be valid UTF-8, which MessagePack is not.)
 *
 * Data keeps its order and is counted by both ends: the place from which a cut tunnel will be
 * resumed is a number of bytes in each direction.
 */
export const TUNNEL_PATH = '/v1/tunnel'
export const TUNNEL_PROTOCOL = 'hoop.tunnel.v1'
export const TUNNEL_VERSION = 1

/** No frame is longer, either way, data and control alike. A WebSocket reader enforces it. */
export const MAX_FRAME = 65_536

/** Goes before each control message that is sent after `opened`. */
export const CONTROL_MARK = Buffer.alloc(0)

/** Close codes (RFC 6455 section 7.4.1). */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  notBinary: 1003,
  policy: 1008,
  internal: 1011,
} as const

/** Tells data from control, frame after frame, on a tunnel that is open. */
export class FrameSorter {
  private marked = false

  sort(frame: Buffer): 'data' | 'control' | 'mark' {
    if (this.marked) {
      if (frame.length === 0) throw new MalformedBytes('two marks without a control message')
      this.marked = false
      return 'control'
    }
    if (frame.length > 0) return 'data'
    this.marked = true
    return 'mark'
  }
}

/** Views on `bytes`, none longer than `most`, none empty. */
export function pieces(bytes: Buffer, most: number = MAX_FRAME): readonly Buffer[] {
  if (bytes.length <= most) return bytes.length === 0 ? [] : [bytes]
  const all: Buffer[] = []
  for (let start = 0; start < bytes.length; start += most) {
    all.push(bytes.subarray(start, start + most))
  }
  return all
}
