import type { Choices } from './choices.ts'
import { typed } from './expressions.ts'
import { select } from './queries.ts'
import {
  anyValue,
  columnOf,
  expression,
  type Grammar,
  type Place,
  query,
  RELATIONS,
  startPlace,
  TYPES,
} from './scope.ts'
import { source } from './sources.ts'

const GRAMMAR: Grammar = { expression: typed, select, source }

/** What a client says in one go, before it looks at what came back. */
export type Say =
  | { readonly kind: 'query'; readonly sql: string; readonly writes?: true }
  | {
      readonly kind: 'portals'
      readonly writes?: true
      readonly sql: readonly [string, string]
      readonly binary: boolean
    }
  | {
      readonly kind: 'extended'
      readonly writes?: true
      readonly sql: string
      readonly values: readonly string[]
      readonly binary: boolean
      /** Rows at a time; 0 = all. */
      readonly rows: number
    }

export type Program = readonly Say[]

export function program(choices: Choices): Program {
  const place = startPlace(GRAMMAR, choices)
  return choices.pick([
    ...new Array<(place: Place) => Program>(6).fill(simple),
    ...[extended, extended, extended, prepared, cursor, cursor, copy, copy, explain, write, system],
    ...[several, parameters, portals, settings],
  ])(place)
}

function say(sql: string): Say {
  return { kind: 'query', sql }
}

function whole(place: Place): string {
  return select(place, null).sql
}

function simple(place: Place): Program {
  return [say(whole(place))]
}

function several(place: Place): Program {
  return [say(`${whole(place)}; ${whole(place)}`)]
}

function extended(place: Place): Program {
  const { choices } = place
  const binary = choices.chance(2)
  const rows = choices.pick([0, 0, 1, 2])
  return [{ kind: 'extended', sql: whole(place), values: [], binary, rows }]
}

/** Two portals of one transaction, a few rows of each in turn. */
function portals(place: Place): Program {
  const { choices } = place
  const sql: readonly [string, string] = [whole(place), whole(place)]
  return [{ kind: 'portals', sql, binary: choices.chance(2) }]
}

/** What a session can be made to say again. */
function settings(place: Place): Program {
  const { choices } = place
  const value = expression(place, 'text')
  return [
    say(
      choices.pick([
        `SELECT set_config('DateStyle', ${value}, false)`,
        `SELECT current_setting('my.' || ${value}, true)`,
        `SELECT current_setting(${value}, true) FROM people`,
        `SELECT pg_notify('c', ${value})`,
        `SELECT has_table_privilege(${value}, 'select')`,
        `SELECT to_regclass(${value}), pg_input_is_valid(${value}, 'int')`,
        `SELECT tell(${value})`,
        `SELECT pg_sleep(0), pg_backend_pid() > 0, ${value} FROM people`,
      ]),
    ),
    say('SHOW DateStyle'),
  ]
}

function parameters(place: Place): Program {
  const { choices } = place
  const from = RELATIONS[choices.below(RELATIONS.length)]!
  const inner = { ...place, ranges: [{ alias: 't', columns: from[1] }] }
  const sql = `SELECT $1::text || ${expression(inner, 'text')} AS a, ${anyValue(inner)} AS b, $2::int
    FROM ${from[0]} AS t WHERE ${columnOf({ ...inner, isClean: true }, 'int') ?? '1'} > $2::int`
  const values = [choices.pick(['a', '', '078-05-1120']), choices.pick(['0', '3', 'x'])]
  return [{ kind: 'extended', sql, values, binary: choices.chance(2), rows: 0 }]
}

function prepared(place: Place): Program {
  const { choices } = place
  const sql = whole(place)
  const execute = choices.pick([
    say('EXECUTE s1'),
    say('EXPLAIN (COSTS OFF) EXECUTE s1'),
    {
      kind: 'extended',
      sql: 'EXECUTE s1',
      values: [],
      binary: choices.chance(2),
      rows: 0,
    } as const,
  ])
  return [say(`PREPARE s1 AS ${sql}`), execute, say('DEALLOCATE s1')]
}

function cursor(place: Place): Program {
  const { choices } = place
  const options = choices.pick(['CURSOR', 'SCROLL CURSOR', 'BINARY CURSOR', 'CURSOR WITH HOLD'])
  const fetches = choices.pick([
    ['FETCH 2 FROM c1', 'FETCH ALL FROM c1'],
    ['MOVE 1 FROM c1', 'FETCH NEXT FROM c1'],
    ['FETCH FORWARD 100 IN c1'],
  ])
  const binary = choices.chance(3)
  return [
    say('BEGIN'),
    say(`DECLARE c1 ${options} FOR ${whole(place)}`),
    ...fetches.map(
      (sql): Say => (binary ? { kind: 'extended', sql, values: [], binary, rows: 0 } : say(sql)),
    ),
    say('CLOSE c1'),
    say('COMMIT'),
  ]
}

