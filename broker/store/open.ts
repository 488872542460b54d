import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { migrate } from './migrations.ts'
import { StoredOutbox } from './outbox.ts'
import { StoredPeople } from './people.ts'
import { StoredReplay } from './replay.ts'
import { StoredRequests } from './requests.ts'
import type { Tables } from './schema.ts'
import { NodeSqliteDialect, openDatabase } from './sqlite.ts'
import type { Store } from './store.ts'
import { StoredVersions } from './versions.ts'
import { StoredWindowUses } from './windows.ts'

export interface StoreOptions {
  /** Null: everything in memory, for tests. */
  readonly dataDir: string | null
  readonly now: () => number
}

/** The embedded store: `state.sqlite` and `proofs.sqlite` in the data folder. */
export async function openStore({ dataDir, now }: StoreOptions): Promise<Store> {
  const file = (name: string) => (dataDir === null ? ':memory:' : join(dataDir, name))
  const state = openDatabase(file('state.sqlite'), 'FULL')
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(state) })
  try {
    await migrate(db)
    const proofs = openDatabase(file('proofs.sqlite'), 'NORMAL')
    return assemble(db, proofs, now)
  } catch (error) {
    await db.destroy()
    throw error
  }
}

function assemble(db: Kysely<Tables>, proofs: DatabaseSync, now: () => number): Store {
  return {
    requests: new StoredRequests(db, now),
    windows: new StoredWindowUses(db),
    people: new StoredPeople(db, now),
    versions: new StoredVersions(db),
    replay: new StoredReplay(proofs, now),
    outbox: new StoredOutbox(db),
    close: async () => {
      proofs.close()
      await db.destroy()
    },
  }
}
