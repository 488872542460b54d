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
  /** Whole CopyData messages; rows may span them. As many come back. */
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
  return {
    push(bytes) {
      run.begin(bytes, scanner.withinMasked)
      scanner.scan(run, 0, bytes.length)
      return run.finish()
    },
    messages(bytes) {
      run.begin(bytes, scanner.withinMasked)
      for (let at = 0; at < bytes.length; ) at = maskMessage(scanner, run, at)
      return run.finish()
    },
    end() {
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

/** Masks the message that begins at `at`, gives back where the next one begins. */
function maskMessage(scanner: Scanner, run: Run, at: number): number {
  const { source, out } = run
  if (source[at] !== COPY_DATA || source.length - at < HEADER) {
    throw new MaskingError('a message within COPY is not CopyData')
  }
  const end = at + 1 + source.readInt32BE(at + 1)
  if (end < at + HEADER || end > source.length) {
    throw new MaskingError('CopyData has a length that cannot be')
  }
  const place = run.placeOf(at)
  run.header(at, at + HEADER)
  scanner.scan(run, at + HEADER, end)
  // If the header is written, something after it was masked; else the message stays as it is.
  if (place < out.length) out.patchInt32(place + 1, run.placeOf(end) - place - 1)
  return end
}
