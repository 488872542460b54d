/** A real server with the cases' fixture, and what the catalogue says of its databases. */
import { readFileSync } from 'node:fs'
import * as parser from 'libpg-query'
import pg from 'pg'
import { loadCatalogue } from '../../../../broker/analysis/load.ts'
import { asker } from '../../../../broker/analysis/query.ts'
import { connectPostgres, type Upstream } from '../../../../broker/upstream/postgres.ts'
import type { Catalogue } from '../../../../protocol/pg/catalogue.ts'
import { facts } from '../../../../protocol/pg/facts.ts'
import type { Analysis, StatementFacts } from '../../../../protocol/pg/statement.ts'
import { type RunningPostgres, startPostgres } from '../../../support/postgres.ts'

export const FIXTURES = new URL('../../../fixtures/', import.meta.url)

/** Extensions that not every build of PostgreSQL has. */
const OPTIONAL = /^CREATE EXTENSION IF NOT EXISTS adminpack;$/gm
const ROLES = `CREATE ROLE app LOGIN; CREATE ROLE dba NOLOGIN; CREATE ROLE reader LOGIN;
  CREATE ROLE guest NOLOGIN; GRANT dba TO app`

export interface Case {
  readonly id: string
  readonly sql?: string
  readonly bytes_hex?: string
  readonly class: string
  readonly also_ok?: readonly string[]
  readonly expect: 'pass' | 'hold' | 'refuse'
  readonly masked: readonly string[] | null
  readonly setup?: string | readonly string[]
  readonly setup_rw_session?: readonly string[]
  readonly session?: readonly string[]
  readonly session_ext?: readonly { name: string; sql: string }[]
  readonly protect?: string
  readonly policy?: string
}

export function lines<T>(file: string): T[] {
  const text = readFileSync(new URL(file, FIXTURES), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

/** The same text always has the same tree; parsing it for every catalogue would be waste. */
export async function loadParser(): Promise<void> {
  await parser.loadModule()
}

export function judge(sql: string | Buffer, catalogue: Catalogue, path = ['public']): Analysis {
  const bytes = Buffer.from(sql)
  const text = bytes.toString('utf8')
  try {
    return facts(parser.parseSync(text), bytes, catalogue, path, parser.parseSync)
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    return { ok: false, reason: 'syntax', message, length: bytes.length }
  }
}

export function statements(
  sql: string,
  catalogue: Catalogue,
  path?: string[],
): readonly StatementFacts[] {
  const analysis = judge(sql, catalogue, path)
  if (!analysis.ok) throw new Error(`${analysis.message}: ${sql}`)
  return analysis.statements
}

export class Target {
  readonly server: RunningPostgres

  private constructor(server: RunningPostgres) {
    this.server = server
  }

  static async start(): Promise<Target> {
    const target = new Target(await startPostgres({ settings: { fsync: 'off' } }))
    const fixture = readFileSync(new URL('sql-fixture.sql', FIXTURES), 'utf8')
    await target.run('postgres', [ROLES, 'CREATE DATABASE fixture'])
    await target.run('fixture', [fixture.replaceAll(OPTIONAL, '')])
    return target
  }

  stop(): Promise<void> {
    return this.server.stop()
  }

  connect(database: string): Promise<Upstream> {
    const { host, port, superuser, password } = this.server
    return connectPostgres(
      {
        ...{ host, port, database, user: superuser, password: () => password },
        tls: { mode: 'disable' },
        connectTimeoutMs: 10_000,
      },
      { applicationName: 'test', params: {} },
    )
  }

  async client(database: string): Promise<pg.Client> {
    const client = new pg.Client(this.server.url(database))
    await client.connect()
    return client
  }

  async run(database: string, sql: readonly string[]): Promise<void> {
    const client = await this.client(database)
    try {
      for (const text of sql) await client.query(text)
    } finally {
      await client.end()
    }
  }

  async catalogue(database: string): Promise<Catalogue> {
    const upstream = await this.connect(database)
    const closed = new Promise<void>((resolve) => upstream.onClose(() => resolve()))
    const catalogue = await loadCatalogue(asker(upstream), 1)
    upstream.end()
    await closed
    return catalogue
  }

  /** The catalogue of a copy of the fixture in which these were run. */
  async catalogueAfter(setup: readonly string[]): Promise<Catalogue> {
    await this.run('postgres', [
      'DROP DATABASE IF EXISTS changed',
      'CREATE DATABASE changed TEMPLATE fixture',
    ])
    const client = await this.client('changed')
    try {
      for (const text of setup) await client.query(text.replaceAll('@DB@', 'changed'))
      return await this.catalogue('changed')
    } finally {
      await client.end()
    }
  }
}
