import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { PartJoiner, type WholeEntry } from '../parts.ts'
import { sessionFiles, sessionOfPath } from '../paths.ts'
import { userOf } from '../present.ts'
import { LogWalker } from '../walk.ts'
import { INDEXED_PAYLOADS, LineMaker } from './lines.ts'

/** A log that may hold more than is indexed. */
export interface Grown {
  readonly session: string
  readonly path: string
  readonly size: number
}

interface Cursor {
  readonly number: number
  readonly started: number
  readonly joiner: PartJoiner
  readonly maker: LineMaker
  offset: number
  closed: boolean
}

/** Entries in one transaction: the time that a search has to wait for it stays small. */
const BATCH = 500

/** Reads logs into the index, a little at a time. */
export class Feed {
  readonly #folder: string
  readonly #database: DatabaseSync
  readonly #waiting = new Map<string, Grown>()
  readonly #cursors = new Map<string, Cursor>()
  readonly #sql: ReturnType<typeof prepare>

  constructor(folder: string, database: DatabaseSync) {
    this.#folder = folder
    this.#database = database
    this.#sql = prepare(database)
  }

  /** Logs that still have something to read. */
  get waiting(): number {
    return this.#waiting.size
  }

  grown(log: Grown): void {
    this.#waiting.set(log.session, log)
  }

  /** Everything below the folder that is longer than what was read of it: at start. */
  findAll(): void {
    for (const path of sessionFiles(this.#folder)) {
      const { size } = statSync(join(this.#folder, path))
      const session = sessionOfPath(path)
      const known = this.#sql.known.get(session)
      if (known === undefined || Number(known['offset']) < size) this.grown({ session, path, size })
    }
  }

  /** One step. False: nothing was left to do. */
  step(): boolean {
    const next = this.#waiting.values().next().value
    if (next === undefined) return false
    this.#database.exec('BEGIN')
    const done = this.#read(next)
    this.#database.exec('COMMIT')
    if (done) this.#waiting.delete(next.session)
    if (done && this.#cursors.get(next.session)?.closed === true) this.#cursors.delete(next.session)
    return true
  }

  /** True: there is no more of it to read. A file that cannot be read is left: verify tells why. */
  #read(log: Grown): boolean {
    let walker: LogWalker | null = null
    try {
      const cursor = this.#cursors.get(log.session) ?? this.#resume(log)
      walker = LogWalker.open(join(this.#folder, log.path), cursor?.offset ?? null)
      return this.#walk(walker, log, cursor)
    } catch (error) {
      if (error instanceof Error && isUnreadable(error)) return true
      throw error
    } finally {
      walker?.close()
    }
  }

  #walk(walker: LogWalker, log: Grown, known: Cursor | null): boolean {
    let cursor = known
    for (let i = 0; i < BATCH; i++) {
      const frame = walker.next(log.size, INDEXED_PAYLOADS)
      if (frame === null) break
      const whole = cursor === null ? new PartJoiner().push(frame) : cursor.joiner.push(frame)
      for (const entry of whole) {
        cursor ??= this.#begin(log, walker.created(), entry)
        this.#add(cursor, entry)
      }
      if (cursor === null) throw new RangeError('the log does not begin with an opening')
      cursor.offset = walker.offset
    }
    if (cursor === null) return true
    this.#sql.moved.run(cursor.offset, cursor.number)
    return cursor.offset >= log.size || walker.next(log.size, new Set()) === null
  }

  #begin(log: Grown, created: number, { entry }: WholeEntry): Cursor | null {
    if (entry.kind !== 'open') return null
    const started = Math.round(created)
    const { issuer, subject, connection, database } = entry
    const row = [
      log.session,
      log.path,
      issuer,
      subject,
      userOf(entry),
      connection,
      database,
      started,
    ]
    const { lastInsertRowid } = this.#sql.begin.run(...row)
    return this.#cursor(log.session, Number(lastInsertRowid), started, 0)
  }

  #resume(log: Grown): Cursor | null {
    const known = this.#sql.known.get(log.session)
    if (known === undefined) return null
    const { number, started, offset } = known
    return this.#cursor(log.session, Number(number), Number(started), Number(offset))
  }

  #cursor(session: string, number: number, started: number, offset: number): Cursor {
    const parts = { joiner: new PartJoiner(), maker: new LineMaker() }
    const cursor = { number, started, offset, closed: false, ...parts }
    this.#cursors.set(session, cursor)
    return cursor
  }

  #add(cursor: Cursor | null, whole: WholeEntry): void {
    if (cursor === null) return
    const { number, started, maker } = cursor
    const { lines, verdict, relations } = maker.of(whole)
    for (const { entry, micros, kind, text, context } of lines) {
      const at = started + Math.floor(micros / 1000)
      const { lastInsertRowid } = this.#sql.line.run(number, entry, at, kind, text, context)
      this.#sql.words.run(lastInsertRowid, text, context)
    }
    if (verdict !== null) this.#sql.verdict.run(number, verdict)
    for (const relation of relations) this.#sql.touched.run(number, relation, bareName(relation))
    if (whole.entry.kind !== 'close') return
    this.#sql.ended.run(started + Math.floor(whole.micros / 1000), number)
    cursor.closed = true
  }
}

function bareName(relation: string): string {
  return relation.slice(relation.lastIndexOf('.') + 1).toLowerCase()
}

function isUnreadable(error: Error): boolean {
  return error instanceof RangeError || error.name === 'LogFormatError' || 'syscall' in error
}

function prepare(
  database: DatabaseSync,
): Record<
  'known' | 'begin' | 'moved' | 'ended' | 'line' | 'words' | 'verdict' | 'touched',
  StatementSync
> {
  return {
    known: database.prepare('SELECT number, started, offset FROM session WHERE id = ?'),
    begin: database.prepare(
      `INSERT INTO session (id, path, issuer, subject, user, connection, database, started, offset)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    ),
    moved: database.prepare('UPDATE session SET offset = ? WHERE number = ?'),
    ended: database.prepare('UPDATE session SET ended = ? WHERE number = ?'),
    line: database.prepare(
      'INSERT INTO line (session, entry, at, kind, text, context) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    words: database.prepare('INSERT INTO words (rowid, text, context) VALUES (?, ?, ?)'),
    verdict: database.prepare('INSERT OR IGNORE INTO verdict (session, verdict) VALUES (?, ?)'),
    touched: database.prepare(
      'INSERT OR IGNORE INTO touched (session, relation, bare) VALUES (?, ?, ?)',
    ),
  }
}
