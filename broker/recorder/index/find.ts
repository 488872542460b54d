import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { matchingLine, matchOf, type Term, termsOf } from './words.ts'

/** What a person wants to see of the record, and what they may. */
export interface Wanted {
  /** Null: every session. */
  readonly only: { readonly issuer: string; readonly subject: string } | null
  readonly user: string | null
  readonly connection: string | null
  /** Epoch milliseconds. */
  readonly since: number | null
  readonly until: number | null
  readonly verdict: string | null
  readonly table: string | null
  readonly limit: number
}

export interface FoundLine {
  readonly entry: number
  readonly at: number
  readonly kind: string
  readonly line: string
}

export interface FoundSession {
  readonly session: string
  readonly path: string
  readonly issuer: string
  readonly subject: string
  readonly user: string
  readonly connection: string
  readonly database: string
  readonly started: number
  readonly ended: number | null
  readonly verdicts: readonly string[]
  readonly lines: readonly FoundLine[]
}

const LINES_OF_ONE = 20
const READ_AT_ONCE = 1000

interface Condition {
  readonly sql: string
  readonly values: readonly SQLInputValue[]
}

function conditions(wanted: Wanted): Condition[] {
  const list: Condition[] = []
  const add = (sql: string, ...values: SQLInputValue[]) => list.push({ sql, values })
  const { only, user, connection, verdict, table } = wanted
  if (only) add('s.issuer = ? AND s.subject = ?', only.issuer, only.subject)
  if (user) add('(s.user = ? COLLATE NOCASE OR s.subject = ?)', user, user)
  if (connection) add('s.connection = ?', connection)
  if (verdict)
    add('EXISTS (SELECT 1 FROM verdict v WHERE v.session = s.number AND v.verdict = ?)', verdict)
  if (table) {
    const bare = table.slice(table.lastIndexOf('.') + 1).toLowerCase()
    const whole = table.includes('.') ? table : `%.${table}`
    const named = 't.bare = ? AND (t.relation LIKE ? OR t.relation = ?)'
    add(
      `EXISTS (SELECT 1 FROM touched t WHERE t.session = s.number AND ${named})`,
      bare,
      whole,
      table,
    )
  }
  return list
}

/** A session that was open at any moment between the two. */
function sessionTimes({ since, until }: Wanted): Condition[] {
  const list: Condition[] = []
  if (since !== null) list.push({ sql: '(s.ended IS NULL OR s.ended >= ?)', values: [since] })
  if (until !== null) list.push({ sql: 's.started <= ?', values: [until] })
  return list
}

function lineTimes({ since, until }: Wanted): Condition[] {
  const list: Condition[] = []
  if (since !== null) list.push({ sql: 'l.at >= ?', values: [since] })
  if (until !== null) list.push({ sql: 'l.at <= ?', values: [until] })
  return list
}

/** Reads from the index; the logs are not touched. */
export class Finder {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  list(wanted: Wanted): FoundSession[] {
    const all = [...conditions(wanted), ...sessionTimes(wanted)]
    const rows = this.#all(
      `SELECT s.* FROM session s ${where(all)} ORDER BY s.started DESC, s.number DESC LIMIT ?`,
      [...valuesOf(all), wanted.limit],
    )
    return rows.map((row) => this.#session(row, []))
  }

  /** Sessions in which a line has all the words; or, where none has, those that have them anywhere. */
  search(query: string, wanted: Wanted): FoundSession[] {
    const terms = termsOf(query)
    if (terms.length === 0) return this.list(wanted)
    const found = this.#collect(terms.map(matchOf).join(' AND '), terms, wanted, [])
    if (found.length > 0 || terms.length === 1) return found
    const everywhere = terms.map((term) => ({
      sql: `s.number IN (SELECT h.session FROM words w JOIN line h ON h.number = w.rowid
            WHERE w.words MATCH ?)`,
      values: [matchOf(term)],
    }))
    return this.#collect(terms.map(matchOf).join(' OR '), terms, wanted, everywhere)
  }

  get(session: string): FoundSession | null {
    const [row] = this.#all('SELECT s.* FROM session s WHERE s.id = ?', [session])
    return row === undefined ? null : this.#session(row, [])
  }

  /** Newest lines first, until there are enough sessions; one that has enough lines is left out. */
  #collect(
    match: string,
    terms: readonly Term[],
    wanted: Wanted,
    more: readonly Condition[],
  ): FoundSession[] {
    const lines = new Map<number, FoundLine[]>()
    const full: number[] = []
    let before = Number.MAX_SAFE_INTEGER
    for (;;) {
      const all: Condition[] = [
        { sql: 'words MATCH ? AND words.rowid < ?', values: [match, before] },
        { sql: `l.session NOT IN (${full.join(',')})`, values: [] },
        ...conditions(wanted),
        ...lineTimes(wanted),
        ...more,
      ]
      const rows = this.#all(
        `SELECT l.* FROM words JOIN line l ON l.number = words.rowid
         JOIN session s ON s.number = l.session ${where(all)}
         ORDER BY words.rowid DESC LIMIT ${READ_AT_ONCE}`,
        valuesOf(all),
      )
      for (const row of rows) note(lines, row, terms, full)
      const last = rows.at(-1)
      if (last === undefined || rows.length < READ_AT_ONCE || lines.size >= wanted.limit) break
      before = Number(last['number'])
    }
    return this.#sessions(lines, wanted.limit)
  }

  #sessions(lines: ReadonlyMap<number, FoundLine[]>, limit: number): FoundSession[] {
    const found: FoundSession[] = []
    for (const [number, own] of lines) {
      const [row] = this.#all('SELECT s.* FROM session s WHERE s.number = ?', [number])
      if (row !== undefined) found.push(this.#session(row, own.reverse()))
    }
    return found.sort((a, b) => b.started - a.started).slice(0, limit)
  }

  #session(row: Row, lines: readonly FoundLine[]): FoundSession {
    const verdicts = this.#all('SELECT verdict FROM verdict WHERE session = ? ORDER BY verdict', [
      row['number'] ?? null,
    ])
    return {
      session: String(row['id']),
      path: String(row['path']),
      issuer: String(row['issuer']),
      subject: String(row['subject']),
      user: String(row['user']),
      connection: String(row['connection']),
      database: String(row['database']),
      started: Number(row['started']),
      ended: row['ended'] === null ? null : Number(row['ended']),
      verdicts: verdicts.map((each) => String(each['verdict'])),
      lines,
    }
  }

  #all(sql: string, values: readonly SQLInputValue[]): Row[] {
    return this.#database.prepare(sql).all(...values)
  }
}

type Row = Record<string, SQLInputValue>

function note(
  lines: Map<number, FoundLine[]>,
  row: Row,
  terms: readonly Term[],
  full: number[],
): void {
  const session = Number(row['session'])
  const own = lines.get(session) ?? []
  if (own.length >= LINES_OF_ONE) return
  lines.set(session, own)
  const line = matchingLine(String(row['text']), terms)
  own.push({ entry: Number(row['entry']), at: Number(row['at']), kind: String(row['kind']), line })
  if (own.length >= LINES_OF_ONE) full.push(session)
}

function where(list: readonly Condition[]): string {
  return list.length === 0 ? '' : `WHERE ${list.map(({ sql }) => sql).join(' AND ')}`
}

function valuesOf(list: readonly Condition[]): SQLInputValue[] {
  return list.flatMap(({ values }) => values)
}
