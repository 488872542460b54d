import {
  anyValue,
  columnOf,
  deeper,
  expression,
  type Place,
  query,
  rowOf,
  SQL_TYPES,
  TYPES,
  type Type,
} from './scope.ts'

/** Expressions of a type: mostly such as run, some that fail on some values. */

type Make = (place: Place) => string

const DEEPEST = 4

export function typed(place: Place, type: Type): string {
  const { choices } = place
  if (choices.isOver || place.depth >= DEEPEST) return simple(place, type)
  if (choices.below(5) < 2) return simple(place, type)
  const inner = deeper(place)
  return choices.chance(12)
    ? choices.pick(anything(type))(inner)
    : choices.pick(choices.chance(8) ? FALLIBLE[type] : MAKERS[type])(inner)
}

function simple(place: Place, type: Type): string {
  return columnOf(place, type) ?? constant(place, type)
}

export function constant({ choices }: Place, type: Type): string {
  return `${choices.pick(CONSTANTS[type])}`
}

const CONSTANTS: Readonly<Record<Type, readonly string[]>> = {
  text: [`'a'`, `''`, `'12'`, `'078-05-1120'`, `'%'`, `'-'`, `NULL::text`],
  int: ['1', '0', '2', '3', '5', '-1', 'NULL::int'],
  num: ['1.0', '0.0', '91000', '17.25', '1e10'],
  bool: ['true', 'false'],
  date: [`date '1970-01-01'`, `date '2024-01-03'`],
  json: [`'{"a": 1}'::jsonb`, `'[1, 2]'::jsonb`, `'null'::jsonb`],
  texts: [`'{a,b}'::text[]`, `'{}'::text[]`],
  mood: [`'low'::mood`, `'high'::mood`],
  span: [`'[1,5)'::int4range`, `'empty'::int4range`],
  home: [`'(1,a)'::home`, `ROW(2, 'b')::home`],
  bytes: [`'\\x0102'::bytea`, `''::bytea`],
}

const T: Make = (p) => expression(p, 'text')
const I: Make = (p) => expression(p, 'int')
const N: Make = (p) => expression(p, 'num')
const B: Make = (p) => expression(p, 'bool')
const D: Make = (p) => expression(p, 'date')
const J: Make = (p) => expression(p, 'json')
const A: Make = (p) => expression(p, 'texts')
const S: Make = (p) => expression(p, 'span')
const H: Make = (p) => expression(p, 'home')
const Y: Make = (p) => expression(p, 'bytes')
const X: Make = anyValue
/** A whole row, or another composite. */
const R: Make = (p) => rowOf(p) ?? `ROW(${X(p)}, ${X(p)})`
const few: Make = (p) => p.choices.pick(['1', '2', '3', '0'])

/** A template: what stands in braces of JavaScript is a value of that kind. */
function sql(parts: TemplateStringsArray, ...makes: readonly Make[]): Make {
  return (place) => parts.map((part, index) => part + (makes[index]?.(place) ?? '')).join('')
}

/** What there is of each type. */
function anything(type: Type): readonly Make[] {
  const some: Make = (p) => expression(p, type)
  const all = [
    sql`coalesce(${some}, ${some})`,
    sql`CASE WHEN ${B} THEN ${some} ELSE ${some} END`,
    sql`CASE WHEN ${B} THEN ${some} END`,
    sql`nullif(${some}, ${some})`,
    sql`greatest(${some}, ${some})`,
    sql`(${some})::${() => SQL_TYPES[type]}`,
    sql`(ARRAY[${some}, ${some}])[${few}]`,
    (p: Place) => `(${query(p, [type])} LIMIT 1)`,
    (p: Place) => `(SELECT ${some(p)})`,
    sql`(SELECT max(q.v) FROM (VALUES (${some}), (${some})) AS q(v))`,
    sql`(SELECT u FROM unnest(ARRAY[${some}, ${some}]) WITH ORDINALITY AS s(u, n) WHERE n = ${few})`,
    sql`(SELECT (array_agg(v))[1] FROM (SELECT ${some} AS v) q)`,
  ]
  // json, composites and bytes have no maximum everywhere; jsonb none at all.
  const unordered: readonly Type[] = ['json', 'bool', 'home', 'span', 'bytes']
  return unordered.includes(type) ? all.filter((_, index) => index !== 9) : all
}

