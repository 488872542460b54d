import { readFileSync } from 'node:fs'

/** The SQL cases (test/fixtures/sql.jsonl): what a real server did with each, and what must be done. */
export interface Case {
  readonly id: string
  readonly sql: string
  readonly expect: 'pass' | 'hold' | 'refuse'
  /** SQLSTATE, or "ok", of a read-only session of the tables' owner. */
  readonly pg_read_only_app?: string
  /** Likewise, of a superuser who may write. */
  readonly pg_read_write?: string
  readonly session?: readonly string[]
  readonly setup?: string | readonly string[]
  /** Of other sessions. */
  readonly setup_simple?: readonly string[]
  /** In the same session, approved. */
  readonly setup_rw_session?: readonly string[]
  /** Parsed by protocol, under these names. */
  readonly session_ext?: readonly { readonly name: string; readonly sql: string }[]
  readonly proto?: 'ext' | 'extbin'
  readonly params?: readonly string[]
  readonly copyin?: string
  readonly bytes_hex?: string
  /** `inference`: its rows are clean, its predicate tells what is masked. */
  readonly policy?: string
}

export const cases: readonly Case[] = file('sql.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)

export const CASE_ROLES = `
CREATE ROLE app LOGIN PASSWORD 'app'; CREATE ROLE dba; CREATE ROLE reader LOGIN; CREATE ROLE guest;
GRANT dba TO app;
`
/** Of PostgreSQL 15 and older alone. */
const GONE = 'CREATE EXTENSION IF NOT EXISTS adminpack;'
/** A protected value in free text, where no column says that it is one. */
const IN_NOTES = '457-55-5462 on the phone'

/** What the cases' database holds. */
export const CASE_DATA = file('sql-fixture.sql').replace(GONE, '').replace(IN_NOTES, 'it')

/** Somebody has made something for it before. */
export function isSetUp({ setup, setup_simple, setup_rw_session }: Case): boolean {
  return (setup ?? setup_simple ?? setup_rw_session) !== undefined
}

/** As the case's text stands on this server. */
export function here(text: string, database: string, port: number): string {
  return text.replaceAll('@DB@', database).replaceAll("'25432'", `'${port}'`)
}

function file(name: string): string {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
}
