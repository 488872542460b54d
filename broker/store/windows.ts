import { type Kysely, sql } from 'kysely'
import type { Tables } from './schema.ts'
import type { WindowUse, WindowUses } from './store.ts'

export class StoredWindowUses implements WindowUses {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  begin(id: string, use: { session: string; at: number }): Promise<WindowUse | null> {
    return this.#db.transaction().execute(async (trx) => {
      const { count, used } = await usage(trx, id)
      const { most } = await trx
        .selectFrom('request')
        .select(sql<number | null>`json_extract(facts, '$.window.max_rows')`.as('most'))
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      const maxRows = most === null ? null : most - used
      if (maxRows !== null && maxRows <= 0) return null
      const row = { request_id: id, place: count, ...use, reserved: maxRows }
      await trx.insertInto('window_use').values(row).execute()
      return { place: count, maxRows }
    })
  }

  async end(id: string, place: number, rows: number | null, at: number): Promise<void> {
    const row = { request_id: id, place, row_count: rows, at }
    await this.#db.insertInto('window_use_end').values(row).execute()
  }

  async used(id: string) {
    const { count, used } = await usage(this.#db, id)
    return { statements: count, rows: used }
  }
}

/** What did not end, or has no number of rows, counts as it was reserved. */
function usage(db: Kysely<Tables>, id: string) {
  return db
    .selectFrom('window_use as u')
    .leftJoin('window_use_end as e', (on) =>
      on.onRef('e.request_id', '=', 'u.request_id').onRef('e.place', '=', 'u.place'),
    )
    .select([
      sql<number>`count(u.place)`.as('count'),
      sql<number>`coalesce(sum(coalesce(e.row_count, u.reserved)), 0)`.as('used'),
    ])
    .where('u.request_id', '=', id)
    .executeTakeFirstOrThrow()
}
