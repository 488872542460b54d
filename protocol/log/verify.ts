import { LogFormatError } from './fields.ts'
import type { LogType } from './format.ts'
import { decodeEntry, type Frame, type LogFault, LogReader } from './reader.ts'

/** What is known of a log from elsewhere, and must be true of it. */
export interface Expected {
  readonly type: LogType
  /** The id that the log must have. */
  readonly id?: string
  /** True: the log may have no end yet. */
  readonly live?: boolean
  /** Where the log was seen to stand: entry number and its hash (hex). */
  readonly heads?: readonly {
    readonly entries: number
    readonly hash: string
    readonly by: string
  }[]
  /** What its genesis hash must be (hex). */
  readonly genesis?: string
}

export interface Verified {
  readonly ok: boolean
  readonly entries: number
  /** Of the last entry that holds, hex. */
  readonly hash: string
  readonly size: number
  /** The log has its end. */
  readonly closed: boolean
  readonly fault: LogFault | null
}

/**
 * Checks one log, from bytes in pieces: the chain, the grammar of its entries (begins with `open`,
 * ends with `close`, parts follow what they continue), and what is known of it from elsewhere.
 */
export class LogVerifier {
  readonly #reader = new LogReader()
  readonly #expected: Expected
  readonly #onFrame: ((frame: Frame) => void) | null
  #fault: LogFault | null = null
  #last: Frame | null = null
  #closed = false

  constructor(expected: Expected, onFrame: ((frame: Frame) => void) | null = null) {
    this.#expected = expected
    this.#onFrame = onFrame
  }

  push(bytes: Buffer): void {
    if (this.#fault !== null) return
    this.#reader.push(bytes)
    for (let item = this.#reader.next(); item !== null; item = this.#reader.next()) {
      if (item.type === 'fault') this.#fault = item.fault
      else if (item.type === 'header') this.#fault = this.#header(item.header, item.genesis)
      else this.#fault = this.#frame(item.frame)
      if (this.#fault !== null) return
    }
  }

  end(): Verified {
    this.#fault ??= this.#reader.end() ?? this.#end()
    const { seq, hash, size } = this.#reader
    return {
      ok: this.#fault === null,
      entries: seq,
      hash,
      size,
      closed: this.#closed,
      fault: this.#fault,
    }
  }

  #header(header: { type: LogType; id: string }, genesis: string): LogFault | null {
    const { type, id } = this.#expected
    if (header.type !== type)
      return fault(0, `this is the log of a ${header.type}, not of a ${type}`)
    if (id !== undefined && header.id !== id) return fault(0, `this is the log of ${header.id}`)
    if (this.#expected.genesis !== undefined && this.#expected.genesis !== genesis) {
      return fault(0, 'the header is not the one that the broker wrote: its hash is another')
    }
    return null
  }

  #frame(frame: Frame): LogFault | null {
    const bad = this.#grammar(frame) ?? this.#known(frame)
    if (bad !== null) return fault(frame.seq, bad)
    this.#last = frame
    this.#closed = frame.kind === 'close'
    this.#onFrame?.(frame)
    return null
  }

  #grammar(frame: Frame): string | null {
    const last = this.#last
    if (this.#closed) return 'it stands after the end'
    if (this.#expected.type === 'session' && (last === null) !== (frame.kind === 'open')) {
      return last === null ? 'it is not the opening of a session' : 'it opens the session again'
    }
    const continues = frame.kind === 'part'
    // A crash between two parts leaves the rest away; the start-up that follows closes the log.
    const cut = frame.kind === 'torn' || frame.kind === 'close'
    if (last?.more === true && !continues && !cut) return 'the entry before goes on, but not in it'
    if (continues && last?.more !== true) return 'it continues nothing'
    return malformed(frame)
  }

  #known(frame: Frame): string | null {
    const head = this.#expected.heads?.find((at) => at.entries === frame.seq)
    if (head === undefined || head.hash === frame.hash) return null
    return `its hash is not the one that ${head.by} has`
  }

  #end(): LogFault | null {
    const next = this.#reader.seq + 1
    const further = this.#expected.heads?.find((at) => at.entries >= next)
    if (further !== undefined) {
      return fault(
        next,
        `it is missing: the end was cut off; ${further.by} has ${further.entries} entries`,
      )
    }
    if (this.#closed || this.#expected.live === true || this.#expected.type === 'broker')
      return null
    return fault(next, 'it is missing: the log has no end (no entry says that the session closed)')
  }
}

function malformed(frame: Frame): string | null {
  try {
    decodeEntry(frame)
    return null
  } catch (error) {
    if (error instanceof LogFormatError) return error.message
    throw error
  }
}

function fault(entry: number, reason: string): LogFault {
  return { entry, reason }
}

/** A log that is whole in memory. */
export function verifyLog(bytes: Buffer, expected: Expected): Verified {
  const verifier = new LogVerifier(expected)
  verifier.push(bytes)
  return verifier.end()
}