const MAKERS: Readonly<Record<Type, readonly Make[]>> = {
  text: [
    ...[sql`upper(${T})`, sql`(${T} || ${T})`, sql`(${X})::text`, sql`left(${T}, ${few})`],
    ...[sql`right(${T}, 4)`, sql`substr(${T}, ${few})`, sql`replace(${T}, '-', ${T})`],
    ...[sql`md5(${T})`, sql`concat(${X}, ${X})`, sql`concat_ws(',', ${X}, ${X})`],
    ...[sql`(${J} ->> 'a')`, sql`(${J} #>> '{b,0}')`, sql`(${A})[${few}]`, sql`(${H}).street`],
    ...[sql`format('%s/%s', ${X}, ${X})`, sql`array_to_string(${A}, ',')`, sql`trim(${T})`],
    ...[sql`split_part(${T}, '-', 1)`, sql`reverse(${T})`, sql`quote_nullable(${T})`],
    ...[sql`regexp_replace(${T}, '[0-9]', 'x', 'g')`, sql`translate(${T}, '123', 'abc')`],
    ...[sql`overlay(${T} placing 'x' from 1 for 1)`, sql`lpad(${T}, 5, '*')`, sql`initcap(${T})`],
    ...[sql`row_to_json(${R})::text`, sql`(${R})::text`, sql`json_build_array(${X})::text`],
    ...[sql`encode(${Y}, 'hex')`, sql`pg_typeof(${X})::text`, sql`quote_literal(${X}::text)`],
    ...[sql`xmlforest(${X} AS a, ${T} AS b)::text`, sql`xmlelement(name e, ${X})::text`],
    ...[sql`ssn_of(${few})`, sql`(whole(${few})).ssn`, sql`(whole(${few})).name`],
    ...[sql`to_char(${D}, 'YYYY')`, sql`starts_with(${T}, ${T})::text`, sql`tell(${T})`],
    ...[sql`(${T} COLLATE "C")`, sql`jsonb_typeof(${J})`, sql`(${J} -> 'a')::text`],
    sql`(SELECT string_agg(e.v, ',') FROM (SELECT ${T} AS v) e)`,
  ],
  int: [
    ...[
      sql`(${I} + ${few})`,
      sql`length(${T})`,
      sql`octet_length(${T})`,
      sql`pg_column_size(${X})`,
    ],
    ...[sql`coalesce(cardinality(${A}), 0)`, sql`array_length(${A}, 1)`, sql`(${H}).zip`],
    ...[sql`strpos(${T}, ${T})`, sql`ascii(${T})`, sql`extract(year FROM ${D})::int`],
    ...[sql`(${B})::int`, sql`sign(${I})::int`, sql`twice(${few})`, sql`num_nulls(${X}, ${X})`],
    ...[sql`(SELECT count(*)::int FROM unnest(${A}) u)`, sql`lower(${S})`, sql`hashtext(${T})`],
    ...[sql`position('1' in ${T})`, sql`array_position(${A}, ${T})`, sql`(whole(${few})).level`],
    ...[sql`length(${Y})`, sql`(${few} * ${few})`, sql`abs(${few} - ${I} % 7)`],
    sql`width_bucket(${I}, 0, 10, 5)`,
  ],
  num: [
    ...[sql`(${I})::numeric`, sql`round(${N}, 1)`, sql`abs(${N})`, sql`(${N} + 1)`],
    ...[sql`(SELECT sum(v) FROM (VALUES (${N}), (${N})) q(v))`, sql`trunc(${N})`, sql`-(${N})`],
    ...[sql`(SELECT avg(v) FROM (VALUES (${I}), (${I})) q(v))`, sql`scale(${N})::numeric`],
  ],
  bool: [
    ...[sql`(${I} = ${I})`, sql`(${T} = ${T})`, sql`(${I} < ${I})`, sql`(${T} > ${T})`],
    ...[sql`(${T} LIKE '1%')`, sql`(${X} IS NULL)`, sql`(${B} AND ${B})`, sql`(${B} OR ${B})`],
    ...[sql`(NOT ${B})`, sql`(${I} IN (1, ${I}))`, sql`(${I} BETWEEN 0 AND ${I})`],
    ...[sql`(${S} @> ${I})`, sql`(${J} @> ${J})`, sql`(${J} ? 'a')`, sql`(${A} && ${A})`],
    ...[sql`(${T} = ANY (${A}))`, sql`isempty(${S})`, sql`(${N} > ${N})`, sql`(${D} < ${D})`],
    ...[sql`(${X} IS NOT NULL)`, sql`(${T} IS DISTINCT FROM ${T})`, sql`(${B} IS TRUE)`],
    ...[sql`((${I}, ${T}) = (${I}, ${T}))`, sql`(${T} ~ '^[0-9]+$')`, sql`(${S} && ${S})`],
    ...[sql`(${R} IS NOT NULL)`, sql`(${J} = ${J})`, sql`(${H} = ${H})`, sql`(${T} ILIKE 'A%')`],
    (p) => `EXISTS (${query(p, ['int'])})`,
    (p) => `(${I(p)} IN (${query(p, ['int'])}))`,
    (p) => `(${T(p)} = ALL (${query(p, ['text'])}))`,
    sql`pg_input_is_valid(${T}, 'int')`,
  ],
  date: [
    ...[sql`(${D} + ${few})`, sql`date_trunc('month', ${D})::date`, sql`(whole(${few})).born`],
    ...[sql`least(${D}, ${D})`, sql`(${D} - interval '1 day')::date`],
  ],
  json: [
    ...[sql`to_jsonb(${X})`, sql`jsonb_build_object('k', ${X}, 'l', ${X})`, sql`(${J} -> 'a')`],
    ...[sql`jsonb_build_array(${X}, ${X})`, sql`(${J} || ${J})`, sql`row_to_json(${R})::jsonb`],
    ...[sql`to_jsonb(${R})`, sql`jsonb_strip_nulls(${J})`, sql`(${J} #> '{b}')`, sql`(${J})['a']`],
    ...[sql`jsonb_path_query_first(${J}, '$.a')`, sql`jsonb_path_query_array(${J}, '$[*]')`],
    ...[sql`jsonb_set(${J}, '{a}', ${J})`, sql`JSON_OBJECT('a': ${X})::jsonb`],
    ...[sql`JSON_ARRAY(${X}, ${X})::jsonb`, sql`jsonb_object(ARRAY['a', ${T}])`],
    (p) => `(SELECT jsonb_agg(q) FROM (${query(p, [p.choices.pick(TYPES)])}) q)`,
    sql`(SELECT whole::jsonb FROM v_rows LIMIT 1)`,
  ],
  texts: [
    ...[sql`ARRAY[${T}, ${T}]`, sql`string_to_array(${T}, '-')`, sql`(${A} || ${T})`],
    ...[sql`(${A})[1:2]`, sql`array_append(${A}, ${T})`, sql`array_remove(${A}, ${T})`],
    ...[sql`regexp_split_to_array(${T}, '-')`, sql`regexp_match(${T}, '(.)-(.)')`],
    (p) => `ARRAY(${query(p, ['text'])})`,
    sql`ARRAY(SELECT jsonb_object_keys(jsonb_build_object(${() => `'k'`}, ${X})))`,
  ],
  mood: [sql`(whole(${few})).feel`, sql`coalesce(${(p) => expression(p, 'mood')}, 'low')`],
  span: [sql`(${S} * ${S})`, sql`int4range(1, 2 + abs(${few}))`, sql`range_merge(${S}, ${S})`],
  home: [sql`ROW(${I}, ${T})::home`, sql`(whole(${few})).house`],
  bytes: [
    ...[sql`convert_to(${T}, 'UTF8')`, sql`(${Y} || ${Y})`, sql`sha256(${Y})`, sql`int4send(${I})`],
    ...[sql`textsend(${T})`, sql`record_send(${R})`],
  ],
}

