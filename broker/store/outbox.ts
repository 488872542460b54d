import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Happening } from '../../protocol/api/happenings.ts'
import type { Tables } from './schema.ts'

/** Something that one endpoint is still to be told. */
export interface Undelivered {
  readonly number: number
  readonly request: string
  readonly event: Happening
  /** Which state or decision of the request it is; null for other happenings. */
  readonly place: number | null
  readonly at: number
  readonly detail: string | null
  /** How often it was tried. */
  readonly attempts: number
}

export interface EndpointState {
  readonly name: string
  readonly waiting: number
  /** When the oldest that waits happened. */
  readonly oldest: number | null
  readonly givenUp: number
  /** Null: the last attempt went well. */
  readonly failingSince: number | null
  readonly lastError: string | null
  readonly toldAt: number | null
}

/** Events that wait for delivery, each endpoint on its own. */
export interface Outbox {
  /** From now on these are told, and no others: what waits for others is forgotten. */
  endpoints(names: readonly string[]): Promise<void>
  /** The oldest of each request, due by now, oldest first; none of a request that is `busy`. */
  due(
    endpoint: string,
    now: number,
    limit: number,
    busy: readonly string[],
  ): Promise<readonly Undelivered[]>
  /** When the next one falls due; null: nothing waits. */
  nextDue(endpoint: string): Promise<number | null>
  /** `now`: null where it was not for this endpoint, which was not asked. */
  told(endpoint: string, number: number, now: number | null): Promise<void>
  failed(endpoint: string, number: number, how: Failure): Promise<void>
  states(): Promise<readonly EndpointState[]>
}

export interface Failure {
  readonly at: number
  /** Nothing in it is secret. */
  readonly error: string
  /** Null: it is given up. */
  readonly again: number | null
}

export class StoredOutbox implements Outbox {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  endpoints(names: readonly string[]): Promise<void> {
    return this.#db.transaction().execute(async (trx) => {
      const known = await trx.selectFrom('outbox_endpoint').select('name').execute()
      for (const { name } of known.filter((one) => !names.includes(one.name))) {
        await trx.deleteFrom('outbox_delivery').where('endpoint', '=', name).execute()
        await trx.deleteFrom('outbox_endpoint').where('name', '=', name).execute()
      }
      const rows = names.map((name) => ({ name }))
      const insert = trx.insertInto('outbox_endpoint').onConflict((on) => on.doNothing())
      if (rows.length > 0) await insert.values(rows).execute()
    })
  }

  async due(endpoint: string, now: number, limit: number, busy: readonly string[]) {
    const rows = await this.#db
      .selectFrom('outbox_delivery as d')
      .innerJoin('outbox as o', 'o.number', 'd.number')
      .select(['o.number', 'o.request_id', 'o.event', 'o.place', 'o.at', 'o.detail', 'd.attempts'])
      .where('d.endpoint', '=', endpoint)
      .where('d.due', '<=', now)
      .where('d.request_id', 'not in', ['', ...busy])
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('outbox_delivery as earlier')
              .select('earlier.number')
              .where('earlier.endpoint', '=', endpoint)
              .whereRef('earlier.request_id', '=', 'd.request_id')
              .whereRef('earlier.number', '<', 'd.number'),
          ),
        ),
      )
      .orderBy('d.number')
      .limit(limit)
      .execute()
    return rows.map(({ request_id: request, ...row }) => ({ ...row, request }))
  }

  async nextDue(endpoint: string): Promise<number | null> {
    const row = await this.#db
      .selectFrom('outbox_delivery')
      .select((eb) => eb.fn.min('due').as('due'))
      .where('endpoint', '=', endpoint)
      .executeTakeFirst()
    return row?.due ?? null
  }

  told(endpoint: string, number: number, now: number | null): Promise<void> {
    return this.#db.transaction().execute(async (trx) => {
      await this.#take(trx, endpoint, number)
      if (now === null) return
      await trx
        .updateTable('outbox_endpoint')
        .set({ failing_since: null, last_error: null, told_at: now })
        .where('name', '=', endpoint)
        .execute()
    })
  }

  failed(endpoint: string, number: number, { at, error, again }: Failure): Promise<void> {
    return this.#db.transaction().execute(async (trx) => {
      if (again === null) await this.#take(trx, endpoint, number)
      else {
        await trx
          .updateTable('outbox_delivery')
          .set({ attempts: sql`attempts + 1`, due: again })
          .where('endpoint', '=', endpoint)
          .where('number', '=', number)
          .execute()
      }
      await trx
        .updateTable('outbox_endpoint')
        .set({
          failing_since: sql`coalesce(failing_since, ${at})`,
          last_error: error,
          ...(again === null ? { given_up: sql`given_up + 1` } : {}),
        })
        .where('name', '=', endpoint)
        .execute()
    })
  }

  async states(): Promise<readonly EndpointState[]> {
    const rows = await this.#db
      .selectFrom('outbox_endpoint as e')
      .leftJoin('outbox_delivery as d', 'd.endpoint', 'e.name')
      .leftJoin('outbox as o', 'o.number', 'd.number')
      .select(['e.name', 'e.given_up', 'e.failing_since', 'e.last_error', 'e.told_at'])
      .select((eb) => [
        eb.fn.count<number>('d.number').as('waiting'),
        eb.fn.min('o.at').as('oldest'),
      ])
      .groupBy('e.name')
      .orderBy('e.name')
      .execute()
    return rows.map((row) => ({
      name: row.name,
      waiting: row.waiting,
      oldest: row.oldest,
      givenUp: row.given_up,
      failingSince: row.failing_since,
      lastError: row.last_error,
      toldAt: row.told_at,
    }))
  }

  async #take(trx: Kysely<Tables>, endpoint: string, number: number): Promise<void> {
    await trx
      .deleteFrom('outbox_delivery')
      .where('endpoint', '=', endpoint)
      .where('number', '=', number)
      .execute()
  }
}
