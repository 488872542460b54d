import pg from 'pg'
import type { RunningPostgres } from './postgres.ts'

/**
 * All that a statement can change in a target, looked at beside the gate by a superuser: data with
 * their row locks, sequences, catalogues, large objects, locks, files, settings, other sessions.
 */

export class World {
  readonly admin: pg.Client
  readonly #victim: pg.Client
  readonly #listener: pg.Client
  readonly #query: string
  readonly #heard: string[] = []
  /** Facet → what it looked like. Any change of any facet is an effect. */
  #last: ReadonlyMap<string, string> = new Map()

  private constructor(clients: readonly [pg.Client, pg.Client, pg.Client], query: string) {
    ;[this.admin, this.#victim, this.#listener] = clients
    this.#query = query
    this.#listener.on('notification', ({ channel, payload }) => {
      this.#heard.push(`${channel} ${payload}`)
    })
  }

  static async open(server: RunningPostgres, database: string): Promise<World> {
    const connect = async (application_name: string, user = server.superuser) => {
      const client = new pg.Client({ ...wayTo(server), user, database, application_name })
      // Somebody may end the session; the look tells.
      client.on('error', () => undefined)
      await client.connect()
      return client
    }
    const admin = await connect('world')
    const victim = await connect('gw_victim', 'app')
    const listener = await connect('gw_listener', 'app')
    await listener.query('LISTEN gwch')
    const { rows } = await admin.query<{ name: string }>(CATALOGUES)
    const query = [...rows.map(({ name }) => rowsOf(name)), ...FACETS].join('\nUNION ALL ')
    return new World([admin, victim, listener], query)
  }

  /** Names of the facets that differ from what they were the last time. */
  async changes(): Promise<string[]> {
    const before = this.#last
    const after = await this.#look()
    this.#last = after
    const names = new Set([...before.keys(), ...after.keys()])
    return [...names].filter((name) => before.get(name) !== after.get(name))
  }

  /** What a session made for itself goes a moment after the session. */
  async withoutTemporary(): Promise<void> {
    const left = "SELECT FROM pg_class WHERE relpersistence = 't'"
    while ((await this.admin.query(left)).rows.length > 0) await new Promise(setImmediate)
    await this.changes()
  }

  async #look(): Promise<ReadonlyMap<string, string>> {
    const text = this.#query
    const { rows } = await this.admin.query<string[]>({ name: 'look', text, rowMode: 'array' })
    const look = new Map(rows as unknown as [string, string][])
    // A notification comes with the next answer at the latest.
    await this.#listener.query('SELECT 1')
    return look.set('heard', this.#heard.join('\n'))
  }

  async close(): Promise<void> {
    for (const client of [this.admin, this.#victim, this.#listener]) await client.end()
  }
}

function wayTo({ host, port, password }: RunningPostgres) {
  return { host, port, password }
}

const CATALOGUES = `SELECT relname AS name FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' ORDER BY 1`

/** Where its rows stand, and who made them. */
function rowsOf(catalogue: string): string {
  const row = 'pg_catalog.hash_record(ROW(ctid, xmin, xmax))'
  return `SELECT '${catalogue}', count(*) || ' ' || coalesce(sum(${row}), 0) FROM pg_catalog.${catalogue}`
}

const whole = (what: string, where = '') =>
  `SELECT kind || ' ' || oid::regclass, md5(query_to_xml(format('${what}', oid::regclass), false, true, '')::text)
   FROM (SELECT oid, relkind::text AS kind FROM pg_class WHERE relpersistence <> 't' AND oid >= 16384 AND ${where}) r`

const list = (facet: string, query: string) =>
  `SELECT '${facet}', coalesce((SELECT string_agg(l::text, E'\\n' ORDER BY l::text) FROM (${query}) l), '')`

/** What only a transaction that wrote, or means to, has. */
const LOCKS = `SELECT locktype, mode, relation, classid, objid FROM pg_locks
  WHERE pid <> pg_backend_pid() AND locktype NOT IN ('virtualxid') AND mode <> 'AccessShareLock'`

const FACETS = [
  // xmax of a row is its lock.
  whole('SELECT ctid, xmin, xmax, * FROM %s ORDER BY ctid', "relkind IN ('r', 'm')"),
  whole('SELECT * FROM %s', "relkind = 'S'"),
  // Whoever writes anything has a transaction number, even if it is rolled back.
  "SELECT 'transactions', pg_snapshot_xmax(pg_current_snapshot())::text",
  list('locks', LOCKS),
  list('files', "SELECT pg_ls_dir('.') UNION ALL SELECT pg_ls_dir('/srv/out', true, false)"),
  list('tablespaces', "SELECT pg_ls_dir('pg_tblspc')"),
  list('sessions', "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'gw\\_%'"),
  list('slots', 'SELECT slot_name, restart_lsn, confirmed_flush_lsn FROM pg_replication_slots'),
  list('prepared', 'SELECT gid FROM pg_prepared_xacts'),
  list('origins', 'SELECT * FROM pg_replication_origin_status'),
  list('settings', "SELECT pg_conf_load_time(), pg_read_file('postgresql.auto.conf')"),
  list('log', 'SELECT pg_walfile_name(pg_current_wal_insert_lsn())'),
  list(
    'statistics',
    'SELECT stats_reset FROM pg_stat_database UNION ALL SELECT stats_reset FROM pg_stat_bgwriter',
  ),
]
