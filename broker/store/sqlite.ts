import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { CompiledQuery, type DatabaseConnection, SqliteDialect, SqliteDriver } from 'kysely'
import { HoopError } from '../../protocol/errors.ts'

/**
 * A database file for this process alone. Everything committed is on the disk (FULL) or, for what
 * may be lost with the machine's power, with the operating system (NORMAL).
 */
export function openDatabase(file: string, durability: 'FULL' | 'NORMAL'): DatabaseSync {
  if (file !== ':memory:') makePrivate(file)
  const database = new DatabaseSync(file, {
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
  })
  try {
    // Two brokers on one file would cancel each other's requests: the second must not start.
    database.exec('pragma locking_mode = exclusive')
    database.exec('pragma journal_mode = wal')
    database.exec(`pragma synchronous = ${durability}`)
    database.exec('pragma recursive_triggers = on')
    // What is destroyed is overwritten, not only forgotten.
    database.exec('pragma secure_delete = on')
    database.exec('begin exclusive; commit')
    return database
  } catch (error) {
    database.close()
    throw isBusy(error) ? locked(file, error) : error
  }
}

/** Before SQLite opens it: what SQLite puts beside a file gets the same rights. */
function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

const SQLITE_BUSY = 5

function locked(file: string, cause: unknown): HoopError {
  return new HoopError({
    code: 'store_in_use',
    message: `Another broker is using ${file}.`,
    hint: 'Stop it first, or give this one a data_dir of its own.',
    cause,
  })
}

/** Kysely over node:sqlite; it was made for better-sqlite3, which knows whether a statement reads. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    super({ database: adapt(database) })
    this.#database = database
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver({ database: adapt(this.#database) })
  }
}

/** Takes the write lock when a transaction begins: a later upgrade could fail half-way. */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }
}

function adapt(database: DatabaseSync) {
  return {
    close: () => database.close(),
    prepare: (text: string) => {
      const statement = database.prepare(text)
      const values = (all: readonly unknown[]) => all as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...values(parameters)),
        run: (parameters: readonly unknown[]) => statement.run(...values(parameters)),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...values(parameters)),
      }
    },
  }
}
