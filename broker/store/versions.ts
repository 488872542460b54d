import type { Kysely, Selectable, Transaction } from 'kysely'
import type { Tables, VersionTable } from './schema.ts'
import type { Proposal, Version, Versions } from './store.ts'

export class StoredVersions implements Versions {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async all(): Promise<readonly Version[]> {
    const rows = await this.#db
      .selectFrom('version')
      .selectAll()
      .orderBy('kind')
      .orderBy('name')
      .orderBy('number')
      .execute()
    return rows.map(versionOf)
  }

  async begin(first: Version): Promise<void> {
    await this.#db.insertInto('version').values(versionRow(first)).execute()
  }

  async proposal(request: string): Promise<Proposal | null> {
    const row = await this.#db
      .selectFrom('proposal')
      .leftJoin('sealed', 'sealed.request_id', 'proposal.request_id')
      .select(['kind', 'name', 'base', 'body', 'box'])
      .where('proposal.request_id', '=', request)
      .executeTakeFirst()
    return row ?? null
  }

  async boxes(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#db
      .selectFrom('sealed')
      .select(['request_id', 'box'])
      .where('box', 'is not', null)
      .execute()
    return new Map(rows.map(({ request_id, box }) => [request_id, box!]))
  }

  async destroyUnused(): Promise<void> {
    const over = ['rejected', 'expired', 'cancelled', 'revoked'] as const
    await this.#db
      .updateTable('sealed')
      .set({ box: null })
      .where('box', 'is not', null)
      .where((eb) =>
        eb.or([
          eb('request_id', 'in', eb.selectFrom('request').select('id').where('state', 'in', over)),
          eb('request_id', 'in', replaced(this.#db)),
        ]),
      )
      .execute()
  }
}

/** Requests whose version is not the last of its name. */
function replaced(db: Kysely<Tables>) {
  return db
    .selectFrom('version as v')
    .innerJoin('version as later', (join) =>
      join
        .onRef('later.kind', '=', 'v.kind')
        .onRef('later.name', '=', 'v.name')
        .onRef('later.number', '>', 'v.number'),
    )
    .select('v.request_id')
    .where('v.request_id', 'is not', null)
}

export async function insertProposal(
  trx: Transaction<Tables>,
  request: string,
  { box, ...proposal }: Proposal,
): Promise<void> {
  await trx
    .insertInto('proposal')
    .values({ request_id: request, ...proposal })
    .execute()
  if (box !== null) await trx.insertInto('sealed').values({ request_id: request, box }).execute()
}

export async function insertVersion(trx: Transaction<Tables>, version: Version): Promise<void> {
  await trx.insertInto('version').values(versionRow(version)).execute()
}

function versionRow({ request, authors, ...version }: Version) {
  return { ...version, request_id: request, authors: JSON.stringify(authors) }
}

function versionOf({ request_id, authors, ...row }: Selectable<VersionTable>): Version {
  return { ...row, request: request_id, authors: JSON.parse(authors) }
}
