import type { CopyOptions } from '../../protocol/pg/statement.ts'
import { BinaryScanner } from './copy-binary.ts'
import { CsvScanner } from './copy-csv.ts'
import { TextScanner } from './copy-text.ts'
import { MaskingError } from './errors.ts'
import type { RowPlan } from './plan.ts'
import { Run, type Scanner } from './run.ts'

export interface CopyMasker {
  /** The stream's bytes without the headers of CopyData; may be cut anywhere. */
  push(bytes: Buffer): Buffer
  /**
   * CopyData messages; rows may span them. One that is too large to be held may come in parts, of
   * which each becomes a message of its own; a header comes whole.
   */
  messages(bytes: Buffer): Buffer
  /** At CopyDone: nothing more comes. Throws if the stream was cut within a row. */
  end(): Buffer
}

const NOTHING = Buffer.alloc(0)

/**
 * Masks the output of COPY … TO STDOUT as it streams; memory is bounded whatever the values are.
 * The plan is that of planCopy. Options are those of the statement.
 */
export function createCopyMasker(plan: RowPlan, options: CopyOptions): CopyMasker {
  if (plan.clear) return CLEAR
  const scanner = createScanner(plan, options)
  const run = new Run()
  const messages = new Messages(scanner, run)
  return {
    push(bytes) {
      run.begin(bytes, scanner.withinMasked)
      scanner.scan(run, 0, bytes.length)
      return run.finish()
    },
    messages: (bytes) => messages.mask(bytes),
    end() {
      messages.end()
      scanner.end()
      return NOTHING
    },
  }
}

const CLEAR: CopyMasker = {
  push: (bytes) => bytes,
  messages: (bytes) => bytes,
  end: () => NOTHING,
}

function createScanner(plan: RowPlan, options: CopyOptions): Scanner {
  switch (options.format) {
    case 'text':
      return new TextScanner(plan.columns, options)
    case 'csv':
      return new CsvScanner(plan.columns, options)
    case 'binary':
      return new BinaryScanner(plan.columns)
  }
}

const COPY_DATA = 0x64
const HEADER = 5

/** Takes the stream out of its messages and puts the masked one into them. */
class Messages {
  readonly #scanner: Scanner
  readonly #run: Run
  /** Bytes of a message in parts that are still to come. */
  #left = 0

  constructor(scanner: Scanner, run: Run) {
    this.#scanner = scanner
    this.#run = run
  }

  mask(bytes: Buffer): Buffer {
    this.#run.begin(bytes, this.#scanner.withinMasked)
    let at = this.#left > 0 ? this.#part() : 0
    while (at < bytes.length) at = this.#message(at)
    return this.#run.finish()
  }

  end(): void {
    if (this.#left > 0) throw new MaskingError('COPY ended within a message')
  }

  /** More of a message whose header is gone: it gets another one. */
  #part(): number {
    const { source, out } = this.#run
    const end = Math.min(this.#left, source.length)
    this.#left -= end
    const place = out.length
    out.byte(COPY_DATA)
    out.int32(0)
    this.#scanner.scan(this.#run, 0, end)
    out.patchInt32(place + 1, this.#run.placeOf(end) - place - 1)
    return end
  }

  /** Masks the message that begins at `at`, gives back where the next one begins. */
  #message(at: number): number {
    const { source, out } = this.#run
    if (source[at] !== COPY_DATA || source.length - at < HEADER) {
      throw new MaskingError('a message within COPY is not CopyData')
    }
    const last = at + 1 + source.readInt32BE(at + 1)
    if (last < at + HEADER) throw new MaskingError('CopyData has a length that cannot be')
    const end = Math.min(last, source.length)
    this.#left = last - end
    const place = this.#run.placeOf(at)
    this.#run.header(at, at + HEADER)
    this.#scanner.scan(this.#run, at + HEADER, end)
    if (this.#left > 0) this.#run.write(end)
    // If the header is written, something after it is not as it was; else the message stays.
    if (place < out.length) out.patchInt32(place + 1, this.#run.placeOf(end) - place - 1)
    return end
  }
}