function copy(place: Place): Program {
  const { choices } = place
  const options = choices.pick([
    ...['', ' (FORMAT csv)', ' (FORMAT binary)', ' (FORMAT csv, HEADER, FORCE_QUOTE *)'],
    ...[` (DELIMITER ';', NULL 'nil')`, ' (FORMAT text, HEADER)'],
  ])
  const what = choices.chance(5)
    ? choices.pick(['people', 'people (id, ssn, doc)', 'events_low', 'orders'])
    : `(${whole(place)})`
  return [say(`COPY ${what} TO STDOUT${options}`)]
}

/** Plans tell what the statistics tell, so none with numbers of protected columns. */
function explain(place: Place): Program {
  const { choices } = place
  const options = choices.pick([
    ...['(COSTS OFF)', '(VERBOSE, COSTS OFF)', '(FORMAT json)', '', '(FORMAT xml, COSTS OFF)'],
    ...['(FORMAT yaml)', '(VERBOSE)', '(SETTINGS, SUMMARY OFF)', '(GENERIC_PLAN)'],
    '(ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF)',
  ])
  return [say(`EXPLAIN ${options} ${whole(place)}`)]
}

/** In a block that is given up: what a write copies is clear where it went. */
function write(place: Place): Program {
  const { choices } = place
  const [, columns] = RELATIONS[0]!
  const inner: Place = { ...place, ranges: [{ alias: 'people', columns }], depth: 1 }
  const clean: Place = { ...inner, isClean: true }
  const returning = `RETURNING ${anyValue(inner)} AS r1, ${anyValue(inner)} AS r2`
  const sql = choices.pick([
    () => `UPDATE people SET score = ${columnOf(clean, 'int')} ${returning}`,
    () => `UPDATE people SET name = upper(name) WHERE ${expression(clean, 'bool')} ${returning}`,
    () => `DELETE FROM orders USING people WHERE person_id = people.id ${returning}`,
    () => `UPDATE people SET ssn = 'new' WHERE id = 2 RETURNING old.ssn, new.ssn, people.*`,
    () => `INSERT INTO people (id, name, ssn) VALUES (90, 'n', 's') RETURNING *`,
    () =>
      `INSERT INTO people (id, name) VALUES (1, 'n') ON CONFLICT (id) DO UPDATE SET name = 'm' ${returning}`,
    () => `INSERT INTO orders (id, item) ${query(clean, ['int', 'text'])} RETURNING *`,
    () =>
      `MERGE INTO orders o USING people ON o.person_id = people.id WHEN MATCHED THEN DELETE ${returning}`,
    () => `WITH d AS (DELETE FROM events RETURNING *) SELECT d.*, 1 FROM d`,
  ])()
  return [say('BEGIN'), { kind: 'query', sql, writes: true }, say('ROLLBACK')]
}

/** What the system tells of tables. */
function system(place: Place): Program {
  const { choices } = place
  const relation = choices.pick(RELATIONS)[0]
  const type = choices.pick(TYPES)
  return [
    say(
      choices.pick([
        `SELECT * FROM pg_stats WHERE schemaname = 'public' ORDER BY tablename, attname, inherited`,
        `SELECT attname, most_common_vals::text FROM pg_stats WHERE tablename = '${relation}'`,
        `SELECT s FROM pg_stats s WHERE tablename = '${relation}' ORDER BY attname, inherited`,
        `SELECT to_jsonb(s) FROM pg_statistic s JOIN pg_class c ON c.oid = starelid
           WHERE relname = '${relation}' ORDER BY staattnum, stainherit`,
        `SELECT relname, relpages, reltuples FROM pg_class WHERE relname = '${relation}'`,
        `SELECT pg_relation_size('${relation}'), pg_total_relation_size('${relation}')`,
        `SELECT table_to_xml('${relation}', true, false, '')`,
        `SELECT query_to_xml('SELECT * FROM ${relation}', true, true, '')`,
        `SELECT schema_to_xml('public', true, false, '')`,
        `SELECT tableoid::regclass, ctid, * FROM ${relation}`,
        `TABLE ${relation}`,
        `SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = '${relation}'`,
        `SELECT pg_get_viewdef('v_deep'), pg_get_expr(adbin, adrelid) FROM pg_attrdef`,
        `SELECT * FROM information_schema.columns WHERE table_name = '${relation}' AND false`,
        `SELECT count(*) FROM pg_prepared_statements`,
        `SELECT name, statement FROM pg_cursors`,
        `SELECT NULL::${type}_nothing`,
        `SELECT count(*) FROM ${relation}`,
      ]),
    ),
  ]
}
