/** Each end says something at least this often, unless its last words are still not sent. */
export const HEARTBEAT_MS = 15_000

/** Heartbeats in a row that may be missed. */
const PATIENCE = 4

/**
 * Is the other end still there? Looked at once per heartbeat. Every byte that arrives counts, so a
 * slow line is not a dead one; and an end that has itself stopped reading cannot know, and waits.
 */
export class Liveness {
  private bytes = -1
  private missed = 0

  beat(bytesRead: number, reading: boolean): 'alive' | 'gone' {
    if (!reading || bytesRead !== this.bytes) {
      this.bytes = bytesRead
      this.missed = 0
      return 'alive'
    }
    this.missed++
    return this.missed >= PATIENCE ? 'gone' : 'alive'
  }
}
