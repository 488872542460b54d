import { readFileSync } from 'node:fs'
import pg from 'pg'
import { type RunningPostgres, startPostgres } from '../postgres.ts'
import { SessionStack } from '../sessions.ts'
import { COLUMNS, MASKS, PEOPLE, SIDES, type Side, WORLDS, type World } from './values.ts'

/**
 * Pairs of databases on one server that differ in protected values alone: copies of one template
 * in which the same rows were updated in the same order, so that OIDs and places of rows agree.
 * The ids of their transactions differ, and their names.
 */
export async function startTwins(): Promise<RunningPostgres> {
  const settings = { fsync: 'off', autovacuum: 'off', max_connections: '40' }
  const server = await startPostgres({ settings })
  await run(server, 'postgres', [
    `CREATE ROLE app LOGIN PASSWORD 'app'`,
    'CREATE DATABASE template OWNER app',
  ])
  const schema = readFileSync(new URL('../../fixtures/twins.sql', import.meta.url), 'utf8')
  await run(server, 'template', ['SET ROLE app', schema])
  for (const world of WORLDS) {
    for (const side of SIDES) {
      await run(server, 'postgres', [`CREATE DATABASE ${side}_${world} TEMPLATE template`])
      await run(server, `${side}_${world}`, fillings(world, side))
    }
  }
  return server
}

/** A table's size on disk is no secret; what a write that was given up leaves must not make it one. */
export async function tidy(server: RunningPostgres, world: World): Promise<void> {
  await Promise.all(
    SIDES.map((side) => run(server, `${side}_${world}`, ['VACUUM people, orders, events'])),
  )
}

/** The broker before the twins of one world. */
export function openStack(server: RunningPostgres, world: World): Promise<SessionStack> {
  return SessionStack.open({
    postgres: server,
    user: 'app',
    password: 'app',
    databases: [`left_${world}`, `right_${world}`],
    mask: [],
    policy: POLICY + [...MASKS[world]].map(([column, how]) => `      ${column}: ${how}\n`).join(''),
  })
}

/** Writes run at once, for a write that nobody approved has no answer to compare. */
const POLICY = `connections:
  pg-prod:
    request: [engineers]
    rules: { read: allow, write: allow, ddl: deny, admin: deny, unknown: deny }
    predicates: { equality: deny, compute: deny, other: deny }
    mask:
`

function fillings(world: World, side: Side): string[] {
  const people = PEOPLE[world][side].map((row, index) => {
    const values = COLUMNS.map((column) => row[column])
    const sets = values.map((value, at) => `${COLUMNS[at]} = ${quoted(value)}`).join(', ')
    const ssn = quoted(row.ssn)
    return `UPDATE people SET ${sets} WHERE id = ${index + 1};
      UPDATE events SET ssn = ${ssn} WHERE id = ${index + 1}`
  })
  return [...people, 'REFRESH MATERIALIZED VIEW m_people', 'VACUUM ANALYZE']
}

function quoted(value: string | null): string {
  return value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`
}

async function run(
  server: RunningPostgres,
  database: string,
  sql: readonly string[],
): Promise<void> {
  const client = new pg.Client(server.url(database))
  await client.connect()
  try {
    for (const text of sql) await client.query(text)
  } finally {
    await client.end()
  }
}
