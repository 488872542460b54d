import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { type RawClient, SessionStack } from '../support/sessions.ts'

/** Where PostgreSQL shows values of a protected column besides its rows, to a superuser even. */

const SECRET = '078-05-1120'
const SETUP = `
CREATE ROLE app LOGIN SUPERUSER PASSWORD 'app';
CREATE EXTENSION pg_stat_statements;
CREATE TABLE people (id int PRIMARY KEY, name text, ssn text UNIQUE DEFAULT '${SECRET}' CHECK (ssn <> '${SECRET}x'));
INSERT INTO people SELECT g, 'n' || g % 7, '078-05-' || 1000 + g FROM generate_series(1, 200) g;
CREATE INDEX partial ON people (id) WHERE ssn = '${SECRET}';
CREATE TYPE label AS ENUM ('${SECRET}');
CREATE TABLE part (ssn text) PARTITION BY LIST (ssn);
CREATE TABLE part_one PARTITION OF part FOR VALUES IN ('${SECRET}');
CREATE STATISTICS both_of (mcv) ON name, ssn FROM people;
CREATE VIEW one AS SELECT id FROM people WHERE ssn = '${SECRET}';
CREATE POLICY own ON people USING (ssn <> '${SECRET}');
COMMENT ON COLUMN people.ssn IS 'such as ${SECRET}';
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;
CREATE USER MAPPING FOR app SERVER elsewhere OPTIONS (password '${SECRET}');
SELECT lo_from_bytea(4711, '${SECRET}');
ANALYZE people;
`

/** They show data, statements or passwords: lineage hides it. */
const DATA: readonly string[] = [
  ...['pg_stats', 'pg_statistic', 'pg_stats_ext', 'pg_statistic_ext_data', 'pg_stat_activity'],
  ...['pg_stat_get_activity(NULL)', 'pg_stat_statements', 'pg_stat_statements(true)'],
  ...['pg_prepared_statements', 'pg_prepared_statement()', 'pg_cursors', 'pg_cursor()', 'pg_locks'],
  ...['pg_largeobject', 'lo_get(4711)', 'pg_authid', 'pg_shadow', 'pg_user_mapping'],
  ...['pg_user_mappings', 'information_schema.user_mapping_options'],
].map((source) => `SELECT * FROM ${source}`)

/** They show what somebody wrote into a definition: only what a detector knows is covered. */
const DEFINITIONS: readonly string[] = [
  'SELECT enumlabel FROM pg_enum',
  'SELECT pg_get_constraintdef(oid) FROM pg_constraint',
  'SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef',
  "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'part_one'",
  'SELECT indexdef FROM pg_indexes',
  "SELECT pg_get_viewdef('one')",
  'SELECT qual FROM pg_policies',
  'SELECT description FROM pg_description',
  'EXPLAIN SELECT * FROM one',
]

describe('what else tells protected values', () => {
  let server: RunningPostgres
  let other: pg.Client
  const stacks: SessionStack[] = []

  before(async () => {
    server = await startPostgres({ settings: { shared_preload_libraries: 'pg_stat_statements' } })
    other = new pg.Client(server.url())
    await other.connect()
    await other.query(SETUP)
    // What another session did last is shown of it.
    await other.query(`SELECT id FROM people WHERE ssn = '${SECRET}'`)
  })
  after(async () => {
    for (const stack of stacks) await stack.close()
    await other.end()
    await server.stop()
  })

  async function connected(detect?: string): Promise<RawClient> {
    const way = { postgres: server, user: 'app', password: 'app', databases: ['postgres'] as const }
    const mask = ['people.ssn', 'part.ssn']
    const stack = await SessionStack.open({
      ...way,
      mask,
      ...(detect === undefined ? {} : { detect }),
    })
    stacks.push(stack)
    const client = await stack.client('postgres')
    await client.take()
    return client
  }

  test('statistics, statements of others, large objects and passwords, without detectors', async () => {
    const client = await connected()
    for (const sql of DATA) {
      const { bytes, types } = await client.query(sql)
      assert.match(types, /^TD*CZ$/, sql)
      assert.ok(!bytes.includes('078-05-1'), sql)
      assert.ok(!bytes.includes(Buffer.from('078-05-1').toString('hex')), sql)
    }
  })

  test('definitions, by what detectors know', async () => {
    const client = await connected('{}')
    for (const sql of DEFINITIONS) {
      const { bytes, types } = await client.query(sql)
      assert.match(types, /^TD+CZ$/, sql)
      assert.ok(!bytes.includes(SECRET), sql)
    }
  })
})
