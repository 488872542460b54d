import { existsSync } from 'node:fs'
import { HoopError } from '../../protocol/errors.ts'
import type { NewEntry } from '../../protocol/log/entries.ts'
import { ChainWriter, encodeHeader, genesis } from '../../protocol/log/writer.ts'
import type { Runtime } from '../runtime.ts'
import { LogFile, type LogFs, recordFailed } from './files.ts'
import { brokerLogPath } from './paths.ts'
import { type BrokerLogState, readBrokerLog } from './read-broker-log.ts'

/**
 * The one log above all sessions: each session's opening and closing (with its last hash), and
 * each look at the record, each change of what hoop goes by. A session that was removed is an opening without a file.
 */
export class BrokerLog {
  readonly #file: LogFile
  readonly #runtime: Runtime
  readonly #created: number
  readonly #writer: ChainWriter
  #micros = 0

  private constructor(file: LogFile, writer: ChainWriter, runtime: Runtime, created: number) {
    this.#file = file
    this.#writer = writer
    this.#runtime = runtime
    this.#created = created
  }

  /** Opens the log of a folder, or begins it. Refuses to go on from one that was tampered with. */
  static open(
    folder: string,
    fs: LogFs,
    runtime: Runtime,
  ): { log: BrokerLog; state: BrokerLogState } {
    const path = brokerLogPath(folder)
    const state = existsSync(path) ? readBrokerLog(path) : null
    if (state === null || state.header === null) return BrokerLog.#begin(path, fs, runtime)
    if (state.damage !== null) throw damaged(path, state.damage.entry, state.damage.reason)
    const file = LogFile.resume(fs, path, state.size)
    const writer = new ChainWriter({ seq: state.entries, hash: state.hash })
    const log = new BrokerLog(file, writer, runtime, state.header.created)
    log.#micros = state.micros
    if (state.torn !== null) log.append({ kind: 'torn', ...state.torn })
    return { log, state }
  }

  static #begin(
    path: string,
    fs: LogFs,
    runtime: Runtime,
  ): { log: BrokerLog; state: BrokerLogState } {
    const created = runtime.now()
    const header = encodeHeader({ type: 'broker', id: runtime.id('j'), created })
    const file = existsSync(path) ? LogFile.resume(fs, path, 0) : LogFile.create(fs, path)
    file.write(header, 0, header.length)
    file.sync()
    const log = new BrokerLog(file, new ChainWriter(genesis(header)), runtime, created)
    return { log, state: readBrokerLog(path) }
  }

  get path(): string {
    return this.#file.path
  }

  /** Where the log stands. Whoever keeps this can prove later that nothing before it was changed. */
  get head(): { entries: number; hash: string } {
    return { entries: this.#writer.seq, hash: this.#writer.hash }
  }

  /**
   * Throws when it cannot. A file that is not as long as this process left it has a second writer,
   * or was cut: going on would hide that.
   */
  append(entry: NewEntry): void {
    const size = this.#file.size
    const actual = this.#file.actualSize
    if (actual !== size) throw changed(this.path, size, actual)
    try {
      const micros = Math.floor((this.#runtime.now() - this.#created) * 1000)
      this.#micros = Math.max(this.#micros, micros)
      this.#writer.append([entry], this.#micros, this.#file.write)
    } catch (error) {
      // A full disk may have room again later: the log stays as it was before the entry.
      this.#file.cutBack(size)
      throw recordFailed(error)
    }
  }

  sync(): void {
    this.#file.sync()
  }

  close(): void {
    this.#file.close()
  }
}

function damaged(path: string, entry: number, reason: string): HoopError {
  return refusal(
    `${path}: entry ${entry}: ${reason}. The broker does not go on from a damaged record.`,
    'Keep the folder as evidence (hoop sessions verify --dir FOLDER names all that is wrong), and give the broker a new data_dir.',
  )
}

function changed(path: string, size: number, actual: number): HoopError {
  return refusal(
    `${path} was changed by another hand: it has ${actual} bytes, the broker wrote ${size}.`,
    'Nothing more is recorded, so nothing more runs. hoop sessions verify --all names what is wrong.',
  )
}

function refusal(message: string, hint: string): HoopError {
  return new HoopError({ code: 'record_damaged', message, hint, exit: 8, fault: 'hoop' })
}
