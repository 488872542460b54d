import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import * as requests from './migrations/0001-requests.ts'
import * as versions from './migrations/0002-versions.ts'
import * as outbox from './migrations/0003-outbox.ts'
import * as questions from './migrations/0004-questions.ts'
import * as windows from './migrations/0005-windows.ts'

/** In the order of their names. A migration that was released is never edited; a new one is added. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-requests': requests,
  '0002-versions': versions,
  '0003-outbox': outbox,
  '0004-questions': questions,
  '0005-windows': windows,
}

export async function migrate<T>(
  db: Kysely<T>,
  wanted: Readonly<Record<string, Migration>> = migrations,
): Promise<void> {
  const provider = { getMigrations: () => Promise.resolve({ ...wanted }) }
  const { error } = await new Migrator({ db, provider }).migrateToLatest()
  if (error !== undefined) throw error
}
