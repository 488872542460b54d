import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { HoopError } from '../../protocol/errors.ts'

/** What is said of spooled data to those who decide. */
export interface SpoolSummary {
  readonly rows: number | null
  readonly size: number
  readonly firstRows: readonly string[]
  /** SHA-256, hex. */
  readonly digest: string
}

const CHUNK = 65_536
const FIRST_ROWS = 5
const HEAD_LIMIT = 2_048
const END_MARK = 4

/**
 * The data of one COPY FROM STDIN, in a file of mode 0600 until it is decided. Above the bound it
 * takes no more, and says so when it is asked.
 */
export class Spool {
  private readonly path: string
  private readonly limit: number
  private file: number | null = null
  private hash: Hash = createHash('sha256')
  private size = 0
  private lines = 0
  private head = Buffer.alloc(0)
  private tail = Buffer.alloc(0)
  private at = 0
  private overflow = false

  constructor(path: string, limit: number) {
    this.path = path
    this.limit = limit
  }

  get isTooLarge(): boolean {
    return this.overflow
  }

  append(bytes: Buffer): void {
    if (this.overflow) return
    if (this.size + bytes.length > this.limit) {
      this.overflow = true
      return
    }
    this.file ??= openSync(this.path, 'wx+', 0o600)
    writeAll(this.file, bytes)
    this.hash.update(bytes)
    this.size += bytes.length
    this.lines += countNewlines(bytes)
    this.tail = Buffer.concat([this.tail, bytes.subarray(-END_MARK)]).subarray(-END_MARK)
    if (this.head.length < HEAD_LIMIT) {
      this.head = Buffer.concat([this.head, bytes.subarray(0, HEAD_LIMIT - this.head.length)])
    }
  }

  summary(binary: boolean): SpoolSummary {
    const digest = this.hash.copy().digest('hex')
    if (binary) return { rows: null, size: this.size, firstRows: [], digest }
    const rows = this.head.toString('utf8').split('\n')
    const firstRows = rows.slice(0, FIRST_ROWS).filter((row) => row !== '' && row !== '\\.')
    // psql sends the end mark `\.` along; it is no row.
    const marked = this.tail.toString('latin1').endsWith('\n\\.\n')
    return { rows: marked ? this.lines - 1 : this.lines, size: this.size, firstRows, digest }
  }

  rewind(): void {
    this.at = 0
  }

  /** The next bytes from the start on; null at the end. */
  read(): Buffer | null {
    if (this.file === null || this.at >= this.size) return null
    const bytes = Buffer.allocUnsafe(Math.min(CHUNK, this.size - this.at))
    const read = readSync(this.file, bytes, 0, bytes.length, this.at)
    if (read <= 0) {
      throw new HoopError({ code: 'spool_lost', message: 'the data that was approved is gone' })
    }
    this.at += read
    return bytes.subarray(0, read)
  }

  clear(): void {
    if (this.file !== null) {
      closeSync(this.file)
      rmSync(this.path, { force: true })
    }
    this.file = null
    this.hash = createHash('sha256')
    this.size = 0
    this.lines = 0
    this.head = Buffer.alloc(0)
    this.tail = Buffer.alloc(0)
    this.at = 0
    this.overflow = false
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at)
}

function countNewlines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++
  return count
}
