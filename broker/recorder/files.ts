import * as fs from 'node:fs'
import { HoopError } from '../../protocol/errors.ts'
import type { Sink } from '../../protocol/log/writer.ts'

/** The calls of node:fs that writing a log makes: a test gives others that fail. */
export type LogFs = Pick<
  typeof fs,
  | 'openSync'
  | 'writeSync'
  | 'fdatasyncSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'closeSync'
  | 'fstatSync'
>

export const systemFs: LogFs = fs

/** A file that grows at its end. It knows how much of it was written whole. */
export class LogFile {
  readonly path: string
  readonly #fs: LogFs
  readonly #fd: number
  #size: number
  #open = true

  private constructor(fs: LogFs, path: string, fd: number, size: number) {
    this.#fs = fs
    this.path = path
    this.#fd = fd
    this.#size = size
  }

  /** Fails when the file is there: no log is ever written over. */
  static create(fs: LogFs, path: string): LogFile {
    return new LogFile(fs, path, fs.openSync(path, 'ax', 0o600), 0)
  }

  /** Goes on after `size` bytes; whatever stands behind them is cut away. */
  static resume(fs: LogFs, path: string, size: number): LogFile {
    const file = new LogFile(fs, path, fs.openSync(path, 'a', 0o600), size)
    file.cutBack()
    return file
  }

  /** Bytes that were written whole. */
  get size(): number {
    return this.#size
  }

  /** Bytes that the file has now. */
  get actualSize(): number {
    return this.#fs.fstatSync(this.#fd).size
  }

  readonly write: Sink = (bytes, offset, length) => {
    let done = 0
    while (done < length) {
      done += this.#fs.writeSync(this.#fd, bytes, offset + done, length - done)
    }
    this.#size += length
  }

  /** Takes back what a failed write left behind, from `size` on. */
  cutBack(size: number = this.#size): void {
    this.#fs.ftruncateSync(this.#fd, size)
    this.#size = size
  }

  sync(): void {
    this.#fs.fdatasyncSync(this.#fd)
  }

  close(): void {
    if (this.#open) this.#fs.closeSync(this.#fd)
    this.#open = false
  }
}

/** Makes a file that SQLite is to open, for nobody else to read. */
export function privateFile(path: string): void {
  fs.closeSync(fs.openSync(path, 'a', 0o600))
}

/** Makes the names in a folder last, as fdatasync does for a file's bytes. */
export function syncFolder(fs: LogFs, path: string): void {
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** What a person is told when the record cannot be written. */
export function recordFailed(cause: unknown): HoopError {
  const code = (cause as NodeJS.ErrnoException | null)?.code
  const why = code === 'ENOSPC' ? 'no space is left on its disk' : (code ?? 'the write failed')
  return new HoopError({
    code: 'record_failed',
    message: `The session cannot be recorded: ${why}. Nothing runs unrecorded, so it ends.`,
    hint: 'Tell the operator of the broker: the folder data_dir/sessions must be writable.',
    fault: 'hoop',
    cause,
  })
}
