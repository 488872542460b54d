/** What may fail because of a value is computed with it; what never fails is not. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Catalogue } from '../../../../protocol/pg/catalogue.ts'
import { loadParser, statements, Target } from './target.ts'

const WORLD = `
  CREATE TYPE pair AS (n int, t text);
  CREATE DOMAIN short AS text CHECK (length(VALUE) < 5);
  CREATE TABLE s (id int, free text, secret text, amount numeric, level int, doc jsonb, raw json,
    tags text[], day date, mine pair);
  CREATE VIEW v AS SELECT free, secret::int AS number FROM s;
  CREATE FUNCTION ident(p text) RETURNS text LANGUAGE sql AS 'SELECT p || $$$$';
  CREATE FUNCTION number(p text) RETURNS int LANGUAGE sql AS 'SELECT p::int';
`

const FAIL: readonly string[] = [
  ...['secret::int', 'secret::date', 'secret::short', 'secret::text[]', 'CAST(secret AS json)'],
  ...['1 / level', 'level + 1', '-level', 'amount * amount', 'amount + 1 + 1', 'level % 0'],
  ...['(amount + 1) * 2', 'sqrt(amount)', 'abs(level)', 'amount::int', 'amount::numeric(3,1)'],
  ...[`free ~ secret`, `secret ~ '['`, `secret ~ '[]'`, `secret ~ 'a**'`, `secret ~ '\\\\d'`],
  ...[`secret LIKE 'a\\\\'`, `'x' LIKE secret`, 'format(secret, 1)', `format('%I', secret)`],
  ...['substr(secret, 1, level)', `split_part(free, '-', level)`, `repeat('x', level)`],
  ...['substring(secret from free)', `regexp_replace(free, secret, '')`, 'chr(level)'],
  ...['jsonb_array_length(doc)', 'doc - 0', 'doc || doc', 'doc::int', 'to_jsonb(raw)'],
  ...['jsonb_build_object(secret, 1)', 'tags || tags', 'ARRAY[tags, tags]', 'array_agg(tags)'],
  ...['to_jsonb(s)', `to_date(secret, 'YYYY')`, 'xmlelement(name a, day)', 'number(secret)'],
  ...['has_table_privilege(secret, $$select$$)', 'XMLPARSE(CONTENT secret)', 'day + 1'],
  `JSON_OBJECT(secret: 1)`,
  `JSON_ARRAY(secret FORMAT JSON)`,
  // Here another part fails, for rows that the value chooses.
  ...[`CASE WHEN secret = 'a' THEN 1 / id END`, `coalesce(secret, (1 / id)::text)`],
  ...[`secret = 'a' OR 1 / id > 0`, `secret IN ('a', (1 / id)::text)`],
  ...[`(secret, 1) = ('a', 1 / id)`, `secret = ANY (SELECT (1 / id)::text FROM s)`],
  // A constant that is cast when it is come to, and checked then.
  `CASE WHEN secret = 'a' THEN 'x'::text::date END`,
  `CASE WHEN secret = 'a' THEN ('x' || 'y')::timestamptz END`,
  `CASE WHEN secret = 'a' THEN 'too long'::short END`,
  `CASE WHEN secret = 'a' THEN (-5)::information_schema.cardinal_number END`,
  `CASE WHEN secret = 'a' THEN '294276-12-31'::timestamptz + '10 years'::interval END`,
  `CASE WHEN secret = 'a' THEN 99999999999999999999::money END`,
  ...[`sum(1 / id) FILTER (WHERE secret = 'a')`, `coalesce(secret, (SELECT free FROM s))`],
]

const NEVER: readonly string[] = [
  ...['secret', 'upper(secret)', `secret || 'x' || free`, `'x' || upper(secret)`, 'secret::text'],
  ...['secret::varchar(3)', 'level::numeric', 'level::int8', 'amount::text', 'doc::text'],
  ...['coalesce(secret, $$$$)', `nullif(secret, 'a')`, 'CASE WHEN secret > free THEN 1 END'],
  ...['left(secret, 3)', 'substring(secret from 1 for 3)', `split_part(secret, '-', 1)`],
  ...['md5(secret)', 'length(secret)', `replace(secret, '-', '')`, 'reverse(secret)'],
  ...[`regexp_replace(secret, '(...)-(..)', '\\\\1', 'g')`, `secret ~ '^[0-9]{3}$' IS NULL`].slice(
    0,
    1,
  ),
  ...[`secret ~ '^[0-9]+$'`, `secret LIKE '1%'`, 'level / 10', 'amount * 12', 'amount + 0.5'],
  ...['sum(amount)', 'avg(level)', 'max(secret)', `string_agg(secret, ',')`, 'array_agg(secret)'],
  ...['json_agg(s)', 'row_to_json(s)', 'to_jsonb(secret)', 'jsonb_build_object($$a$$, secret)'],
  ...[`doc -> 'a'`, `doc ->> 'a' || ''`, 'ARRAY[secret, free]', 'tags[level]', '(mine).t'],
  ...['(mine).t || $$x$$', 'ident(secret)', 'lower(secret) || $$x$$', 'max(secret) || $$x$$'],
  ...['xmlelement(name a, secret)', `format('%s', secret)`, 'greatest(secret, free)'],
  ...[`to_char(amount, '999')`, 'extract(year FROM day)', 'JSON_ARRAY(secret)'],
  ...['1 / id', 'free::int', '(SELECT 1 / id)', 'CASE WHEN free > $$a$$ THEN 1 / id END'],
  ...[`CASE WHEN secret = 'a' THEN '5'::int END`, `CASE WHEN secret = 'a' THEN 5::numeric END`],
  ...[
    `coalesce(secret, NULL::text)`,
    `coalesce(secret, 'x'::text)`,
    `coalesce(secret, 'a' || 'b')`,
  ],
  ...['ROW(secret, 1 / id)', 'concat(secret, 1 / id)', 'JSON_OBJECT($$a$$: secret)'],
]

let target: Target
let catalogue: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  await target.run('fixture', ['CREATE SCHEMA f', `SET search_path TO f; ${WORLD}`])
  catalogue = await target.catalogue('fixture')
})
after(() => target?.stop())

/** Columns that the statement computes with, by name; what is in the clear does not count. */
function computedWith(sql: string): string[] {
  const [first] = statements(sql, catalogue, ['f', 'public'])
  return first!.predicates.flatMap(({ use, table, column }) => {
    const relation = catalogue.relations.get(table)
    const name = relation?.columns.find((one) => one.number === column)?.name ?? '*'
    return use === 'compute' && name !== 'id' && name !== 'free' ? [name] : []
  })
}

test('what may fail is told of', () => {
  const silent = FAIL.filter((one) => computedWith(`SELECT ${one} FROM s`).length === 0)
  assert.deepEqual(silent, [])
})

test('what never fails is not', () => {
  const told = NEVER.filter((one) => computedWith(`SELECT ${one} FROM s`).length > 0)
  assert.deepEqual(told, [])
})

test('what fails in a subquery or a view fails for whoever chooses by it', () => {
  const chosen = `CASE WHEN secret > 'm' THEN x END`
  assert.notDeepEqual(
    computedWith(`SELECT ${chosen} FROM (SELECT 1 / id AS x, secret FROM s) q`),
    [],
  )
  assert.notDeepEqual(
    computedWith(`WITH q AS (SELECT 1 / id AS x, secret FROM s) SELECT ${chosen} FROM q`),
    [],
  )
  assert.notDeepEqual(computedWith('SELECT number FROM v'), [])
})

test('a value that is written may break a rule of its table', () => {
  assert.notDeepEqual(computedWith('UPDATE orders SET item = secret FROM s'), [])
})
