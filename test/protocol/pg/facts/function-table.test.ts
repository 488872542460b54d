/** Every VOLATILE function that PostgreSQL 13 to 18 bring along has a decision that somebody made. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import pg from 'pg'
import {
  CLASS_OF,
  HARMLESS_VOLATILE,
  RUNS_QUERY,
} from '../../../../protocol/pg/facts/function-table.ts'
import { judgeBuiltin } from '../../../../protocol/pg/facts/functions.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { FIXTURES } from './target.ts'

interface Line {
  /** `read`: it passes. `text`: the SQL text in its arguments decides, and without one it is held. */
  readonly decision: string
  readonly versions: readonly string[]
  readonly signature: string
  readonly name: string
}

/** Tab-separated: decision, major versions in which it is VOLATILE, schema.name(arguments). */
const LINES: readonly Line[] = readFileSync(new URL('volatile.tsv', FIXTURES), 'utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const [decision = '', versions = '', signature = ''] = line.split('\t')
    const name = signature.slice(signature.indexOf('.') + 1, signature.indexOf('('))
    return { decision, versions: versions.split(' '), signature, name }
  })

test('each is on the list of the harmless, or is held', () => {
  for (const { decision, signature, name } of LINES) {
    const effect = judgeBuiltin({ name, volatility: 'volatile' })
    const wanted = decision === 'read' ? null : decision === 'text' ? 'write' : decision
    assert.equal(effect?.class ?? null, wanted, signature)
    assert.equal(HARMLESS_VOLATILE.has(name), decision === 'read', signature)
  }
})

test('the lists name nothing that no version has, nor the same function twice', () => {
  const known = new Set(LINES.map(({ name }) => name))
  const listed = [...HARMLESS_VOLATILE, ...CLASS_OF.keys(), ...RUNS_QUERY]
  assert.deepEqual(
    listed.filter((name) => !known.has(name)),
    [],
  )
  assert.equal(new Set(listed).size, listed.length)
})

test('this server has no VOLATILE function that is not among them', async () => {
  const server = await startPostgres()
  const client = new pg.Client(server.url())
  await client.connect()
  const { rows } = await client.query<[string, string]>({ text: VOLATILE, rowMode: 'array' })
  await client.end()
  await server.stop()
  const major = rows[0]?.[0] ?? ''
  const known = LINES.filter(({ versions }) => versions.includes(major))
  const signatures = (all: readonly string[]) => [...all].sort()
  assert.deepEqual(
    signatures(rows.map(([, signature]) => signature)),
    signatures(known.map(({ signature }) => signature)),
  )
})

const VOLATILE = `SELECT (current_setting('server_version_num')::int / 10000)::text,
  n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND p.provolatile = 'v'`
