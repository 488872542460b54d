import type { OnReadOpts, Socket } from 'node:net'

const SIZE = 65_536

/** Up to this size what was read is copied out, and the buffer is read into again. */
const SMALL = 4_096

/**
 * Reads a socket into a buffer of its own and emits `data` as usual. Without it each read, however
 * small, allocates 64 kB and shrinks them again. `socket` is the one that these options make.
 */
export function readingInto(socket: () => Socket): OnReadOpts {
  let buffer = Buffer.allocUnsafeSlow(SIZE)
  return {
    buffer: () => buffer,
    callback: (length, read) => {
      const bytes = (read as Buffer).subarray(0, length)
      if (length > SMALL) buffer = Buffer.allocUnsafeSlow(SIZE)
      socket().emit('data', length > SMALL ? bytes : Buffer.from(bytes))
      return true
    },
  }
}