/** They fail on some values: what a client could ask of a protected one. */
const FALLIBLE: Readonly<Record<Type, readonly Make[]>> = {
  text: [
    ...[sql`substring(${T} FROM 1 FOR ${I})`, sql`repeat('x', ${I} % 5)`, sql`chr(${I})`],
    ...[sql`(${T})::code`, sql`split_part(${T}, '-', ${I})`, sql`(${T}::xml)::text`],
    ...[sql`regexp_replace('a', ${T}, 'x')`, sql`(1 / (${I}))::text`, sql`(${T})::varchar(3)`],
    ...[sql`convert_from(${Y}, 'UTF8')`, sql`format(${T}, 1)`, sql`(${T})::char(2)::text`],
  ],
  int: [
    ...[sql`(${T})::int`, sql`(1 / ${I})`, sql`(${I} * 1000000)`, sql`(7 % ${I})`, sql`(-${I})`],
    ...[
      sql`jsonb_array_length(${J})`,
      sql`(${N})::int`,
      sql`(${J} ->> 'a')::int`,
      sql`(${J})::int`,
    ],
    ...[sql`get_byte(${Y}, 0)`, sql`array_length(ARRAY[${A}, ${A}], 1)`],
  ],
  num: [
    ...[
      sql`(${T})::numeric`,
      sql`(1 / ${N})`,
      sql`sqrt(${N})`,
      sql`ln(${N})`,
      sql`(${N} * 1e131071)`,
    ],
    ...[sql`to_number(${T}, '999')`, sql`(2 ^ ${N})`, sql`(${N})::numeric(4,2)`],
  ],
  bool: [
    ...[sql`('a' ~ ${T})`, sql`('1-' LIKE ${T})`, sql`(${T})::bool`, sql`(1 / ${I} > 0)`],
    sql`(${J} @? ${T}::jsonpath)`,
  ],
  date: [
    ...[sql`(${T})::date`, sql`to_date(${T}, 'YYYY-MM-DD')`, sql`make_date(2020, ${I}, 1)`],
    sql`(${D} + ${I})`,
  ],
  json: [
    ...[sql`(${T})::jsonb`, sql`(${J} - 0)`, sql`jsonb_path_query_first(${J}, 'strict $.a')`],
    ...[sql`jsonb_insert(${J}, '{a}', '1')`, sql`jsonb_object(${A})`, sql`(${J} #- '{0,a}')`],
  ],
  texts: [sql`(${T})::text[]`, sql`(${A} || ${A})`, sql`array_fill(${T}, ARRAY[${I} % 4])`],
  mood: [sql`(${T})::mood`],
  span: [sql`int4range(${I}, ${I})`, sql`(${S} + ${S})`, sql`(${T})::int4range`],
  home: [sql`(${T})::home`, sql`jsonb_populate_record(NULL::home, ${J})`],
  bytes: [sql`decode(${T}, 'hex')`, sql`(${T})::bytea`, sql`set_byte(${Y}, 0, ${I})`],
}
