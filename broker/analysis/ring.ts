/**
 * Questions and answers between two threads through shared memory. A postMessage each way costs
 * about 25 µs and a structured clone; here a question is a copy and a futex, and the answer wakes
 * the event loop once for all that are ready (8 to 10 µs measured for both ways, see
 * docs/performance.md).
 *
 * Slots are used in turn. A slot holds a question until its answer is written over it, and the
 * answer until it was taken: whoever counts further than the other may not touch it.
 */

/** What is shared; send it to the worker as it is. */
export interface RingMemory {
  readonly bytes: SharedArrayBuffer
  readonly slots: number
  readonly slotBytes: number
}

/** Positions of the counters. */
const ASKED = 0
const ANSWERED = 1
/** 1 = the asker has been told to look and has not yet looked. */
const TOLD = 2
/** Grows when something else than a question waits for the worker. */
const NEWS = 3
const COUNTERS_BYTES = 64

/** Lengths of the two parts; the second length of an answer says whether it fitted. */
const HEADER = 8
const OVERFLOW = 0xffff_ffff

export function createRing(slots: number, slotBytes: number): RingMemory {
  return { bytes: new SharedArrayBuffer(COUNTERS_BYTES + slots * slotBytes), slots, slotBytes }
}

class Slots {
  readonly counters: Int32Array
  readonly memory: RingMemory
  private readonly bytes: Buffer

  constructor(memory: RingMemory) {
    this.memory = memory
    this.counters = new Int32Array(memory.bytes, 0, COUNTERS_BYTES / 4)
    this.bytes = Buffer.from(memory.bytes)
  }

  /** The slot of the question with this number. */
  at(number: number): Buffer {
    const { slots, slotBytes } = this.memory
    const start = COUNTERS_BYTES + (number % slots) * slotBytes
    return this.bytes.subarray(start, start + slotBytes)
  }
}

/** The end that asks. Answers come in the order of the questions. */
export class Asker {
  private readonly slots: Slots
  private asked = 0
  private taken = 0

  constructor(memory: RingMemory) {
    this.slots = new Slots(memory)
  }

  /** False: all slots are in use, or the question does not fit into one. */
  ask(topic: string, text: Buffer): boolean {
    const { slots, slotBytes } = this.slots.memory
    if (this.asked - this.taken >= slots) return false
    const topicBytes = Buffer.byteLength(topic)
    if (HEADER + topicBytes + text.length > slotBytes) return false
    const slot = this.slots.at(this.asked)
    slot.writeUInt32LE(topicBytes, 0)
    slot.writeUInt32LE(text.length, 4)
    slot.write(topic, HEADER)
    text.copy(slot, HEADER + topicBytes)
    this.asked++
    Atomics.store(this.slots.counters, ASKED, this.asked | 0)
    Atomics.notify(this.slots.counters, ASKED)
    return true
  }

  /** Wakes the other end to look at its mailbox. */
  news(): void {
    Atomics.add(this.slots.counters, NEWS, 1)
    Atomics.notify(this.slots.counters, ASKED)
  }

  /** Answers that are ready; null = this one did not fit and comes as a message. */
  take(): (string | null)[] {
    // First take back the flag, then look: what is answered in between tells again.
    Atomics.store(this.slots.counters, TOLD, 0)
    const answered = Atomics.load(this.slots.counters, ANSWERED)
    const out: (string | null)[] = []
    while ((this.taken | 0) !== answered) {
      const slot = this.slots.at(this.taken++)
      const length = slot.readUInt32LE(0)
      out.push(length === OVERFLOW ? null : slot.toString('utf8', HEADER, HEADER + length))
    }
    return out
  }
}

export interface Question {
  readonly topic: string
  readonly text: Buffer
}

/** The end that answers, and sleeps in between: its thread does nothing else. */
export class Answerer {
  private readonly slots: Slots
  private readonly tell: () => void
  private answered = 0
  private seenNews = 0

  /** `tell` wakes the asker's event loop; it then calls `take`. */
  constructor(memory: RingMemory, tell: () => void) {
    this.slots = new Slots(memory)
    this.tell = tell
  }

  /** The next question; null = there is news instead. Blocks the thread. */
  wait(): Question | null {
    const { counters } = this.slots
    for (;;) {
      const news = Atomics.load(counters, NEWS)
      if (news !== this.seenNews) {
        this.seenNews = news
        return null
      }
      const asked = Atomics.load(counters, ASKED)
      if (asked !== (this.answered | 0)) return this.read()
      Atomics.wait(counters, ASKED, asked)
    }
  }

  /** False: the answer does not fit; the asker is told so, and waits for it elsewhere. */
  answer(text: string): boolean {
    const slot = this.slots.at(this.answered++)
    const room = slot.length - HEADER
    // Three bytes are the most that a UTF-16 unit becomes.
    const fits = text.length * 3 <= room || Buffer.byteLength(text) <= room
    slot.writeUInt32LE(fits ? slot.write(text, HEADER) : OVERFLOW, 0)
    const { counters } = this.slots
    Atomics.store(counters, ANSWERED, this.answered | 0)
    if (Atomics.exchange(counters, TOLD, 1) === 0) this.tell()
    return fits
  }

  /** A copy: nothing that is judged may change meanwhile. */
  private read(): Question {
    const slot = this.slots.at(this.answered)
    const topicBytes = slot.readUInt32LE(0)
    const start = HEADER + topicBytes
    const end = start + slot.readUInt32LE(4)
    return {
      topic: slot.toString('utf8', HEADER, start),
      text: Buffer.from(slot.subarray(start, end)),
    }
  }
}
