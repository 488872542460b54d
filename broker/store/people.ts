import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'
import type { KnownPerson, People } from './store.ts'

export class StoredPeople implements People {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async saw(person: KnownPerson): Promise<void> {
    const fresh = {
      email: person.email,
      groups: JSON.stringify(person.groups),
      roles: JSON.stringify(person.roles),
      seen_at: person.seenAt,
    }
    await this.#db
      .insertInto('person')
      .values({ issuer: person.issuer, subject: person.subject, ...fresh })
      .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doUpdateSet(fresh))
      .execute()
  }

  async all(limit: number): Promise<readonly KnownPerson[]> {
    const rows = await this.#db
      .selectFrom('person')
      .selectAll()
      .orderBy('seen_at', 'desc')
      .limit(limit)
      .execute()
    return rows.map((row) => ({
      issuer: row.issuer,
      subject: row.subject,
      email: row.email,
      groups: JSON.parse(row.groups),
      roles: JSON.parse(row.roles),
      seenAt: row.seen_at,
    }))
  }
}
