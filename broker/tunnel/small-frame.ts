import { Sender } from 'ws'

/** Up to this size a copy is cheaper than a system call with two buffers. */
export const SMALL = 16_384

/**
 * One binary message as it stands on the wire, header and payload in one buffer. `ws` writes the two
 * apart. May be mixed with `ws.send`, because without compression both write at once.
 */
export function smallFrame(payload: Buffer): Buffer {
  const [header, body] = Sender.frame(payload, BINARY)
  return body === undefined ? header : Buffer.concat([header, body])
}

const BINARY = { fin: true, opcode: 2, mask: false, readOnly: true, rsv1: false } as const
