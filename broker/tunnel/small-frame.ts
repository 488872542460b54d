/** Up to this size a copy is cheaper than a system call with two buffers. */
export const SMALL = 16_384

/**
 * One binary message as a server sends it (RFC 6455 section 5.2), header and payload in one buffer; `ws`
 * writes the two apart. Not above {@link SMALL}. May be mixed with `ws.send`, because without compression both
 * write at once.
 */
export function smallFrame(payload: Buffer): Buffer {
  const { length } = payload
  const header = length < EXTENDED ? 2 : 4
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = FINAL_BINARY
  if (length < EXTENDED) frame[1] = length
  else {
    frame[1] = EXTENDED
    frame.writeUInt16BE(length, 2)
  }
  payload.copy(frame, header)
  return frame
}

const FINAL_BINARY = 0x82
/** Says that the length stands in the two bytes that follow. */
const EXTENDED = 126
