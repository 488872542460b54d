import type { DatabaseSync } from 'node:sqlite'
import type { ReplayStore } from './store.ts'

/** So many new proofs go by between two clean-ups. */
const CLEAN_EVERY = 1000

/**
 * Used proofs, in a file of their own: `remember` is synchronous and must not fall into a
 * transaction of the requests. They survive a restart, so a proof cannot be used again after one.
 */
export class StoredReplay implements ReplayStore {
  readonly #insert
  readonly #forget
  readonly #now: () => number
  #count = 0

  constructor(database: DatabaseSync, now: () => number) {
    database.exec(
      'create table if not exists proof (jti text primary key, until integer not null) strict, without rowid',
    )
    database.exec('create index if not exists proof_until on proof (until)')
    this.#insert = database.prepare(
      'insert into proof (jti, until) values (?, ?) on conflict do nothing',
    )
    this.#forget = database.prepare('delete from proof where until < ?')
    this.#now = now
  }

  remember(jti: string, until: number): boolean {
    if (this.#count++ % CLEAN_EVERY === 0) this.#forget.run(Math.floor(this.#now()))
    return Number(this.#insert.run(jti, Math.ceil(until)).changes) === 1
  }
}
