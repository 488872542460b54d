import { type Kysely, sql } from 'kysely'
import { accountKey, claimKey, meet, ownKeys } from './keys.ts'
import type { Tables } from './schema.ts'
import type { Join, KnownPerson, Link, People } from './store.ts'

/** An address or a claim that an account had counts for so long after it was last seen there. */
const REMEMBERED = 90 * 24 * 3_600_000

export class StoredPeople implements People {
  readonly #db: Kysely<Tables>
  readonly #now: () => number

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db
    this.#now = now
  }

  saw(person: KnownPerson): Promise<void> {
    const { issuer, subject, seenAt } = person
    const fresh = {
      email: person.email,
      groups: JSON.stringify(person.groups),
      roles: JSON.stringify(person.roles),
      keys: JSON.stringify(person.keys),
      machine: person.machine ? 1 : 0,
      seen_at: seenAt,
    }
    return this.#db.transaction().execute(async (trx) => {
      await trx
        .insertInto('person')
        .values({ issuer, subject, ...fresh })
        .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doUpdateSet(fresh))
        .execute()
      await remember(trx, { issuer, subject, keys: vouchedFor(person) }, 0, seenAt)
    })
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
      keys: JSON.parse(row.keys),
      machine: row.machine === 1,
      seenAt: row.seen_at,
    }))
  }

  joining(keys: readonly string[]): Promise<Join> {
    return joining(this.#db, keys, this.#now())
  }

  configure(links: readonly Link[], claim: string | null): Promise<void> {
    return this.#db.transaction().execute(async (trx) => {
      await trx.deleteFrom('person_key').where('configured', '=', 1).execute()
      const kept = claim === null ? '' : claimKey(claim, '')
      await sql`delete from person_key
        where key glob 'claim:*' and (${kept} = '' or instr(key, ${kept}) <> 1)`.execute(trx)
      for (const link of links) await remember(trx, link, 1, FOREVER)
    })
  }
}

const FOREVER = Number.MAX_SAFE_INTEGER

/** What the configuration adds is not kept from here: it may say otherwise tomorrow. */
function vouchedFor(person: KnownPerson): readonly string[] {
  const own = ownKeys(person)
  return person.machine ? own : [...own, ...person.keys.filter((key) => key.startsWith('claim:'))]
}

async function remember(
  db: Kysely<Tables>,
  link: Link,
  configured: 0 | 1,
  seenAt: number,
): Promise<void> {
  const { issuer, subject } = link
  const keys = [...new Set([accountKey(link), ...link.keys])]
  await db
    .insertInto('person_key')
    .values(keys.map((key) => ({ key, issuer, subject, configured, seen_at: seenAt })))
    .onConflict((conflict) =>
      conflict.columns(['key', 'issuer', 'subject', 'configured']).doUpdateSet({ seen_at: seenAt }),
    )
    .execute()
}

/** Reads all accounts that hang together with these keys, however many steps away. */
export async function joining(
  db: Kysely<Tables>,
  keys: readonly string[],
  now: number,
): Promise<Join> {
  const since = Math.floor(now - REMEMBERED)
  const { rows } = await sql<{ issuer: string; subject: string; keys: string; groups: string }>`
    with recursive reached (key) as (
      select value from json_each(${JSON.stringify(keys)})
      union
      select other.key from reached
        join person_key mine on mine.key = reached.key and mine.seen_at >= ${since}
        join person_key other on other.issuer = mine.issuer and other.subject = mine.subject
          and other.seen_at >= ${since}
    )
    select k.issuer, k.subject, json_group_array(k.key) as keys,
      coalesce((select p.groups from person p
        where p.issuer = k.issuer and p.subject = k.subject and p.seen_at >= ${since}), '[]') as groups
    from person_key k where k.key in (select key from reached) and k.seen_at >= ${since}
    group by k.issuer, k.subject`.execute(db)
  return joined(rows.map((row) => ({ keys: JSON.parse(row.keys), groups: JSON.parse(row.groups) })))
}

interface Account {
  readonly keys: readonly string[]
  readonly groups: readonly string[]
}

/** Accounts that share a key, and those that share one with these, and so on, are one person. */
export function joined(accounts: readonly Account[]): Join {
  return (start) => {
    const keys = new Set(start)
    const groups = new Set<string>()
    let left = [...accounts]
    for (;;) {
      const [more, rest] = split(left, [...keys])
      if (more.length === 0) return { keys: [...keys], groups: [...groups] }
      for (const account of more) {
        for (const key of account.keys) keys.add(key)
        for (const group of account.groups) groups.add(group)
      }
      left = rest
    }
  }
}

function split(accounts: readonly Account[], keys: readonly string[]): [Account[], Account[]] {
  const { yes = [], no = [] } = Object.groupBy(accounts, (one) =>
    meet(one.keys, keys) ? 'yes' : 'no',
  )
  return [yes, no]
}
