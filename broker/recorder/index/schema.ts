import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { privateFile } from '../files.ts'

/** Counted up whenever the tables change: an index of another version is built anew. */
const VERSION = 1

const TABLES = `
CREATE TABLE session (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user TEXT NOT NULL,
  connection TEXT NOT NULL,
  database TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER,
  offset INTEGER NOT NULL
) STRICT;
CREATE INDEX session_started ON session (started);
CREATE INDEX session_person ON session (issuer, subject, started);
CREATE TABLE verdict (
  session INTEGER NOT NULL REFERENCES session,
  verdict TEXT NOT NULL,
  PRIMARY KEY (session, verdict)
) STRICT, WITHOUT ROWID;
CREATE TABLE touched (
  session INTEGER NOT NULL REFERENCES session,
  relation TEXT NOT NULL,
  bare TEXT NOT NULL,
  PRIMARY KEY (session, relation)
) STRICT, WITHOUT ROWID;
CREATE INDEX touched_relation ON touched (bare, session);
CREATE TABLE line (
  number INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session,
  entry INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  context TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (
  text, context,
  content = 'line', content_rowid = 'number',
  tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
PRAGMA user_version = ${VERSION};
`

/**
 * The index is made from the logs and can be made again from them, so it may lose its last
 * moments (synchronous=OFF) and is thrown away when it cannot be used.
 */
export function openIndexDatabase(path: string): DatabaseSync {
  const database = tryOpen(path)
  if (database !== null) return database
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  privateFile(path)
  const fresh = new DatabaseSync(path)
  settings(fresh)
  fresh.exec(TABLES)
  return fresh
}

function tryOpen(path: string): DatabaseSync | null {
  privateFile(path)
  const database = new DatabaseSync(path)
  try {
    settings(database)
    const row = database.prepare('PRAGMA user_version').get()
    if (row?.['user_version'] === VERSION) return database
  } catch (error) {
    if (!isSqlite(error)) throw error
  }
  database.close()
  return null
}

function settings(database: DatabaseSync): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000')
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}
